//! `ServiceLogs` over a real journal: what a unit logs by the journal's own protocol comes back as it was.

use super::units;
use crate::support::{Undo, data, equal, refused, with_host};
use anyhow::{Context, Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::action::LogPriority;
use infiniservice_protocol::data::{LogLine, ServiceLogsData};
use infiniservice_protocol::{Action, ErrorCode};

pub const SCENARIOS: &[Scenario] = &[
    ("services::logs_come_whole_by_priority_and_by_time", whole),
    ("services::logs_beyond_the_bounds_are_told", bounded),
    ("services::logs_of_a_unit_that_is_gone_are_told_and_of_none_are_not_found", gone),
];

const UNIT: &str = "lab-logs.service";
const UNIT_FILE: &str = "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /run/lab-logs.py\n";
/// Entries by the native protocol, as `sd_journal_send`(3) writes them: a length before each message.
const PROGRAM: &str = r"
import socket, struct
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.connect('/run/systemd/journal/socket')
def log(priority, message):
    length = struct.pack('<Q', len(message))
    journal.send(b'PRIORITY=%d\nSYSLOG_IDENTIFIER=lab\nMESSAGE\n' % priority + length + message + b'\n')
";
/// After this all that was written is there to be read.
const RUN: &str = "systemctl start lab-logs && journalctl --sync";

fn logging<'a>(guest: &'a Guest, program: &str) -> Result<[Undo<'a>; 2]> {
    guest.machine.write_file("/run/lab-logs.py", format!("{PROGRAM}{program}").as_bytes())?;
    let undo = [units(guest, &[(UNIT, UNIT_FILE)])?, Undo::by(guest, "rm -f /run/lab-logs.py")];
    guest.sh(RUN)?;
    Ok(undo)
}

fn since(since: &str) -> Action {
    let since = Some(since.to_owned());
    Action::ServiceLogs { service: "lab-logs".into(), lines: None, priority: None, since, until: None }
}

/// The program's own lines; systemd logs of the unit too.
fn own(guest: &Guest, client: &Client, action: &Action) -> Result<(Vec<LogLine>, Option<u64>)> {
    let mut told: ServiceLogsData = data(guest, client, action)?;
    equal("the unit", told.service.as_str(), UNIT)?;
    told.lines.retain(|line| line.identifier.as_deref() == Some("lab"));
    Ok((told.lines, told.truncated.map(|lines| lines.lines)))
}

fn messages(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

/// Now, by the guest's clock.
fn now(guest: &Guest) -> Result<String> {
    guest.sh("date -u +%Y-%m-%dT%H:%M:%S.%6NZ")
}

fn whole(guest: &Guest) -> Result<()> {
    let program = "log(3, b'an error\\n\\tin two lines')\nlog(6, b'caf\\xc3\\xa9 \\xff!')\n";
    let begin = now(guest)?;
    let _undo = logging(guest, program)?;
    let between = now(guest)?;
    guest.sh(RUN)?;
    let once = ["caf\u{e9} \u{fffd}!", "an error\n\tin two lines"];
    with_host(guest, |client| {
        let (lines, truncated) = own(guest, client, &since(&begin))?;
        equal("all", (messages(&lines), truncated), ([once, once].concat(), None))?;
        let newest = lines.first().context("a line")?;
        equal("priority", newest.priority, Some(LogPriority::Info))?;
        ensure!(newest.pid.is_some() && newest.time.ends_with('Z'), "{newest:?}");
        for (since, until) in [(&between, None), (&begin, Some(&between))] {
            let action = Action::ServiceLogs {
                service: UNIT.into(),
                lines: None,
                priority: Some(LogPriority::Warning),
                since: Some(since.clone()),
                until: until.cloned(),
            };
            let (lines, _) = own(guest, client, &action)?;
            equal("the errors of one run", messages(&lines), vec!["an error\n\tin two lines"])?;
            let first = lines.first().context("a line")?;
            // Times of the wire have milliseconds, so that the last one of both may be the same.
            ensure!(first.time.as_str() <= between.as_str() || until.is_none(), "{first:?} and {between}");
        }
        Ok(())
    })
}

fn bounded(guest: &Guest) -> Result<()> {
    let program = "log(2, b'x' * 150000)\nfor n in range(60): log(6, b'%d ' % n + b'y' * 15000)\n";
    let _undo = logging(guest, program)?;
    let of = |lines, priority| Action::ServiceLogs {
        service: UNIT.into(),
        lines: Some(lines),
        priority,
        since: None,
        until: None,
    };
    with_host(guest, |client| {
        let (lines, truncated) = own(guest, client, &of(3, None))?;
        ensure!(lines.len() <= 3 && truncated == Some(4), "{truncated:?}");
        // By number there would be room for all.
        let (lines, truncated) = own(guest, client, &of(1000, None))?;
        ensure!((25..60).contains(&lines.len()) && truncated.is_some(), "{} {truncated:?}", lines.len());
        ensure!(lines.first().is_some_and(|line| line.message.starts_with("59 ")), "the newest are told");
        let (lines, truncated) = own(guest, client, &of(1000, Some(LogPriority::Crit)))?;
        let long = lines.first().context("a long line")?;
        equal("a long one", (long.message.len(), long.cut, truncated), (16 << 10, true, None))
    })
}

fn gone(guest: &Guest) -> Result<()> {
    drop(logging(guest, "log(5, b'the last words')\n")?);
    with_host(guest, |client| {
        let (lines, _) = own(
            guest,
            client,
            &Action::ServiceLogs {
                service: UNIT.into(),
                lines: None,
                priority: Some(LogPriority::Notice),
                since: Some("10min".into()),
                until: None,
            },
        )?;
        ensure!(messages(&lines).first() == Some(&"the last words"), "{lines:?}");
        let absent = |service: &str, since: Option<&str>, until: Option<&str>| Action::ServiceLogs {
            service: service.into(),
            lines: None,
            priority: None,
            since: since.map(str::to_owned),
            until: until.map(str::to_owned),
        };
        refused(guest, client, &absent("lab-absent", None, None), ErrorCode::NotFound)?;
        refused(guest, client, &absent("../lab", None, None), ErrorCode::InvalidParameter)?;
        let turned =
            refused(guest, client, &absent(UNIT, Some("1h"), Some("2h")), ErrorCode::InvalidParameter)?;
        ensure!(turned.error.is_some_and(|text| text.contains("earlier than `since`")), "no reason");
        // One that is there and has no such lines has none.
        let none: ServiceLogsData = data(guest, client, &absent("infiniservice", None, Some("3650days")))?;
        equal("none", (none.lines.len(), none.truncated), (0, None))
    })
}
