//! Makes the agent from its settings: each part gets its own.

use super::adaptive::{Adaptive, Bounds};
use super::agent::Agent;
use super::alarm::Alarm;
use super::bulk::Bulk;
use super::demand::Demand;
use super::hello::Identity;
use super::notify::Notifier;
use super::pace::Pace;
use super::qga::{Plan, Qga};
use super::reload::Reloading;
use super::schedule::{Intervals, Schedule};
use super::scripts::Receipts;
use super::signed::Signed;
use super::sources::Sources;
use super::standing::Counts;
use super::standing::Standing;
use super::streams::Streams;
use super::traces::Traces;
use super::{identity, infinibay, plugins, seals};
use crate::config::{IN_FLIGHT_MAX, Loaded, Settings, WireProfile};
use crate::status;
use infiniservice_actions::{
    CommandContext, CommandSettings, Executor, ScriptSettings, audit, news_channel, reply_channel,
};
use infiniservice_channel::driver::Driver;
use infiniservice_channel::transport::Transport;
use infiniservice_collector::user_names;
use infiniservice_collector::{CollectorHandle, CollectorSettings};
use infiniservice_link::{BreakerSettings, Link, LinkSettings};
use infiniservice_platform::clock::{Clock, SystemClock};
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::Limits;
use infiniservice_protocol::sealed::PublicKey;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces of output that may wait for the main loop, of 16 KiB each.
const OUTPUTS_MAX: usize = 32;

/// Everything joined, nothing begun.
pub(super) fn agent<T: Transport, C: Clock>(
    config: Loaded,
    transport: T,
    guest_agent: Option<(Plan, T)>,
    bulk: Option<T>,
    clock: C,
) -> io::Result<Agent<T, C>> {
    let settings = &config.settings;
    let os = OsInfo::detect(Path::new("/"));
    let mut collecting = CollectorSettings::default();
    settings.bound_collector(&mut collecting);
    let wanted_names = collecting.user_names.clone();
    let collector = CollectorHandle::spawn(collecting, SystemClock::start())?;
    let commands = settings.command_settings();
    let (tell_news, news) = news_channel();
    let mut context = CommandContext::of_this_machine(&commands, Arc::new(collector.clone()), &tell_news);
    let (reloading, reloads) = Reloading::new(&config);
    context.reloads = reloads;
    context.seal.set_identity(Arc::new(identity::Own { sources: config.sources.clone() }));
    user_names::spawn(wanted_names, context.runner.clone());
    let services = context.observed_services();
    let plugins = plugins::start(&config, &context.runner);
    let qga = guest_agent.map(|(plan, port)| Box::new(Qga::new(plan, port, context.runner.clone())));
    let (tell, replies) = reply_channel(&commands, IN_FLIGHT_MAX);
    let (tell_output, outputs) = mpsc::channel(OUTPUTS_MAX);
    let identity = Identity::new(&os.release.pretty_name, clock.now().wall);
    let (public_key, signed, link) = link(&config);
    let link = match &bulk {
        Some(_) => {
            let watch = !settings.disable_device_monitoring;
            link.with_bulk(identity.instance(), fastrand::u64(..), watch)
        }
        None => link,
    };
    let profile = infinibay::profile(settings, &os.release.pretty_name);
    Ok(Agent {
        clock,
        alarm: Alarm::new()?,
        pace: Pace::default(),
        link,
        driver: Driver::new(transport),
        schedule: Schedule::new(settings.intervals()),
        executor: Executor::new(commands, context, tell)
            .with_audit(audit::of_this_machine())
            .with_outputs(tell_output),
        replies,
        outputs,
        sources: Sources::new(collector, services, plugins.clone()),
        plugins,
        identity,
        demand: Demand::default(),
        streams: Streams::default(),
        traces: Traces::default(),
        notifier: Notifier::from_environment(),
        counts: Counts::default(),
        standing: Standing::default(),
        inquiries: status::Server::start(),
        actions: Vec::new(),
        reloading,
        opened_once: false,
        stopping: false,
        signed,
        public_key,
        qga,
        bulk: bulk.map(|transport| Box::new(Bulk::new(transport))),
        profile,
        restart: None,
        news,
        receipts: Receipts::default(),
        adaptive: settings.adaptive(),
        config,
    })
}

