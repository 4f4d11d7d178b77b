//! The bulk port: its own driver, beside that of the link, whose outbox it empties.

use super::agent::{Agent, Turn};
use super::hello::NOT_OFFERED;
use crate::config::{Settings, WireProfile};
use infiniservice_channel::driver::{Driver, Wake};
use infiniservice_channel::transport::role::Search;
use infiniservice_channel::transport::{DeviceOptions, Transport};
use infiniservice_link::{BulkAction, Link};
use infiniservice_platform::clock::Clock;
use infiniservice_protocol::guest::{Capability, Channel, ChannelRole};
use std::future::pending;

/// Where the bulk port is looked for; `None`: nowhere.
pub(super) fn device(settings: &Settings) -> Option<DeviceOptions> {
    let watch = !settings.disable_device_monitoring;
    let options = DeviceOptions::new(settings.bulk_port.clone(), watch).searching(Search::Bulk);
    why_not(settings).is_none().then_some(options)
}

/// Why there is none, whatever devices there are.
fn why_not(settings: &Settings) -> Option<&'static str> {
    match (settings.wire_profile, settings.bulk) {
        (WireProfile::Infinibay, _) => Some(NOT_OFFERED),
        (WireProfile::Native, false) => Some("bulk is false"),
        (WireProfile::Native, true) => settings.no_virtio.then_some("no_virtio is set"),
    }
}

/// The port's driver, and what its session asks for.
pub(super) struct Bulk<T: Transport> {
    driver: Driver<T>,
    actions: Vec<BulkAction>,
}

impl<T: Transport> Bulk<T> {
    /// Nothing is opened yet.
    pub(super) fn new(transport: T) -> Self {
        Self { driver: Driver::new(transport), actions: Vec::new() }
    }

    /// Takes what woke it.
    fn take(&mut self, wake: Wake, link: &mut Link, clock: &impl Clock) {
        self.driver.step(wake, &mut link.bulk(), clock, &mut self.actions);
    }

    /// The time of its deadline may have come.
    fn timer(&mut self, link: &mut Link, clock: &impl Clock) {
        link.bulk().timer(clock.now(), &mut self.actions);
    }

    /// Writes what waits, and does what the session asks for, which may make it ask for more.
    fn carry_out(&mut self, link: &mut Link, clock: &impl Clock) {
        loop {
            self.driver.write(&mut link.bulk(), clock, &mut self.actions);
            if self.actions.is_empty() {
                return;
            }
            for action in std::mem::take(&mut self.actions) {
                self.perform(action, link, clock);
            }
        }
    }

    fn perform(&mut self, action: BulkAction, link: &mut Link, clock: &impl Clock) {
        match action {
            BulkAction::Open => self.driver.open(&mut link.bulk(), clock, &mut self.actions),
            BulkAction::Close(reason) => {
                log::debug!("closing the bulk port: {reason}");
                self.driver.close();
            }
            BulkAction::Log(level, text) => log::log!(level, "{text}"),
        }
    }
}

/// What wakes the port. Cancel safe.
pub(super) async fn wait<T: Transport>(bulk: Option<&mut Bulk<T>>) -> Turn {
    match bulk {
        Some(bulk) => Turn::Bulk(bulk.driver.wait().await),
        None => pending().await,
    }
}

impl<T: Transport, C: Clock> Agent<T, C> {
    pub(super) fn bulk_woke(&mut self, wake: Wake) {
        if let Some(bulk) = &mut self.bulk {
            bulk.take(wake, &mut self.link, &self.clock);
        }
    }

    pub(super) fn bulk_timer(&mut self) {
        if let Some(bulk) = &mut self.bulk {
            bulk.timer(&mut self.link, &self.clock);
        }
    }

    /// After everything that may have put something into the outbox.
    pub(super) fn write_bulk(&mut self) {
        if let Some(bulk) = &mut self.bulk {
            bulk.carry_out(&mut self.link, &self.clock);
        }
    }

    pub(super) fn close_bulk(&mut self) {
        if let Some(bulk) = &mut self.bulk {
            bulk.driver.close();
        }
    }

    /// What `hello` tells of the port where it is open.
    pub(super) fn bulk_channel(&self) -> Option<Channel> {
        let port = self.bulk.as_ref()?.driver.path()?.display().to_string();
        Some(Channel { role: ChannelRole::Bulk, port })
    }

    /// Whether a host that opens the port gets something there.
    pub(super) fn bulk_capability(&self) -> Capability {
        let absent = "there is no port org.infinibay.agent.bulk, or it cannot be opened";
        let reason = match self.bulk_channel() {
            Some(_) => None,
            None => Some(why_not(&self.config.settings).unwrap_or(absent).to_owned()),
        };
        Capability { name: "bulk".to_owned(), enabled: reason.is_none(), reason }
    }
}
