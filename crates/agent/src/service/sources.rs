//! Where metrics come from: collections, and the services.

use super::agent::Turn;
use infiniservice_actions::Services;
use infiniservice_collector::{CollectorHandle, HandleError};
use infiniservice_platform::AGENT_VERSION;
use infiniservice_plugins::{Plugins, Told};
use infiniservice_protocol::metrics::{Collection, Data, FailedCollector, Service, SystemMetrics};
use infiniservice_protocol::stream::{Field, Fields};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;

/// A collection waits this long for the services; then it goes out without them.
const SERVICES_TIMEOUT: Duration = Duration::from_secs(10);

/// One collection, for everybody who waits for it.
#[derive(Clone, Debug)]
pub(super) struct Collected {
    pub(super) data: Data,
    pub(super) collection: Collection,
}

/// What messages are made from.
pub(super) struct Sources {
    collector: CollectorHandle,
    services: Option<Arc<dyn Services>>,
    plugins: Option<Plugins>,
    done: mpsc::Receiver<Collected>,
    tell: mpsc::Sender<Collected>,
    taken: mpsc::Receiver<SampleTaken>,
    tell_taken: mpsc::Sender<SampleTaken>,
}

/// One sample for streams.
#[derive(Clone, Debug, Default)]
pub(super) struct SampleTaken {
    pub(super) data: Data,
    pub(super) collection: Collection,
    /// Processor time that it took.
    pub(super) cost: Duration,
}

impl Sources {
    pub(super) fn new(
        collector: CollectorHandle,
        services: Option<Arc<dyn Services>>,
        plugins: Option<Plugins>,
    ) -> Self {
        let (tell, done) = mpsc::channel(1);
        let (tell_taken, taken) = mpsc::channel(1);
        Self { collector, services, plugins, done, tell, taken, tell_taken }
    }

    /// Who collects.
    pub(super) fn collector(&self) -> &CollectorHandle {
        &self.collector
    }

    /// Starts a collection; [`Self::collected`] gives its result. One at a time: the caller sees to it.
    pub(super) fn start_collection(&self) {
        let (collector, services, tell) = (self.collector.clone(), self.services.clone(), self.tell.clone());
        let plugins = self.plugins.clone();
        tokio::spawn(async move {
            let (measured, services, told) = tokio::join!(collector.collect(), list(services), told(plugins));
            // The receiver is gone only when the agent is.
            let _ = tell.send(merge(measured, services).with(told)).await;
        });
    }

    /// Starts a sample of these fields; [`Self::ended`] gives its result. One at a time: the caller sees to it.
    pub(super) fn start_sample(&self, fields: Fields) {
        let (collector, tell) = (self.collector.clone(), self.tell_taken.clone());
        let services = self.services.clone().filter(|_| fields.has(Field::Services));
        tokio::spawn(async move {
            let taken = sample(&collector, services, fields).await;
            // The receiver is gone only when the agent is.
            let _ = tell.send(taken).await;
        });
    }

    /// The next collection or sample that ends. Cancel safe.
    pub(super) async fn ended(&mut self) -> Turn {
        tokio::select! {
            biased;
            Some(collected) = self.done.recv() => Turn::Collected(Box::new(collected)),
            Some(taken) = self.taken.recv() => Turn::Sampled(Box::new(taken)),
            // Not reached: the senders are kept here.
            else => std::future::pending().await,
        }
    }
}

impl Collected {
    /// The message that answers `request_id`. It takes what was collected: the last to be served has it without a copy.
    pub(super) fn into_message(self, request_id: Option<String>) -> SystemMetrics {
        let Self { data, collection } = self;
        SystemMetrics {
            timestamp: None,
            request_id,
            agent_version: AGENT_VERSION.to_owned(),
            data,
            collection,
            trace: None,
        }
    }

    /// The same with what plugins told.
    fn with(mut self, told: Told) -> Self {
        self.data.plugins = told.plugins;
        self.collection.failed.extend(told.failed);
        self.collection.truncated.extend(told.truncated);
        self
    }

    /// Whether an interface that is up has an address by which others reach it.
    pub(super) fn knows_an_address(&self) -> bool {
        let up = self.data.system.network.interfaces.iter().filter(|interface| interface.is_up);
        up.flat_map(|interface| &interface.ip_addresses).any(|address| is_reachable(address))
    }

