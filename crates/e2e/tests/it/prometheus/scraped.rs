//! Every alert fires, and every panel has something to show, in the real Prometheus.

use super::dashboards::{DASHBOARDS, dashboard, questions};
use super::program::Prometheus;
use super::server::Server;
use anyhow::{Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;

/// Scrapes after which everything has to be there; the fifth has it on an idle machine.
const SCRAPES: usize = 100;

/// What dashboards and alerts of others ask of `node_exporter` and `windows_exporter`.
const OTHERS: [&str; 10] = [
    r#"100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[1m])) * 100"#,
    "count by (instance) (count by (instance, cpu) (node_cpu_seconds_total))",
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100",
    r#"node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes"#,
    r#"rate(node_network_receive_bytes_total{device!~"lo|veth.*"}[1m]) * 8"#,
    "rate(node_disk_io_time_seconds_total[1m])",
    "node_time_seconds - node_boot_time_seconds",
    r#"100 - avg by (instance) (rate(windows_cpu_time_total{mode="idle"}[1m])) * 100"#,
    "windows_logical_disk_free_bytes / windows_logical_disk_size_bytes",
    "windows_memory_physical_free_bytes / windows_memory_physical_total_bytes",
];

fn wanted() -> Result<Vec<(String, String)>> {
    let mut all: Vec<_> = OTHERS.iter().map(|it| ("others".to_owned(), (*it).to_owned())).collect();
    all.push(("up".to_owned(), r#"up{job="node", instance="well"} == 1"#.to_owned()));
    all.push(("up".to_owned(), r#"up{job="node", instance="windows"} == 1"#.to_owned()));
    all.push(("up".to_owned(), r#"up{job="node", instance="silent"} == 0"#.to_owned()));
    for name in DASHBOARDS {
        let questions = questions(&dashboard(name)?);
        all.extend(questions.into_iter().map(|(title, question)| (format!("{name}: {title}"), question)));
    }
    Ok(all)
}

/// The questions that have no answer yet.
fn unanswered(prometheus: &Prometheus, wanted: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut left = Vec::new();
    for question in wanted {
        if prometheus.query(&question.1)?.is_empty() {
            left.push(question.clone());
        }
    }
    Ok(left)
}

/// The alerts that do not fire, of all that there are; an error where one of them could not be evaluated.
fn quiet(prometheus: &Prometheus) -> Result<Vec<String>> {
    let answer = prometheus.ask("rules", "")?;
    let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
    let rules: Vec<&Value> = groups.iter().filter_map(|group| group["rules"].as_array()).flatten().collect();
    ensure!(rules.len() > 15, "{answer}");
    for rule in &rules {
        ensure!(rule["health"] != "err", "{}: {}", rule["name"], rule["lastError"]);
    }
    let quiet = rules.iter().filter(|rule| rule["state"] != "firing");
    Ok(quiet.map(|rule| rule["name"].to_string()).collect())
}

/// Asks after each scrape until nothing is left.
fn until_nothing_is_left<T: std::fmt::Debug>(
    server: &Server,
    mut ask: impl FnMut() -> Result<Vec<T>>,
) -> Result<()> {
    let mut last = Ok(Vec::new());
    for _ in 0..SCRAPES {
        server.next_scrape();
        last = ask();
        if last.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(());
        }
    }
    anyhow::bail!("still left after {SCRAPES} scrapes: {:#?}", last?)
}

#[test]
fn every_alert_fires_and_every_panel_shows_something() -> Result<()> {
    let server = Server::start()?;
    let Some(prometheus) = Prometheus::start(server.address, &["well", "windows", "silent"])? else {
        return Ok(());
    };
    let mut left = wanted()?;
    ensure!(left.len() > 80, "{left:?}");
    until_nothing_is_left(&server, || {
        left = unanswered(&prometheus, &left)?;
        Ok(left.clone())
    })?;
    until_nothing_is_left(&server, || quiet(&prometheus))?;
    let well = prometheus.query(r#"ALERTS{vm="well"}"#)?;
    ensure!(well.is_empty(), "a machine that is well has alerts: {well:#?}");
    let silent = prometheus.query(r#"{vm="silent", __name__=~"infini_guest_.*"}"#)?;
    ensure!(silent.is_empty(), "a silent machine has figures: {silent:#?}");
    let names: BTreeSet<_> =
        prometheus.query(r#"{vm="ill"}"#)?.iter().map(|it| it["metric"]["__name__"].to_string()).collect();
    ensure!(names.len() > 45, "{names:?}");
    Ok(())
}
