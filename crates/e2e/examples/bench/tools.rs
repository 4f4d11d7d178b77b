//! A command's time beside that of the plain tool that gives the same list.

use anyhow::{Result, ensure};
use std::time::Duration;

use crate::Effort;
use crate::children::{self, PS};
use crate::peer::Peer;
use crate::round_trip::Times;
use crate::table::{Row, Table, millis};

/// A command of ours and the line that does the same by hand: words between blanks, steps between ` && `.
pub struct Pair {
    /// What the row is called.
    pub what: &'static str,
    /// The members of `command_type`.
    pub action: &'static str,
    /// The tool's name, and its line.
    pub tool: Option<(&'static str, &'static str)>,
}

const fn pair_of(what: &'static str, action: &'static str, tool: (&'static str, &'static str)) -> Pair {
    Pair { what, action, tool: Some(tool) }
}

/// Those that change nothing, for any machine.
pub const READING: [Pair; 6] = [
    pair_of("ProcessList", r#""action":"ProcessList""#, ("ps", PS)),
    pair_of(
        "ServiceList",
        r#""action":"ServiceList""#,
        ("systemctl", "systemctl list-units --type=service --all --no-pager"),
    ),
    pair_of("PackageList", r#""action":"PackageList""#, ("dpkg-query", DPKG_QUERY)),
    pair_of("ApplicationInventory", r#""action":"ApplicationInventory""#, ("dpkg-query", DPKG_QUERY)),
    pair_of(
        "DiskCleanup of temp, dry run",
        r#""action":"DiskCleanup","targets":["temp"],"dry_run":true"#,
        ("find", "find /tmp /var/tmp -xdev -printf %s"),
    ),
    Pair { what: "Autochecks", action: r#""action":"Autochecks""#, tool: None },
];

const DPKG_QUERY: &str = "dpkg-query -W -f ${Package}\\t${Version}\\t${Installed-Size}\\n";

/// Those that act, for a machine of our own: with [`UNIT`] in `/run/systemd/system`.
pub const ACTING: [Pair; 4] = [
    // Fetches the lists and then looks, as its tools do here. Not on this machine: it would ask its mirrors dozens of times.
    pair_of(
        "UpdateCheck",
        r#""action":"UpdateCheck""#,
        ("apt-get update, then -s dist-upgrade", "apt-get -q -y update && apt-get -s dist-upgrade"),
    ),
    pair_of(
        "ServiceControl status",
        r#""action":"ServiceControl","service":"bench.service","operation":"status""#,
        ("systemctl", "systemctl show bench.service"),
    ),
    pair_of(
        "ServiceControl restart",
        r#""action":"ServiceControl","service":"bench.service","operation":"restart""#,
        ("systemctl", "systemctl restart bench.service"),
    ),
    pair_of(
        "PackageInstall of what is installed",
        r#""action":"PackageInstall","package":"dpkg""#,
        ("apt-get", "apt-get -qq install dpkg"),
    ),
];

/// A service to act on, as often as wanted.
pub const UNIT: &str = "[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nExecStart=/bin/sleep infinity\\n";

/// Those whose tool works on this machine.
pub fn on_this_machine(host: &mut Peer, effort: &Effort, table: &mut Table) -> Result<()> {
    for pair in READING {
        if let Some((name, line)) = pair.tool.filter(|(_, line)| children::run(line).is_err()) {
            eprintln!("{name} does not work on this machine ({line}): {} is left out", pair.what);
            continue;
        }
        measure(host, &pair, effort.commands, table, children::run)?;
    }
    Ok(())
}

/// One row: the action's time by `host` beside its tool, in turns. An action that the machine does not support is left
/// out.
pub fn measure(
    host: &mut Peer,
    pair: &Pair,
    rounds: usize,
    table: &mut Table,
    mut run: impl FnMut(&str) -> Result<Duration>,
) -> Result<()> {
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for round in 0..rounds {
        let Some(taken) = ask(host, pair, round)? else { return Ok(()) };
        ours.add(taken);
        if let Some((_, line)) = pair.tool {
            theirs.add(run(line)?);
        }
    }
    let ours = ours.quantile(0.5);
    let row = Row::new(&format!("{}, median, ms", pair.what));
    let Some((name, _)) = pair.tool else {
        table.row(row.texts(&millis(ours), ""));
        return Ok(());
    };
    let theirs = theirs.quantile(0.5);
    let row = row.texts(&millis(ours), &format!("{} ({name})", millis(theirs)));
    table.row(row.ratio(ours.as_secs_f64() / theirs.as_secs_f64()));
    Ok(())
}

/// The time of one answer; none where the action is not supported.
fn ask(host: &mut Peer, pair: &Pair, round: usize) -> Result<Option<Duration>> {
    let Pair { what, action, .. } = pair;
    let id = format!("{what}-{round}-");
    let request = format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{{action}}}}}"#);
    let (taken, answer) = host.exchange(&request, &format!(r#""id":"{id}""#))?;
    if answer.contains("UNSUPPORTED") {
        eprintln!("{what} is not supported on this machine: left out");
        return Ok(None);
    }
    ensure!(answer.contains(r#""success":true"#), "{what} failed: {answer:.500}");
    Ok(Some(taken))
}
