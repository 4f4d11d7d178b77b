//! All services: those that systemd has loaded, and those whose unit files merely lie there.

use super::calls::{Calls, UnitRow};
use super::details::{Details, DetailsCache};
use super::error::SystemdError;
use super::name::{is_template, template_of};
use super::record::ServiceRecord;
use super::unit_files::UnitFiles;
use crate::one_line::description;
use std::collections::BTreeMap;

/// What is kept from one listing to the next, so that a listing costs one call when nothing changed.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) files: UnitFiles,
    details: DetailsCache,
}

/// Lists all services, by name.
pub(super) async fn list(calls: &Calls<'_>, cache: &mut Cache) -> Result<Vec<ServiceRecord>, SystemdError> {
    let files = cache.files.refresh(calls).await?;
    let no_states: [&str; 0] = [];
    let mut rows: Vec<UnitRow> =
        calls.ask("ListUnitsByPatterns", &(&no_states[..], &["*.service"][..])).await?;
    // Units that others merely mention.
    rows.retain(|row| row.2 != "not-found");
    cache.details.begin(&rows);
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
        description: description(&row.1),
        load_state: row.2.clone(),
        active_state: row.3.clone(),
        sub_state: row.4.clone(),
        start_type: start_type.or(details.start_type).unwrap_or_default(),
        service_type: details.service_type,
        exe_path: details.exe_path,
        pid: details.pid,
        requires: details.requires,
    }
}

fn not_loaded(name: &str, state: &str) -> ServiceRecord {
    ServiceRecord { name: name.into(), start_type: state.into(), ..ServiceRecord::default() }
}
