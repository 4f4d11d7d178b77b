//! `ServiceControl` on units of every kind, as systemctl sees what came of it.

pub mod kinds;
pub mod logs;
pub mod refusals;
pub mod states;

use crate::support::{Undo, equal};
use anyhow::{Result, ensure};
use infinictl::client::Client;
use infiniservice_e2e::Guest;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::{Action, ErrorCode, Response, ServiceOperation};

/// Puts unit files in place; they are stopped and removed when the value goes.
fn units<'a>(guest: &'a Guest, files: &[(&str, &str)]) -> Result<Undo<'a>> {
    let names: Vec<String> = files.iter().map(|(name, _)| format!("'{name}'")).collect();
    let undo = Undo::by(
        guest,
        format!(
            "cd /etc/systemd/system; systemctl stop {0} 'lab-*@*'; systemctl disable -q {0}; rm -f {0} */lab-*; \
             systemctl daemon-reload; systemctl reset-failed 'lab-*'; true",
            names.join(" ")
        ),
    );
    for (name, text) in files {
        guest.machine.write_file(&format!("/etc/systemd/system/{name}"), text.as_bytes())?;
    }
    guest.sh("systemctl daemon-reload")?;
    Ok(undo)
}

fn action(service: &str, operation: ServiceOperation) -> Action {
    Action::ServiceControl { service: service.into(), operation }
}

/// An operation that has to succeed; its answer must be what systemctl says right after it.
fn done(guest: &Guest, client: &Client, service: &str, operation: ServiceOperation) -> Result<ServiceInfo> {
    let response = guest.succeed(client, &action(service, operation))?;
    let own: ServiceInfo = serde_json::from_value(response.data)?;
    let told = guest.sh(&format!(
        "for p in Id Description MainPID UnitFileState; do systemctl show -p $p --value '{service}'; done"
    ))?;
    let pid = own.pid.unwrap_or_default().to_string();
    let figures = [own.name.as_str(), &own.description, &pid, &own.startup_type];
    equal(service, figures.join("\n").trim(), told.trim())?;
    Ok(own)
}

/// An operation that has to fail with `code` and say `words`.
fn failed(
    guest: &Guest,
    client: &Client,
    service: &str,
    operation: ServiceOperation,
    code: ErrorCode,
    words: &str,
) -> Result<Response> {
    let response = crate::support::refused(guest, client, &action(service, operation), code)?;
    ensure!(
        response.error.as_ref().is_some_and(|text| text.contains(words)),
        "{words:?} is not in {response:?}"
    );
    Ok(response)
}
