//! One session over COM1: what every agent owes its host.

use anyhow::{Result, ensure};
use infiniservice_e2e::Windows;
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_protocol::{Action, ErrorCode, GuestMessage};

pub const SCENARIOS: &[Scenario<Windows>] = &[
    ("session::says_hello_sends_metrics_and_answers_pings", greets),
    ("session::sends_heartbeats_that_count_up", beats),
    ("session::answers_malformed_lines_and_the_next_good_one", malformed),
    ("session::refuses_raw_commands_and_names_the_setting", refuses),
    ("session::says_what_is_not_here_and_why", lacks),
    ("session::ends_at_ctrl_c_with_its_summary_in_the_log", ends),
];

fn greets(windows: &Windows) -> Result<()> {
    let agent = windows.start(&["--vm-id", "wine-1"])?;
    let hello = windows.wait(agent.client()?.hello(TIMEOUT))?;
    ensure!(hello.platform == "windows" && hello.vm_id.as_deref() == Some("wine-1"), "{hello:?}");
    ensure!(!hello.os.is_empty(), "{hello:?}");
    let metrics = windows.wait(agent.client()?.metrics(TIMEOUT))?;
    ensure!(metrics.agent_version == hello.agent_version, "{metrics:?}");
    for _ in 0..20 {
        windows.wait(agent.client()?.ping(TIMEOUT))?;
    }
    Ok(())
}

fn beats(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let mut events = agent.client()?.subscribe();
    let mut next = || {
        agent.message(&mut events, "a heartbeat", |message| match message {
            GuestMessage::KeepAlive(beat) if beat.sequence_number < 1 << 20 => Some(beat.sequence_number),
            _ => None,
        })
    };
    let (first, second) = (next()?, next()?);
    ensure!(second == first + 1, "{first}, then {second}");
    Ok(())
}

fn malformed(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let mut events = agent.client()?.subscribe();
    let lines: [(&[u8], ErrorCode); 3] = [
        (b"{\n", ErrorCode::InvalidJson),
        (b"\"\xff\xfe\"\n", ErrorCode::InvalidJson),
        (b"{\"type\":\"News\"}\n", ErrorCode::UnknownType),
    ];
    for (line, code) in lines {
        windows.wait(agent.client()?.send_raw(line))?;
        let told = agent.message(&mut events, "the error", |message| match message {
            GuestMessage::Error(error) => Some(error.error_code),
            _ => None,
        })?;
        ensure!(told == code, "{told}, where {code} was expected");
    }
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    Ok(())
}

const RAW: &str =
    r#"{"type":"UnsafeCommand","id":"raw-1","raw_command":"echo %OS%& exit /b 3","shell":"cmd"}"#;

fn refuses(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let answer = agent.answer_to("raw-1", RAW)?;
    ensure!(answer.error_code == Some(ErrorCode::UnsafeDisabled), "{answer:?}");
    ensure!(answer.error.as_ref().is_some_and(|text| text.contains("allow_unsafe_commands")), "{answer:?}");
    Ok(())
}

/// Wine has no winget.
fn lacks(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    let answer = agent.request(&Action::PackageList { limit: None, filter: None })?;
    ensure!(answer.error_code == Some(ErrorCode::Unsupported), "{answer:?}");
    ensure!(answer.error.as_ref().is_some_and(|text| text.len() > 20), "no reason is given: {answer:?}");
    Ok(())
}

fn ends(windows: &Windows) -> Result<()> {
    let agent = windows.start(&[])?;
    windows.wait(agent.client()?.ping(TIMEOUT))?;
    let log = agent.stop()?;
    for part in ["stopping: asked by Ctrl-C", "stopped after", "commands: ", "link: "] {
        ensure!(log.contains(part), "{part:?} is not in the log:\n{log}");
    }
    Ok(())
}
