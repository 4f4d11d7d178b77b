//! `infinictl service logs`: what a service of the guest logged.

use super::error::CliError;
use super::session::{READING, Session};
use crate::text::{sanitize, units};
use clap::{Args, ValueEnum};
use infiniservice_protocol::Action;
use infiniservice_protocol::action::LogPriority;
use infiniservice_protocol::data::{LogLine, ServiceLogsData};

/// Of which service, and which lines.
#[derive(Args, Debug)]
pub(super) struct LogsArgs {
    /// systemd unit (`.service` may be left out), or source of events on Windows
    service: String,
    /// How many lines at most, the newest [default: 100]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    lines: Option<u32>,
    /// Show only lines of this priority or a more important one
    #[arg(long, value_enum)]
    priority: Option<Priority>,
    /// Show only lines since this time: 2026-11-23T06:30:00Z, or how long ago, such as 2h or 15min
    #[arg(long)]
    since: Option<String>,
    /// Show only lines until this time
    #[arg(long)]
    until: Option<String>,
}

/// Priorities as syslog(3) has them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Priority {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

impl From<Priority> for LogPriority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Emerg => Self::Emerg,
            Priority::Alert => Self::Alert,
            Priority::Crit => Self::Crit,
            Priority::Err => Self::Err,
            Priority::Warning => Self::Warning,
            Priority::Notice => Self::Notice,
            Priority::Info => Self::Info,
            Priority::Debug => Self::Debug,
        }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, args: LogsArgs) -> Result<(), CliError> {
    let what = format!("reading the log of {}", args.service);
    let action = Action::ServiceLogs {
        service: args.service,
        lines: args.lines,
        priority: args.priority.map(Into::into),
        since: args.since,
        until: args.until,
    };
    session.command(&action, READING, &what, |data: &ServiceLogsData, _| shown(data)).await
}

/// The oldest first, as logs are read.
fn shown(data: &ServiceLogsData) -> String {
    let mut shown: Vec<String> = data.lines.iter().rev().map(line).collect();
    if data.lines.is_empty() {
        shown.push(format!("{} has no such lines", sanitize::brief(&data.service)));
    }
    if data.truncated.is_some() {
        shown.push(format!("(these are the newest {}; there are more)", data.lines.len()));
    }
    shown.join("\n")
}

/// Further lines of a message are indented, so that none can look like an entry of its own.
fn line(line: &LogLine) -> String {
    let priority = line.priority.map_or("-", LogPriority::word);
    let who = line.identifier.as_deref().unwrap_or("-");
    let pid = line.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    let cut = if line.cut { " (cut by the guest)" } else { "" };
    let time = units::moment(&line.time);
    let head = format!("{} {priority:7} {}{pid}:", sanitize::brief(&time), sanitize::brief(who));
    format!("{head} {}{cut}", sanitize::lines(&line.message).replace('\n', "\n    "))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{EVIL, assert_harmless};
    use super::*;
    use infiniservice_protocol::data::TruncatedLines;

    fn logged(message: &str) -> LogLine {
        LogLine {
            time: "2026-11-23T06:30:00.123Z".into(),
            priority: Some(LogPriority::Err),
            identifier: Some("sshd".into()),
            pid: Some(612),
            message: message.into(),
            cut: false,
        }
    }

    fn data(lines: Vec<LogLine>) -> ServiceLogsData {
        ServiceLogsData { service: "ssh.service".into(), lines, truncated: None }
    }

    #[test]
    fn the_oldest_line_comes_first_and_that_there_are_more_is_said() {
        let mut logs = data(vec![logged("second\nof two"), logged("first")]);
        logs.truncated = Some(TruncatedLines { lines: 3 });
        let want = "2026-11-23 06:30:00 UTC err     sshd[612]: first\n\
            2026-11-23 06:30:00 UTC err     sshd[612]: second\n    of two\n\
            (these are the newest 2; there are more)";
        assert_eq!(shown(&logs), want);
        assert_eq!(shown(&data(vec![])), "ssh.service has no such lines");
    }

    #[test]
    fn nothing_in_a_log_steers_a_terminal_or_forges_a_line() {
        let mut line = logged(EVIL);
        (line.time, line.identifier) = (EVIL.into(), Some(EVIL.into()));
        assert_harmless(&shown(&data(vec![line])));
    }
}
