//! The host's command on Windows, with an agent of its own on a named pipe.

use anyhow::{Result, ensure};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::{Windows, binary};
use serde_json::Value;

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("infinictl::drives_an_agent_of_its_own_over_a_named_pipe", drives),
    ("infinictl::says_what_to_check_where_there_is_no_pipe", no_pipe),
];

fn infinictl(windows: &Windows) -> Result<String> {
    windows.prefix.install(&binary::windows("infinictl.exe", "INFINISERVICE_WINDOWS_INFINICTL")?)
}

fn drives(windows: &Windows) -> Result<()> {
    let said = windows
        .prefix
        .run(&infinictl(windows)?, &["--local", "--json", "process", "list", "--limit", "3"])?;
    let answer: Value = serde_json::from_str(&said)?;
    let listed = answer["data"]["processes"].as_array().map(Vec::len);
    ensure!(answer["success"] == true && listed == Some(3), "{answer}");
    Ok(())
}

fn no_pipe(windows: &Windows) -> Result<()> {
    let failed = windows.prefix.run(&infinictl(windows)?, &["--socket", r"\\.\pipe\nobody", "hello"]);
    let Err(error) = failed else { anyhow::bail!("it succeeded without a guest") };
    let said = format!("{error:#}");
    ensure!(said.contains(r"the pipe \\.\pipe\nobody: there is no such pipe"), "{said}");
    Ok(())
}
