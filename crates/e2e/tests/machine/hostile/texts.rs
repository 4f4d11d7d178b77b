//! Names and descriptions that would act on a terminal, be several lines, or a megabyte: on the line and on the screen.

use crate::support::{Undo, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::{Client, pty};
use infiniservice_e2e::harness::Scenario;
use infiniservice_e2e::messages::TIMEOUT;
use infiniservice_e2e::{Guest, binary};
use infiniservice_protocol::Action;
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};

pub const SCENARIOS: &[Scenario] =
    &[("hostile::names_and_descriptions_are_short_lines_in_answers_and_on_a_terminal", texts)];

const SET_UP: &str = include_str!("texts.sh");
const CLEAN_UP: &str = "systemctl stop lab-evil-long lab-evil-lines lab-evil-names; \
    rm -f /etc/systemd/system/lab-evil-*.service /usr/local/share/applications/lab-evil.desktop /run/lab-evil.py; \
    systemctl daemon-reload; systemctl reset-failed; userdel -r mallory 2>&1";
/// A terminal's width.
const COLUMNS: u16 = 80;
/// No text of a listed thing is longer, in characters.
const MAX_CHARS: usize = 4200;

fn texts(guest: &Guest) -> Result<()> {
    let _undo = Undo::by(guest, CLEAN_UP);
    guest.sh(SET_UP)?;
    guest
        .until("the long command line", |guest| Ok(guest.sh("pgrep -cf '^lab-evil-long' || true")? == "1"))?;
    let all: [(Action, &[&str], usize); 3] = [
        (Action::ServiceList { state: None }, &["service", "list"], 4),
        (
            Action::ApplicationInventory { limit: None, filter: Some("lab-evil".into()) },
            &["apps", "--filter", "lab-evil"],
            4,
        ),
        (
            Action::ProcessList { limit: None, sort_by: None, filter: Some("evil".into()) },
            &["process", "list", "--filter", "evil"],
            2,
        ),
    ];
    with_host(guest, |client| {
        all.iter().try_for_each(|(action, _, count)| in_answer(guest, client, action, *count))
    })?;
    for (_, arguments, count) in &all {
        on_terminal(guest, arguments, *count)?;
    }
    Ok(())
}

/// The line is one of plain ASCII, and each text in it short and without control characters.
fn in_answer(guest: &Guest, client: &Client, action: &Action, count: usize) -> Result<()> {
    let event = guest.wait(client.call(&client.command(action, None), TIMEOUT))?;
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    ensure!(event.raw.trim_end().chars().all(plain), "the line of {action:?} is not plain ASCII");
    let answer: Value = serde_json::from_str(&event.raw)?;
    let mut found = Vec::new();
    gather(&answer["data"], &mut found);
    let evil = |text: &&String| text.contains("lab-evil") || text.contains("owned");
    let evils: Vec<_> = found.iter().filter(evil).collect();
    println!(
        "  {action:?}: {} bytes, {} texts, {} of them hostile",
        event.raw.len(),
        found.len(),
        evils.len()
    );
    ensure!(evils.len() >= count, "{action:?} does not tell the hostile ones: {evils:?}");
    for text in found {
        ensure!(!text.contains(char::is_control), "a control character in {text:?}");
        ensure!(text.chars().count() <= MAX_CHARS, "{} characters: {:.80}", text.len(), text);
    }
    Ok(())
}

fn gather(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, into)),
        _ => {}
    }
}

/// `infinictl` on a terminal without colours: nothing but text and ends of lines comes out, and no line is wider than it.
fn on_terminal(guest: &Guest, arguments: &[&str], count: usize) -> Result<()> {
    let shown = shown(guest, arguments)?;
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    ensure!(!shown.contains(acts), "{arguments:?} lets through {:?}", shown.chars().find(|c| acts(*c)));
    let too_wide = shown.lines().find(|line| line.chars().count() > usize::from(COLUMNS));
    ensure!(too_wide.is_none(), "wider than the terminal: {too_wide:?}");
    let evil: Vec<_> = shown.lines().filter(|line| line.contains("evil")).collect();
    println!("{}", evil.join("\n"));
    ensure!(evil.len() == count, "{arguments:?} shows {} lines of {count}:\n{shown}", evil.len());
    Ok(())
}

fn shown(guest: &Guest, arguments: &[&str]) -> Result<String> {
    let terminal = pty::open()?;
    tcsetwinsize(&terminal.slave, Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 })?;
    let mut command = Command::new(binary::infinictl()?);
    command.args(arguments).arg("--no-color").arg("--socket").arg(guest.machine.agent_socket());
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(terminal.slave.try_clone()?);
    let mut child = command.spawn()?;
    drop((command, terminal.slave));
    let mut bytes = Vec::new();
    // Once nobody has the other end, reading fails with EIO: that is the end.
    let _end = std::fs::File::from(terminal.master).read_to_end(&mut bytes);
    ensure!(child.wait()?.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&bytes));
    String::from_utf8(bytes).context("what infinictl prints is no text")
}
