//! What is started for a raw command, and what becomes of its end.

use super::*;
use crate::shell::outcome;
use infiniservice_exec::{Finished, Identity, Status};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;
use std::path::Path;

fn checked(command: UnsafeCommand) -> RawCommand {
    RawCommand::check(command).unwrap()
}

fn finished(status: Status) -> Finished {
    let (stdout, stderr) = ("out\n".to_owned().into(), "err\n".to_owned().into());
    Finished { status, stdout, stderr }
}

#[test]
fn the_text_is_one_argument_of_the_shell_even_if_it_looks_like_an_option() {
    let request =
        plan(checked(UnsafeCommand { raw_command: "-x; id".into(), ..UnsafeCommand::default() }), None, None);
    assert_eq!(request.program, Program::Named("sh"));
    assert_eq!(request.arguments, ["-c", "--", "-x; id"]);
    assert_eq!((request.directory, request.identity, request.environment), (None, None, vec![]));
}

#[test]
fn the_hosts_variables_come_after_the_users_own_so_that_they_hold() {
    let command = checked(UnsafeCommand {
        raw_command: "id".into(),
        shell: Some("bash".into()),
        working_dir: Some("/srv".into()),
        env_vars: vec![("HOME".into(), "/elsewhere".into())],
        ..UnsafeCommand::default()
    });
    let identity = Identity { uid: 7, gid: 8, groups: vec![8] };
    let user = User { identity: identity.clone(), environment: vec![("HOME".into(), "/home/u".into())] };
    let request = plan(command, Some(user), None);
    assert_eq!(request.program, Program::Named("bash"));
    assert_eq!(request.directory.as_deref(), Some(Path::new("/srv")));
    assert_eq!(request.identity, Some(identity));
    let home = |value: &str| ("HOME".into(), value.into());
    assert_eq!(request.environment, [home("/home/u"), home("/elsewhere")]);
}

#[test]
fn only_exit_code_0_is_a_success_and_output_comes_back_in_any_case() {
    let good = outcome(finished(Status::Exited(0))).unwrap();
    assert_eq!(
        (good.exit_code, good.stdout.text.as_str(), good.stderr.text.as_str()),
        (Some(0), "out\n", "err\n")
    );
    for (status, code, words) in
        [(Status::Exited(3), Some(3), "exit code 3"), (Status::Signalled(9), None, "signal 9")]
    {
        let bad = outcome(finished(status)).unwrap_err();
        assert_eq!((bad.code, bad.partial.exit_code), (ErrorCode::ExecutionFailed, code));
        assert_eq!(bad.partial.stdout.text, "out\n");
        assert!(bad.error.contains(words), "{bad}");
    }
}

#[tokio::test]
async fn a_long_text_goes_through_a_file_and_a_short_one_does_not() {
    let prepared = |text: String| async move {
        let command = checked(UnsafeCommand { raw_command: text, ..UnsafeCommand::default() });
        request(command, &Cancellation::for_at_most(Duration::from_secs(60))).await.unwrap()
    };
    let short = prepared("id #".repeat(25_000)).await;
    assert!(short.file.is_none() && short.request.arguments.len() == 3);
    let text = "id #\r\n".repeat(1 << 20);
    let long = prepared(text.clone()).await;
    let path = long.file.as_ref().unwrap().path().to_owned();
    assert_eq!(long.request.arguments, [path.as_os_str()]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    drop(long);
    assert!(!path.exists());
}
