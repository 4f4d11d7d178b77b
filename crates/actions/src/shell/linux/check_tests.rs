//! What is refused of a raw command before anything is started.

use crate::shell::*;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::host::UnsafeCommand;

fn command() -> UnsafeCommand {
    UnsafeCommand { raw_command: "id".into(), ..UnsafeCommand::default() }
}

fn refused(command: UnsafeCommand) -> (ErrorCode, String) {
    let error = RawCommand::check(command).unwrap_err();
    (error.code, error.error)
}

fn invalid_with(command: UnsafeCommand, word: &str) {
    let (code, error) = refused(command);
    assert_eq!(code, ErrorCode::InvalidParameter);
    assert!(error.contains(word), "{error}");
}

#[test]
fn the_shell_is_sh_unless_bash_is_asked_for_and_those_of_windows_are_told_apart() {
    let shell =
        |shell: Option<&str>| RawCommand::check(UnsafeCommand { shell: shell.map(Into::into), ..command() });
    assert_eq!(shell(None).unwrap().shell, "sh");
    assert_eq!(shell(Some("bash")).unwrap().shell, "bash");
    for windows in ["cmd", "powershell"] {
        let error = shell(Some(windows)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(error.error.contains(windows) && error.error.contains("bash or sh"), "{error}");
    }
}

#[test]
fn a_directory_is_absolute_and_of_bounded_length() {
    let directory = |text: &str| UnsafeCommand { working_dir: Some(text.into()), ..command() };
    for relative in ["tmp", "./tmp", "../etc", "~", "C:\\Windows"] {
        invalid_with(directory(relative), "absolute");
    }
    invalid_with(directory(&format!("/{}", "x".repeat(4096))), "4096");
    assert!(RawCommand::check(directory("/srv/a b/../c")).is_ok());
}

#[test]
fn a_user_is_a_login_name() {
    let user = |name: &str| UnsafeCommand { run_as: Some(name.into()), ..command() };
    for odd in ["-u", "+", "+nis", "a:b", "a b", "a\nb", "../a", "a,b", "#1000", "a\u{1b}[0m"] {
        invalid_with(user(odd), "run_as");
    }
    invalid_with(user(&"x".repeat(256)), "run_as");
    assert!(RawCommand::check(user("www-data")).is_ok());
    assert!(RawCommand::check(user("DOMAIN\\user")).is_ok());
}

#[test]
fn what_execve_would_refuse_is_refused_with_its_name() {
    let long = "x".repeat(MAX_ARGUMENT_BYTES);
    invalid_with(UnsafeCommand { raw_command: "x".repeat(MAX_TEXT_BYTES + 1), ..command() }, "raw_command");
    let one = vec![("LONG".to_owned(), long.clone())];
    invalid_with(UnsafeCommand { env_vars: one, ..command() }, "LONG");
    let many = (0..3).map(|n| (format!("V{n}"), "x".repeat(100 << 10))).collect();
    invalid_with(UnsafeCommand { env_vars: many, ..command() }, "together");
    let fits = UnsafeCommand { raw_command: "x".repeat(MAX_TEXT_BYTES), ..command() };
    assert!(RawCommand::check(fits).is_ok());
}

#[test]
fn a_traced_command_finds_its_place_in_its_environment_unless_the_host_set_another() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = TraceContext::read(parent, Some("v=1")).unwrap();
    let own = [("TRACEPARENT", parent), ("TRACESTATE", "v=1")];
    let told = |set: Option<&str>| {
        let env_vars = set.map(|name| (name.to_owned(), "mine".to_owned())).into_iter().collect();
        RawCommand::check(UnsafeCommand { env_vars, ..command() }).unwrap().traced(&context).environment
    };
    let owned = |all: &[(&str, &str)]| -> Vec<_> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(told(None), owned(&own));
    for name in ["TRACEPARENT", "TRACESTATE"] {
        assert_eq!(told(Some(name)), owned(&[(name, "mine")]), "not half of one and half of the other");
    }
    assert_eq!(told(Some("traceparent")).len(), 3, "another variable, on Linux");
}
