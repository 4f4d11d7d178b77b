//! All services: those that systemd has loaded, and those whose unit files merely lie there.

use super::calls::{Calls, UNIT, UnitRow};
use super::details::{Details, DetailsCache};
use super::error::SystemdError;
use super::failure::LastRun;
use super::name::{is_template, template_of};
use super::record::ServiceRecord;
use super::unit_files::UnitFiles;
use crate::one_line::description;
use std::collections::BTreeMap;

/// Types of units that may fail beside services.
const OTHERS: [&str; 10] = [
    "*.socket",
    "*.timer",
    "*.path",
    "*.mount",
    "*.automount",
    "*.swap",
    "*.scope",
    "*.target",
    "*.slice",
    "*.device",
];
/// Of so many of them is asked how they failed; all are listed.
const MAX_ASKED_OTHERS: usize = 50;

/// What is kept from one listing to the next, so that a listing costs one call when nothing changed.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) files: UnitFiles,
    details: DetailsCache,
}

/// Lists all services, and failed units of other types, by name.
pub(super) async fn list(calls: &Calls<'_>, cache: &mut Cache) -> Result<Vec<ServiceRecord>, SystemdError> {
    let files = cache.files.refresh(calls).await?;
    let no_states: [&str; 0] = [];
    let mut rows: Vec<UnitRow> =
        calls.ask("ListUnitsByPatterns", &(&no_states[..], &["*.service"][..])).await?;
    // Units that others merely mention; one that failed and whose file is gone since has failed all the same.
    rows.retain(|row| row.2 != "not-found" || row.3 == "failed");
    cache.details.begin(&rows).await;
    let mut records = BTreeMap::new();
    for row in &rows {
        let start_type = start_type(&cache.files, &row.0);
        let details = cache.details.of(row, files, start_type.is_some(), calls).await;
        // A unit that went away between the two calls costs its own details, not the list.
        let details =
            details.or_else(|e| if e.breaks_connection() { Err(e) } else { Ok(Details::default()) })?;
        records.insert(row.0.clone(), record(row, details, start_type));
    }
    for (name, state) in cache.files.iter() {
        if state != "alias" && !is_template(name) && !records.contains_key(name) {
            records.insert(name.to_owned(), not_loaded(name, state));
        }
    }
    for failed in failed_others(calls).await? {
        records.insert(failed.name.clone(), failed);
    }
    Ok(records.into_values().collect())
}

/// The state of the unit's file.
fn start_type(files: &UnitFiles, unit: &str) -> Option<String> {
    let own = files.state(unit).map(str::to_owned);
    // Of an instance only systemd itself knows; the template's state tells when it is static or masked for all.
    own.or_else(|| {
        template_of(unit).and_then(|t| files.state(&t).filter(|s| *s == "static").map(str::to_owned))
    })
}

fn record(row: &UnitRow, details: Details, start_type: Option<String>) -> ServiceRecord {
    ServiceRecord {
        name: row.0.clone(),
        restarted_lately: details.restarted_lately(),
        description: description(&row.1),
        load_state: row.2.clone(),
        active_state: row.3.clone(),
        sub_state: row.4.clone(),
        start_type: start_type.or(details.start_type).unwrap_or_default(),
        service_type: details.service_type,
        exe_path: details.exe_path,
        pid: details.pid,
        requires: details.requires,
        failure: details.failure,
        restarts: details.restarts,
        ..ServiceRecord::default()
    }
}

/// Failed units of the other types, such as mounts and timers: they are told beside the services.
async fn failed_others(calls: &Calls<'_>) -> Result<Vec<ServiceRecord>, SystemdError> {
    let rows: Vec<UnitRow> = calls.ask("ListUnitsByPatterns", &(&["failed"][..], &OTHERS[..])).await?;
    let mut records = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let asked = place < MAX_ASKED_OTHERS;
        let last_run = if asked { calls.last_run(row.6.as_str(), &row.0).await? } else { LastRun::default() };
        let start_type = calls.optional(row.6.as_str(), UNIT, "UnitFileState").await?;
        let details = Details { failure: last_run.failure(), ..Details::default() };
        records.push(record(row, details, Some(start_type)));
    }
    Ok(records)
}

fn not_loaded(name: &str, state: &str) -> ServiceRecord {
    ServiceRecord { name: name.into(), start_type: state.into(), ..ServiceRecord::default() }
}