    /// One line for the log, where no host reads the message.
    pub(super) fn log(&self, level: log::Level) {
        let system = &self.data.system;
        log::log!(
            level,
            "collected in {} ms: CPU {:.1} %, memory {} of {} kB used, {} processes, {} sockets, {} services",
            self.collection.duration_ms,
            system.cpu.usage_percent,
            system.memory.used_kb,
            system.memory.total_kb,
            self.data.processes.len(),
            self.data.ports.len(),
            self.data.services.len()
        );
    }
}

fn is_reachable(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
        Ok(IpAddr::V6(v6)) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
        Err(_) => false,
    }
}

/// The most that a list of services counts as processor time, whatever else the service manager had to do.
const SERVICES_COST_MAX: Duration = Duration::from_millis(100);

/// What a sample of these fields has. The service manager's time counts as ours, as it works for us.
async fn sample(
    collector: &CollectorHandle,
    services: Option<Arc<dyn Services>>,
    fields: Fields,
) -> SampleTaken {
    let sampled = collector.sample(fields).await;
    let (cost, measured) = match sampled {
        Ok(sampled) => (sampled.cost, Ok((sampled.data, sampled.collection))),
        Err(error) => (Duration::ZERO, Err(error)),
    };
    let began = Instant::now();
    let Collected { data, collection } = merge(measured, list(services).await);
    // One that hangs computes nothing meanwhile.
    SampleTaken { data, collection, cost: cost + began.elapsed().min(SERVICES_COST_MAX) }
}

async fn list(services: Option<Arc<dyn Services>>) -> Result<Vec<Service>, String> {
    let Some(services) = services else { return Ok(Vec::new()) };
    match tokio::time::timeout(SERVICES_TIMEOUT, services.observe()).await {
        Ok(listed) => listed.map_err(|error| error.error),
        Err(_) => Err(format!("systemd did not answer within {} s", SERVICES_TIMEOUT.as_secs())),
    }
}

async fn told(plugins: Option<Plugins>) -> Told {
    match plugins {
        Some(plugins) => plugins.told(SystemTime::now()).await,
        None => Told::default(),
    }
}

fn merge(
    measured: Result<(Data, Collection), HandleError>,
    services: Result<Vec<Service>, String>,
) -> Collected {
    let (mut data, mut collection) = measured.unwrap_or_else(|error| {
        let collection =
            Collection { failed: vec![failed("collector", error.to_string())], ..Collection::default() };
        (Data::default(), collection)
    });
    match services {
        Ok(services) => data.services = services,
        Err(error) => collection.failed.push(failed("services", error)),
    }
    Collected { data, collection }
}

fn failed(collector: &str, error: String) -> FailedCollector {
    FailedCollector { collector: collector.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::metrics::Interface;

    fn with_address(address: &str, is_up: bool) -> Collected {
        let mut data = Data::default();
        let ip_addresses = vec![address.to_owned()];
        data.system.network.interfaces = vec![Interface { is_up, ip_addresses, ..Interface::default() }];
        Collected { data, collection: Collection::default() }
    }

    #[test]
    fn an_address_counts_when_others_can_reach_it() {
        for (address, known) in [
            ("10.0.2.15", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("169.254.3.4", false),
            ("::1", false),
            ("fe80::1", false),
            ("", false),
        ] {
            assert_eq!(with_address(address, true).knows_an_address(), known, "{address}");
        }
        assert!(!with_address("10.0.2.15", false).knows_an_address());
    }

    #[test]
    fn services_that_fail_cost_only_themselves() {
        let mut data = Data::default();
        data.system.uptime_seconds = 7;
        let merged = merge(Ok((data, Collection::default())), Err("no bus".to_owned()));
        assert_eq!(merged.data.system.uptime_seconds, 7);
        assert_eq!(merged.collection.failed, [failed("services", "no bus".to_owned())]);
    }

    #[test]
    fn a_collector_that_fails_is_named() {
        let merged = merge(Err(HandleError::Stopped), Ok(vec![Service::default()]));
        assert_eq!(merged.data.services.len(), 1);
        assert_eq!(merged.collection.failed.len(), 1);
    }
}
