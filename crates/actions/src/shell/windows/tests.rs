//! Raw commands on a real Windows or Wine.

use crate::shell::{RawCommand, finish, outcome};
use infiniservice_exec::{Cancellation, CommandResult, system_runner};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;
use std::time::Duration;

async fn run(command: UnsafeCommand) -> CommandResult {
    let cancellation = Cancellation::for_at_most(Duration::from_secs(60));
    let command = RawCommand::check(command)?;
    outcome(finish(command, system_runner().as_ref(), 1 << 20, &cancellation).await?)
}

fn text(raw_command: &str) -> UnsafeCommand {
    UnsafeCommand { raw_command: raw_command.into(), ..UnsafeCommand::default() }
}

#[tokio::test]
async fn a_text_with_quotes_and_operators_reaches_cmd_as_it_stands() {
    let done = run(text(r#"echo "a  b" & echo c"#)).await.unwrap();
    let lines: Vec<&str> = done.stdout.text.lines().map(str::trim_end).collect();
    assert_eq!(lines, [r#""a  b""#, "c"]);
}

#[tokio::test]
async fn the_exit_code_variables_and_directory_are_those_asked_for() {
    let command = UnsafeCommand {
        working_dir: Some(r"C:\windows".into()),
        env_vars: vec![("ASKED".into(), "for this".into())],
        ..text("cd & echo %ASKED% & exit 7")
    };
    let failed = run(command).await.unwrap_err();
    assert_eq!((failed.code, failed.partial.exit_code), (ErrorCode::ExecutionFailed, Some(7)));
    let output = failed.partial.stdout.text.to_lowercase();
    assert!(output.contains(r"c:\windows") && output.contains("for this"), "{output}");
}

#[tokio::test]
async fn what_windows_does_not_have_is_refused_with_the_reason() {
    let other_user = UnsafeCommand { run_as: Some("Guest".into()), ..text("ver") };
    let other_shell = UnsafeCommand { shell: Some("bash".into()), ..text("ver") };
    for (command, words) in [(other_user, "password"), (other_shell, "Linux only")] {
        let error = run(command).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(error.error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn powershell_runs_or_the_lack_of_it_is_told() {
    let command = UnsafeCommand { shell: Some("powershell".into()), ..text("Write-Output ('a' + 'b')") };
    match run(command).await {
        Ok(done) => assert_eq!(done.stdout.text.trim(), "ab"),
        Err(error) => assert_eq!(error.code, ErrorCode::Unsupported, "{error}"),
    }
}
