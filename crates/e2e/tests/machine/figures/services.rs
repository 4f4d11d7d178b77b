//! Services beside `systemctl`.

use crate::support::{data, equal, unchanged, with_host};
use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ServiceInfo;
use infiniservice_protocol::metrics::Service;
use std::collections::{BTreeMap, BTreeSet};

pub const SCENARIOS: &[Scenario] = &[
    ("figures::services::those_of_the_metrics_are_those_of_systemctl", of_metrics),
    ("figures::services::those_of_service_list_are_those_of_systemctl", of_list),
    ("figures::services::service_list_picks_by_state", by_state),
];

/// Blocks of what systemd has loaded; then all unit files with their states.
const SHOW: &str = "systemctl show --all '*.service' \
    -p Id,Description,LoadState,ActiveState,SubState,Type,MainPID,UnitFileState,Requires,ExecStart; \
    echo ---; systemctl list-unit-files --type=service --no-legend --no-pager --plain";

/// Properties of one unit, by name.
type Unit = BTreeMap<String, String>;

fn loaded(text: &str) -> Result<BTreeMap<String, Unit>> {
    let blocks = text.split("\n---").next().unwrap_or_default().split("\n\n");
    let mut units = BTreeMap::new();
    for block in blocks {
        let pairs = block.lines().filter_map(|line| line.split_once('='));
        let mut unit = Unit::new();
        for (name, value) in pairs {
            // `ExecStart` stands once a command; the first is the program.
            unit.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        units.insert(unit.get("Id").with_context(|| format!("no Id: {block}"))?.clone(), unit);
    }
    Ok(units)
}

/// Unit files that can run: no templates, no second names of others.
fn files(text: &str) -> BTreeMap<String, String> {
    let rows = text.split("\n---\n").nth(1).unwrap_or_default().lines();
    let rows = rows.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    rows.filter(|(name, state)| !name.ends_with("@.service") && state != "alias").collect()
}

/// The contract's words for systemd's.
fn state(unit: &Unit) -> &'static str {
    match (unit["ActiveState"].as_str(), unit["SubState"].as_str()) {
        ("active", "exited") => "exited",
        ("active", _) => "running",
        ("activating", _) => "starting",
        ("deactivating", _) => "stopping",
        ("reloading", _) => "reloading",
        ("failed", _) => "failed",
        _ => "stopped",
    }
}

fn pid(unit: &Unit) -> Option<u32> {
    unit["MainPID"].parse().ok().filter(|pid| *pid != 0)
}

/// Names of all that there is: loaded ones that exist, and unit files.
fn names(text: &str) -> Result<BTreeSet<String>> {
    let there = loaded(text)?.into_iter().filter(|(_, unit)| unit["LoadState"] != "not-found");
    Ok(there.map(|(name, _)| name).chain(files(text).into_keys()).collect())
}

fn of_metrics(guest: &Guest) -> Result<()> {
    let (told, own) = with_host(guest, |client| unchanged(guest, client, SHOW))?;
    let own = own.data.services;
    equal("names", own.iter().map(|one| one.name.clone()).collect(), names(&told)?)?;
    let (units, files) = (loaded(&told)?, files(&told));
    let mut running = 0;
    for one in &own {
        let Some(unit) = units.get(&one.name) else {
            equal(
                &one.name,
                (one.state.as_str(), one.start_type.as_str()),
                ("stopped", files[&one.name].as_str()),
            )?;
            continue;
        };
        compare(one, unit)?;
        running += usize::from(one.state == "running" && one.pid.is_some());
    }
    ensure!(running >= 5, "only {running} services run");
    Ok(())
}

fn compare(own: &Service, unit: &Unit) -> Result<()> {
    let figures = (own.state.as_str(), own.start_type.as_str(), own.pid);
    equal(&own.name, figures, (state(unit), unit["UnitFileState"].as_str(), pid(unit)))?;
    equal(&own.name, own.description.as_deref().unwrap_or_default(), unit["Description"].as_str())?;
    if matches!(unit["ActiveState"].as_str(), "inactive" | "failed") {
        // The agent asks systemd for these only of units that are up.
        let figures = (&own.service_type, &own.exe_path, own.dependencies.len());
        return equal(&own.name, figures, (&None, &None, 0));
    }
    equal(&own.name, own.service_type.as_deref(), unit.get("Type").map(String::as_str))?;
    // A name with an escape in it stands in quotes, with its backslashes doubled.
    let unquoted = |word: &str| word.trim_matches('"').replace(r"\\", r"\");
    let told = unit.get("Requires").into_iter().flat_map(|text| text.split_whitespace().map(unquoted));
    equal(&own.name, own.dependencies.iter().cloned().collect::<BTreeSet<_>>(), told.collect())?;
    let program = unit.get("ExecStart").and_then(|text| text.split("path=").nth(1)?.split(' ').next());
    equal(&own.name, own.exe_path.as_deref(), program)
}

fn of_list(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let mut before = guest.sh(SHOW)?;
        for _ in 0..20 {
            let own: Vec<ServiceInfo> = data(guest, client, &Action::ServiceList { state: None })?;
            let after = guest.sh(SHOW)?;
            if before == after {
                return compare_list(&own, &after);
            }
            before = after;
        }
        anyhow::bail!("systemd never came to rest")
    })
}

fn compare_list(own: &[ServiceInfo], told: &str) -> Result<()> {
    equal("names", own.iter().map(|one| one.name.clone()).collect(), names(told)?)?;
    let (units, files) = (loaded(told)?, files(told));
    for one in own {
        let figures = (one.status.as_str(), one.startup_type.as_str(), one.pid);
        let unit = units.get(&one.name);
        let told = unit.map_or_else(
            || ("stopped", files[&one.name].as_str(), None),
            |unit| (state(unit), unit["UnitFileState"].as_str(), pid(unit)),
        );
        equal(&one.name, figures, told)?;
        let up = !matches!(one.status.as_str(), "stopped" | "failed");
        equal(&one.name, one.can_stop, up)?;
        equal(&one.name, one.can_start, !up && one.startup_type != "masked")?;
    }
    Ok(())
}

fn by_state(guest: &Guest) -> Result<()> {
    with_host(guest, |client| {
        let list = |state: Option<&str>| -> Result<Vec<ServiceInfo>> {
            data(guest, client, &Action::ServiceList { state: state.map(str::to_owned) })
        };
        let all = list(None)?;
        for state in ["running", "stopped", "exited"] {
            let picked = list(Some(state))?;
            ensure!(
                !picked.is_empty() && picked.len() < all.len(),
                "{state}: {} of {}",
                picked.len(),
                all.len()
            );
            ensure!(picked.iter().all(|one| one.status == state), "{state}: {picked:?}");
        }
        equal("failed services", list(Some("failed"))?.len(), 0)
    })
}
