//! Test programs of the workspace, run out of the one build of all of its tests: a build of a part of them gives their
//! dependencies other features, and so builds many of these anew.

use crate::steps::cargo;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A command for each crate that has test programs of this name: the program, in its crate's directory as cargo runs it.
pub fn of(name: &str) -> Result<Vec<Command>> {
    let mut all = cargo(&["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let built = all.stderr(Stdio::inherit()).output()?;
    ensure!(built.status.success(), "{all:?} ended with {}", built.status);
    let messages = String::from_utf8(built.stdout)?;
    let programs = messages.lines().filter_map(|line| program(name, line));
    let commands: Vec<Command> = programs.map(|(program, directory)| command(&program, &directory)).collect();
    ensure!(!commands.is_empty(), "no crate has test programs of the name {name}");
    Ok(commands)
}

fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    command
}

/// The program and its crate's directory, where cargo's message (Cargo Book, "External tools") is of such a program.
fn program(name: &str, message: &str) -> Option<(PathBuf, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_it = message["reason"] == "compiler-artifact"
        && target["name"] == name
        && target["kind"].as_array()?.iter().any(|kind| kind == "test");
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?;
    is_it.then(|| Some((message["executable"].as_str()?.into(), directory.to_owned())))?
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
    fn only_a_test_program_of_that_name_is_taken() {
        let message = |reason: &str, kind: &str, name: &str| {
            format!(
                r#"{{"reason":"{reason}","manifest_path":"/w/crates/e2e/Cargo.toml","executable":"/w/target/debug/deps/{name}-1",
                "target":{{"kind":["{kind}"],"name":"{name}"}}}}"#
            )
        };
        let found = program("machine", &message("compiler-artifact", "test", "machine"));
        assert_eq!(found, Some(("/w/target/debug/deps/machine-1".into(), "/w/crates/e2e".into())));
        assert_eq!(program("machine", &message("compiler-artifact", "lib", "machine")), None);
        assert_eq!(program("machine", &message("compiler-artifact", "test", "it")), None);
        assert_eq!(program("machine", r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("machine", "no JSON"), None);
    }
}
