//! The program's command line as a person or script meets it: output and exit codes.

use std::process::{Command, Output};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infiniservice"));
    command.env_clear().args(arguments).envs(environment.iter().copied());
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_version_is_told() {
    let out = run(&["--version"], &[]);
    assert_eq!(text(&out.stdout), format!("infiniservice {}\n", infiniservice_platform::AGENT_VERSION));
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn everything_wrong_is_reported_at_once_and_the_exit_code_is_2() {
    let out = run(&["--set", "max_port=5", "--vm-id", "a b"], &[("INFINISERVICE_READ_TIMEOUT_MS", "0")]);
    assert_eq!(
        text(&out.stderr),
        "infiniservice: variable INFINISERVICE_READ_TIMEOUT_MS: read_timeout_ms = \"0\": \
         must be a whole number of milliseconds from 10 to 60000\n\
         infiniservice: flag --set: unknown setting \"max_port\"; did you mean max_ports?\n\
         infiniservice: flag --vm-id: vm_id = \"a b\": must be 1 to 128 printable ASCII characters without spaces\n"
    );
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(2), ""));
}

#[test]
fn a_wrong_argument_has_the_exit_code_2() {
    for arguments in [&["--colour"][..], &["--set", "x"], &["--device"], &["--require-virtio", "--no-virtio"]]
    {
        assert_eq!(run(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_missing_named_file_has_the_exit_code_2() {
    let out = run(&["--print-config", "--config", "/nonexistent/x.toml"], &[]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(text(&out.stderr), "infiniservice: /nonexistent/x.toml: does not exist\n");
}

#[test]
fn the_printed_configuration_names_variable_and_flag() {
    let out = run(&["--print-config", "--debug"], &[("INFINIBAY_VM_ID", "vm-7")]);
    let printed = text(&out.stdout);
    let line =
        |name: &str| printed.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("vm_id").ends_with("# variable INFINIBAY_VM_ID"), "{printed}");
    assert!(line("log_level = \"debug\"").ends_with("# flag --debug"), "{printed}");
    assert_eq!(out.status.code(), Some(0));
}
