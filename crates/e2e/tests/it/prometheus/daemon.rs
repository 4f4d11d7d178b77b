//! The real Prometheus scrapes the real `infinihub`, with guests that are well and guests that are not.

use super::program::Prometheus;
use crate::hub_host::HubHost;
use anyhow::{Result, ensure};
use infiniservice_hub_sim::Fault;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
const GUESTS: [(&str, Fault); 5] = [
    ("web", Fault::None),
    ("hostile", Fault::Hostile),
    ("noisy", Fault::Noise),
    ("torn", Fault::Torn),
    ("mute", Fault::Mute),
];

/// Asks until there is an answer; a program that begins, or has not scraped yet, has none.
pub fn until_answered(prometheus: &Prometheus, question: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = prometheus.query(question);
        if answer.as_ref().is_ok_and(|series| !series.is_empty()) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{question}: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_hub_is_scraped_whatever_its_guests_say() -> Result<()> {
    let host = HubHost::start(&GUESTS)?;
    let Some(prometheus) = Prometheus::start(host.address, &["web", "mute"])? else { return Ok(()) };
    for question in [
        r#"up{job="infinihub"} == 1"#,
        r#"up{job="node", instance="web"} == 1"#,
        r#"up{job="node", instance="mute"} == 0"#,
        r#"infini_vm_up{vm="web"} == 1"#,
        r#"infini_vm_up{vm="mute"} == 0"#,
        r#"infini_guest_memory_total_bytes{vm="hostile"} > 0"#,
        r#"infini_agent_malformed_lines_total{vm="noisy"} > 0"#,
        r#"infini_agent_malformed_lines_total{vm="torn"} > 0"#,
        r#"rate(infini_hub_lines_total{type="system_metrics"}[1m]) > 0"#,
        r#"node_memory_MemTotal_bytes{instance="web"} > 0"#,
    ] {
        until_answered(&prometheus, question)?;
    }
    let machines =
        prometheus.query(r#"count by (vm) ({__name__=~"infini_vm_.*|infini_guest_.*|infini_agent_.*"})"#)?;
    let named: BTreeSet<_> = machines.iter().filter_map(|it| it["metric"]["vm"].as_str()).collect();
    ensure!(named == GUESTS.map(|(name, _)| name).into(), "a guest made up a machine: {named:?}");
    Ok(())
}