fn link(config: &Loaded) -> (Option<PublicKey>, Signed, Link) {
    let settings = &config.settings;
    let link = Link::new(settings.link_settings(), fastrand::u64(..));
    let link = if settings.no_virtio { link.without_port() } else { link };
    let link = match infinibay::speech(settings) {
        Some(speech) => link.with_dialect(Arc::new(speech)),
        None => link,
    };
    let link = match &settings.shared_secret {
        Some(secret) => link.with_secret(secret.expose()),
        None => link,
    };
    let (public_key, link) = seals::with_seals(config, link);
    let (signed, link) = match (&settings.shared_secret, &config.controllers) {
        (None, None) => (Signed::default(), link),
        _ => Signed::open(link),
    };
    (public_key, signed, link)
}

const S: fn(u64) -> Duration = Duration::from_secs;

impl Settings {
    /// The schedule's part.
    pub(super) fn intervals(&self) -> Intervals {
        Intervals {
            collection: S(self.collection_interval_secs),
            degraded: S(self.degraded()),
            health_check: S(self.health_check_interval_secs),
            initial: S(self.initial_collection_interval_secs),
            initial_tries: self.initial_collection_tries,
        }
    }

    /// What chooses the time between collections, where it is on.
    pub(super) fn adaptive(&self) -> Option<Adaptive> {
        let (usual, min, max) =
            (self.collection_interval_secs, self.adaptive_min_secs, self.adaptive_max_secs);
        self.adaptive_collection.then(|| Adaptive::new(Bounds { usual, min, max }))
    }

    /// The executor's part.
    pub(super) fn command_settings(&self) -> CommandSettings {
        CommandSettings {
            limits: self.limits(),
            allow_unsafe_commands: self.allow_unsafe_commands,
            allow_scripts: self.allow_scripts,
            scripts: ScriptSettings {
                directory: self.scripts_dir.clone(),
                longest: S(self.max_command_timeout_secs),
                told: self.wire_profile == WireProfile::Infinibay,
            },
            allow_seal: self.allow_seal,
            allow_domain_join: self.allow_domain_join,
            allow_config_reload: self.allow_config_reload,
            allowed_actions: self.allowed_actions.clone(),
            blocked_actions: self.blocked_actions.clone().unwrap_or_default(),
        }
    }

    /// The collector's part; the rest of `bounds` is its own.
    pub(super) fn bound_collector(&self, bounds: &mut CollectorSettings) {
        bounds.max_processes = self.max_processes;
        bounds.max_ports = self.max_ports;
        bounds.max_interfaces = self.max_interfaces;
        bounds.max_file_systems = self.max_file_systems;
        bounds.max_cmd_line_bytes = self.max_cmd_line_bytes;
        bounds.max_list_bytes = self.limits().max_list_bytes();
        bounds.network_mount_timeout = Duration::from_millis(self.network_mount_timeout_ms);
    }

    /// How long the agent may take to end.
    pub(super) fn shutdown_timeout(&self) -> Duration {
        S(self.shutdown_timeout_secs)
    }

    /// The link's part.
    pub(super) fn link_settings(&self) -> LinkSettings {
        LinkSettings {
            keep_alive_interval: S(self.keep_alive_interval_secs),
            keep_alive_timeout: S(self.keep_alive_timeout_secs),
            min_backoff: S(self.min_backoff_secs),
            max_backoff: S(self.max_backoff_secs),
            connection_timeout: S(self.connection_timeout_secs),
            validate_connection: self.validate_connection,
            compression: self.compression,
            breaker: self.breaker_settings(),
            limits: self.wire_limits(),
        }
    }

    /// What Infinibay's host needs holds beside what is set.
    fn wire_limits(&self) -> Limits {
        let limits = self.limits();
        if self.wire_profile == WireProfile::Native {
            return limits;
        }
        Limits {
            max_line_bytes: infinibay::LINE_MAX_BYTES,
            max_outgoing_line_bytes: limits.max_outgoing_line_bytes.min(infinibay::OUTGOING_MAX_BYTES),
            ..limits
        }
    }

    /// Infinibay's host takes an agent that is silent for longer for a dead one.
    fn degraded(&self) -> u64 {
        match self.wire_profile {
            WireProfile::Native => self.degraded_interval_secs,
            WireProfile::Infinibay => self.collection_interval_secs,
        }
    }

    fn breaker_settings(&self) -> BreakerSettings {
        BreakerSettings {
            failure_threshold: self.circuit_breaker_failure_threshold,
            open_for: S(self.circuit_breaker_open_secs),
            half_open_max_calls: self.circuit_breaker_half_open_calls,
            success_threshold: self.circuit_breaker_success_threshold,
        }
    }
}
