//! `metrics`: what the host reads of a collection, with the last good figures where a collector failed.

use crate::platform::Platform;
use infiniservice_link::Line;
use infiniservice_protocol::metrics::{Data, FailedCollector, Service, SystemMetrics};
use serde_json::{Value, json};
use std::time::Duration;

/// Most processes and sockets in one message.
const MAX_ENTRIES: usize = 1000;
/// Windows services are sent this often though none changed.
const SERVICES_AGAIN: Duration = Duration::from_mins(15);
/// A rate that has one sample only.
const WARMING_UP: &str = "warming_up";

/// What of earlier collections later ones need.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    last: Option<Data>,
    services: Option<(Vec<(String, String)>, Duration)>,
    /// The first message of this connection has left.
    begun: bool,
}

impl Measured {
    /// The newest figures.
    pub(crate) fn last(&self) -> Option<&Data> {
        self.last.as_ref()
    }

    /// Another host: it has heard nothing.
    pub(crate) fn connected(&mut self) {
        (self.services, self.begun) = (None, false);
    }

    /// Whether a message is the first of its connection; asked once for each.
    pub(crate) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    /// Fills gaps, keeps the lists short, and remembers.
    pub(crate) fn complete(&mut self, now: Duration, platform: Platform, metrics: &mut SystemMetrics) {
        for FailedCollector { collector, error } in &metrics.collection.failed {
            if let (Some(last), true) = (&self.last, error != WARMING_UP) {
                patch(&mut metrics.data, last, collector);
            }
        }
        self.keep_interfaces(&mut metrics.data);
        metrics.data.processes.truncate(MAX_ENTRIES);
        metrics.data.ports.truncate(MAX_ENTRIES);
        self.last = Some(Data { services: Vec::new(), ..metrics.data.clone() });
        if platform == Platform::Linux || !self.services_are_due(now, &metrics.data.services) {
            metrics.data.services = Vec::new();
        }
    }

    /// Without them the host would erase the machine's addresses.
    fn keep_interfaces(&self, data: &mut Data) {
        let interfaces = &mut data.system.network.interfaces;
        if let (Some(last), true) = (&self.last, interfaces.is_empty()) {
            interfaces.clone_from(&last.system.network.interfaces);
        }
    }

    fn services_are_due(&mut self, now: Duration, services: &[Service]) -> bool {
        let states: Vec<_> =
            services.iter().map(|service| (service.name.clone(), service.state.clone())).collect();
        let due = match &self.services {
            Some((known, at)) => *known != states || now >= at.saturating_add(SERVICES_AGAIN),
            None => true,
        };
        if due && !states.is_empty() {
            self.services = Some((states, now));
        }
        due
    }
}

/// Whether the processor's share is not known yet.
pub(crate) fn is_cold(failed: &[FailedCollector]) -> bool {
    failed.iter().any(|failed| failed.collector == "cpu" && failed.error == WARMING_UP)
}

fn patch(data: &mut Data, last: &Data, collector: &str) {
    let (system, good) = (&mut data.system, &last.system);
    match collector {
        "collector" => *data = last.clone(),
        "cpu" => system.cpu = good.cpu.clone(),
        "memory" => system.memory = good.memory.clone(),
        "load_average" => system.load_average.clone_from(&good.load_average),
        "uptime" => system.uptime_seconds = good.uptime_seconds,
        "disk_usage" => system.disk.usage_stats.clone_from(&good.disk.usage_stats),
        "disk_io" => {
            system.disk.io_stats = good.disk.io_stats.clone();
            system.disk.devices.clone_from(&good.disk.devices);
        }
        "network" => system.network = good.network.clone(),
        "host" => system.host = good.host.clone(),
        "processes" => data.processes.clone_from(&last.processes),
        "ports" => data.ports.clone_from(&last.ports),
        _ => {}
    }
}

/// The message's type and services as the host knows them.
pub(crate) fn spell(line: &mut Line, platform: Platform) {
    line.insert("type".into(), "metrics".into());
    let Some(Value::Object(data)) = line.get_mut("data") else { return };
    let services = data.remove("services");
    if let (Platform::Windows, Some(Value::Array(services))) = (platform, services)
        && !services.is_empty()
    {
        data.insert("windows_services".into(), services.iter().map(windows_service).collect());
    }
}

fn windows_service(service: &Value) -> Value {
    let text = |name: &str| service.get(name).and_then(Value::as_str).unwrap_or_default();
    let list = service.get("dependencies").cloned().unwrap_or_else(|| json!([]));
    let mut told = json!({
        "name": text("name"), "display_name": text("display_name"), "description": text("description"),
        "start_type": text("start_type"), "service_type": text("service_type"), "exe_path": text("exe_path"),
        "dependencies": list, "state": text("state"),
    });
    if let (Some(pid), Some(told)) = (service.get("pid"), told.as_object_mut()) {
        told.insert("pid".into(), pid.clone());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::metrics::Interface;

    fn metrics(used: u64, failed: &[&str]) -> SystemMetrics {
        let mut metrics = SystemMetrics::default();
        metrics.data.system.memory.used_kb = used;
        let failed =
            failed.iter().map(|name| FailedCollector { collector: (*name).into(), error: "E".into() });
        metrics.collection.failed = failed.collect();
        metrics
    }

    #[test]
    fn a_collector_that_fails_costs_no_figures_and_interfaces_never_vanish() {
        let mut measured = Measured::default();
        let mut first = metrics(7, &[]);
        first.data.system.network.interfaces =
            vec![Interface { name: "eth0".into(), ..Interface::default() }];
        measured.complete(Duration::ZERO, Platform::Linux, &mut first);
        let mut second = metrics(0, &["memory"]);
        measured.complete(Duration::ZERO, Platform::Linux, &mut second);
        assert_eq!(second.data.system.memory.used_kb, 7);
        assert_eq!(second.data.system.network.interfaces[0].name, "eth0");
    }

    #[test]
    fn services_are_sent_on_windows_alone_first_then_when_one_changed_and_each_quarter_of_an_hour() {
        let mut measured = Measured::default();
        let mut sent = |minutes: u64, state: &str, platform| {
            let mut metrics = metrics(1, &[]);
            metrics.data.services =
                vec![Service { name: "a".into(), state: state.into(), ..Service::default() }];
            measured.complete(Duration::from_mins(minutes), platform, &mut metrics);
            metrics.data.services.len()
        };
        assert_eq!(sent(0, "running", Platform::Linux), 0);
        let windows = Platform::Windows;
        let found = [sent(0, "running", windows), sent(1, "running", windows), sent(2, "stopped", windows)];
        assert_eq!(found, [1, 0, 1]);
        assert_eq!((sent(16, "stopped", windows), sent(17, "stopped", windows)), (0, 1));
    }

    #[test]
    fn a_windows_service_has_texts_where_the_host_wants_texts() {
        let mut line = json!({"type": "system_metrics", "data": {"services": [{"name": "x", "pid": 4, "state": "running"}]}});
        spell(line.as_object_mut().unwrap(), Platform::Windows);
        let service = &line["data"]["windows_services"][0];
        assert_eq!((&service["service_type"], &service["dependencies"]), (&json!(""), &json!([])));
        assert!(line["data"].get("services").is_none() && service.get("is_default").is_none());
        assert_eq!(line["type"], "metrics");
    }
}
