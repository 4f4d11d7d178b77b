//! `infinictl bugreport`: what a report of a fault needs from the host's side, in one archive.

use super::error::CliError;
use super::session::{Session, answer_timeout};
use crate::client::ClientError;
use infiniservice_protocol::bundle::Bundle;
use infiniservice_protocol::{Action, HostMessage};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Fields that may hold what is nobody else's business: arguments of programs, whole environments.
const LEFT_OUT: [&str; 2] = ["cmd_line", "environment"];
/// Deeper JSON is no message of the contract.
const MAX_DEPTH: usize = 64;

/// Where to.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The archive, which must not exist yet [default: infinictl-bugreport.tar.gz]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Asks the guest for what it tells everybody, and writes it down. A question that fails is part of the report.
pub(super) async fn run(session: &Session, args: &Args) -> Result<(), CliError> {
    let mut bundle = Bundle::new("infinictl-bugreport");
    if let Some(secret) = &session.secret {
        bundle.hide(secret);
    }
    bundle.add("versions.txt", &format!("infinictl {}\n", env!("CARGO_PKG_VERSION")));
    let pings = pings(session).await;
    bundle.add("ping.txt", &pings);
    add(session, &mut bundle, "hello.json", &HostMessage::Hello { id: None, accept: Vec::new() }).await;
    let metrics = HostMessage::Metrics { id: Some(session.client.new_id()) };
    add(session, &mut bundle, "metrics.json", &metrics).await;
    let checks = Action::Autochecks { checks: None, warning_percent: None, critical_percent: None };
    add(session, &mut bundle, "autochecks.json", &session.client.command(&checks, None)).await;
    bundle.add("link.txt", &format!("{:#?}\n", session.client.stats()));
    let path = args.output.clone().unwrap_or_else(|| "infinictl-bugreport.tar.gz".into());
    write(&path, &bundle.to_tar_gz(SystemTime::now()))?;
    session.out.text(&format!("{}:\n  {}", path.display(), bundle.contents().join("\n  ")))
}

async fn pings(session: &Session) -> String {
    let mut told = String::new();
    for _ in 0..3 {
        let line = match session.client.ping(session.wait()).await {
            Ok(trip) => format!("{} us\n", trip.as_micros()),
            Err(error) => format!("{error}\n"),
        };
        told.push_str(&line);
    }
    told
}

async fn add(session: &Session, bundle: &mut Bundle, name: &str, message: &HostMessage) {
    let checks = Action::Autochecks { checks: None, warning_percent: None, critical_percent: None };
    let wait =
        if matches!(message, HostMessage::SafeCommand(_)) { answer_timeout(&checks) } else { session.wait() };
    let answer: Result<_, ClientError> = session.client.call(message, wait).await;
    match answer {
        Ok(event) => bundle.add(name, &without_private(&event.raw)),
        Err(error) => bundle.add(name, &format!("no answer: {error}\n")),
    }
}

/// The message without command lines.
fn without_private(raw: &str) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(raw) else { return "not JSON\n".into() };
    leave_out(&mut message, 0);
    format!("{message:#}\n")
}

fn leave_out(value: &mut Value, depth: usize) {
    match value {
        _ if depth > MAX_DEPTH => *value = Value::Null,
        Value::Object(fields) => {
            for (name, value) in fields {
                if LEFT_OUT.contains(&name.as_str()) {
                    *value = Value::from("(left out)");
                }
                leave_out(value, depth + 1);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| leave_out(item, depth + 1)),
        _ => {}
    }
}

/// A file of one's own: nothing is written over, and no link is followed.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |error| CliError::Failed(format!("cannot write {}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_left_out_wherever_they_stand() {
        let raw = r#"{"data":{"processes":[{"name":"x","cmd_line":"x --password y"}]},"cmd_line":["y"]}"#;
        let shown = without_private(raw);
        assert!(!shown.contains("password") && !shown.contains("\"y\""), "{shown}");
        assert!(shown.contains("\"name\": \"x\""), "{shown}");
    }
}
