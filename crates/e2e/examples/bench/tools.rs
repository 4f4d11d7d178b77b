//! A command's time beside that of the plain tool that gives the same list.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Effort;
use crate::peer::Peer;
use crate::round_trip::Times;
use crate::table::{Row, Table, millis};

/// An action as it stands in `command_type`, the tool's name, and its arguments.
pub const PAIRS: [(&str, &str, &str); 3] = [
    (r#""action":"ProcessList""#, "ps", "ps -eo pid,ppid,user,pcpu,rss,nlwp,stat,lstart,args"),
    (r#""action":"ServiceList""#, "systemctl", "systemctl list-units --type=service --all --no-pager"),
    (
        r#""action":"PackageList""#,
        "dpkg-query",
        "dpkg-query -W -f ${Package}\\t${Version}\\t${Installed-Size}\\n",
    ),
];

/// Those whose tool works on this machine.
pub fn on_this_machine(host: &mut Peer, effort: &Effort, table: &mut Table) -> Result<()> {
    for (action, name, tool) in PAIRS {
        if run_tool(tool).is_err() {
            eprintln!("{name} does not work on this machine: {action} is left out");
            continue;
        }
        pair(host, (action, name), effort.commands, table, || run_tool(tool))?;
    }
    Ok(())
}

/// One row: the action's time by `host` beside `tool`, in turns. An action that the agent does not know is left out.
pub fn pair(
    host: &mut Peer,
    (action, name): (&str, &str),
    rounds: usize,
    table: &mut Table,
    mut tool: impl FnMut() -> Result<Duration>,
) -> Result<()> {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for round in 0..rounds {
        let id = format!("{name}-{round}-");
        let request = format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{{action}}}}}"#);
        let (taken, answer) = host.exchange(&request, &format!(r#""id":"{id}""#))?;
        if answer.contains("UNSUPPORTED") {
            eprintln!("{action} is not supported yet: left out");
            return Ok(());
        }
        ensure!(answer.contains(r#""success":true"#), "{action} failed: {answer:.500}");
        ours.add(taken);
        theirs.add(tool()?);
    }
    let (ours, theirs) = (ours.quantile(0.5), theirs.quantile(0.5));
    let what = format!("{}, median, ms", action.replace(r#""action":"#, "").replace('"', ""));
    let row = Row::new(&what).texts(&millis(ours), &format!("{} ({name})", millis(theirs)));
    table.row(row.ratio(ours.as_secs_f64() / theirs.as_secs_f64()));
    Ok(())
}

fn run_tool(line: &str) -> Result<Duration> {
    let mut words = line.split(' ');
    let begin = Instant::now();
    let mut command = Command::new(words.next().context("a tool's name")?);
    let status =
        command.args(words).env("LC_ALL", "C.UTF-8").stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{line} ended with {status}");
    Ok(begin.elapsed())
}
