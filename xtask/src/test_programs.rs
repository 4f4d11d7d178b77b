//! Test programs of the workspace, run out of the one build of all of its tests: a build of a part of them gives their
//! dependencies other features, and so builds many of these anew. The compiler of that build lints what it compiles, so that
//! dependencies are compiled once, and not a second time for the lints.

use crate::steps::cargo;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The compiler that lints what it compiles. Called by itself, so that linting and building are one.
const CLIPPY: &str = "clippy-driver";
/// What cargo-clippy tells that compiler for `-D warnings`.
const WARNINGS_ARE_ERRORS: &str = "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";

/// The same cargo with a compiler that lints. Nobody debugs what it makes, and most runs make it anew.
pub fn linted(mut cargo: Command) -> Command {
    cargo.env("RUSTC_WORKSPACE_WRAPPER", CLIPPY).env("CLIPPY_ARGS", WARNINGS_ARE_ERRORS);
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    cargo
}

/// `cargo test` of the whole workspace, out of the one build.
pub fn of_workspace() -> Command {
    linted(cargo(&["test", "--workspace", "--features", "infiniservice-link/sim"]))
}

/// A test program that cargo built.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    directory: PathBuf,
    target: String,
}

/// A command for each crate that has test programs of this name: the program, in its crate's directory as cargo runs it.
pub fn of(name: &str) -> Result<Vec<Command>> {
    let built = built(&mut of_workspace())?;
    let of_name = built.iter().filter(|program| program.target == name);
    let commands: Vec<Command> = of_name.map(|program| command(&program.path, &program.directory)).collect();
    ensure!(!commands.is_empty(), "no crate has test programs of the name {name}");
    Ok(commands)
}

/// The programs of a `cargo test` that is not to run them.
pub fn built(tests: &mut Command) -> Result<Vec<Program>> {
    Ok(messages(tests)?.lines().filter_map(program).collect())
}

/// An example of that build.
pub fn example(name: &str) -> Result<PathBuf> {
    let messages = messages(&mut of_workspace())?;
    messages
        .lines()
        .find_map(|message| example_of(message, name))
        .with_context(|| format!("no example {name}"))
}

fn messages(tests: &mut Command) -> Result<String> {
    tests.args(["--no-run", "--message-format=json-render-diagnostics"]);
    let built = tests.stderr(Stdio::inherit()).output()?;
    ensure!(built.status.success(), "{tests:?} ended with {}", built.status);
    Ok(String::from_utf8(built.stdout)?)
}

fn example_of(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    (target["kind"][0] == "example" && target["name"] == name).then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    command
}

/// Out of cargo's message (Cargo Book, "External tools"), where it is of such a program.
fn program(message: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(message).ok()?;
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?;
    (message["reason"] == "compiler-artifact" && message["profile"]["test"] == true).then_some(())?;
    Some(Program {
        path: message["executable"].as_str()?.into(),
        directory: directory.to_owned(),
        target: message["target"]["name"].as_str()?.to_owned(),
    })
}

/// Runs them one after another; an error names those that failed.
pub fn run(name: &str, set_up: impl Fn(&mut Command)) -> Result<()> {
    let mut failed = Vec::new();
    for mut command in of(name)? {
        set_up(&mut command);
        println!("    {}", command.get_program().display());
        let status = command.status().with_context(|| format!("{command:?}"))?;
        if !status.success() {
            failed.push(format!("{} ended with {status}", command.get_program().display()));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_program_is_taken() {
        let message = |reason: &str, test: bool| {
            format!(
                r#"{{"reason":"{reason}","manifest_path":"/w/crates/e2e/Cargo.toml","executable":"/w/target/debug/deps/machine-1",
                "target":{{"kind":["test"],"name":"machine"}},"profile":{{"test":{test}}}}}"#
            )
        };
        let found = program(&message("compiler-artifact", true)).expect("a program");
        assert_eq!(found.path, Path::new("/w/target/debug/deps/machine-1"));
        assert_eq!(
            (found.directory.as_path(), found.target.as_str()),
            (Path::new("/w/crates/e2e"), "machine")
        );
        assert_eq!(program(&message("compiler-artifact", false)), None);
        assert_eq!(program(&message("compiler-message", true)), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("no JSON"), None);
        let example =
            r#"{"target":{"kind":["example"],"name":"crowd"},"executable":"/w/target/debug/examples/crowd"}"#;
        assert_eq!(
            example_of(example, "crowd").as_deref(),
            Some(Path::new("/w/target/debug/examples/crowd"))
        );
        assert_eq!(example_of(example, "other"), None);
    }
}
