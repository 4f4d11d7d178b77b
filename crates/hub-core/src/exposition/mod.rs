//! What Prometheus scrapes: the figures of all machines, from the fleet's table, without asking any guest.
//!
//! [`table`] says which field becomes which series, once, for the text here, for docs/fleet-metrics.md, and for whoever else
//! tells the figures ([`Rows`] is all that he writes). No sample has a time of its own: a machine's series vanish when its
//! agent is silent for 90 s.

#[cfg(test)]
mod exporter_tests;
mod label;
#[cfg(test)]
mod parser;
pub mod table;
#[cfg(test)]
mod tests;
mod text;
pub mod view;

pub(crate) use label::clean;
pub use view::{Dropped, Hub, Options, Program, View};

use crate::exporter::Exporter;
use crate::fleet::{Entry, Fleet};
use crate::histogram::Histogram;
use crate::selector::Selector;
use crate::session::State;
use infiniservice_protocol::clock::Now;
use table::{EXPORTER, GUEST, GuestMetric, HUB, NODE, WINDOWS};
use text::Text;

/// What a scrape is answered with, as its `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Series of one machine.
pub const MAX_SERIES: u32 = 200;
/// Series of one machine under the names of other exporters, which tell each core: only one machine is told at a time.
const MAX_NODE_SERIES: u32 = 1200;

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Another.
    Figure(f64),
}

/// Where a metric's series go.
pub trait Rows {
    /// One series: its labels beside `vm`, as they came from the guest, and its value.
    fn row(&mut self, labels: &[(&'static str, &str)], value: Value);

    /// A distribution, with its labels.
    fn histogram(&mut self, labels: &[(&'static str, &str)], histogram: &Histogram);

    /// A series without labels of its own, where there is a value.
    fn count(&mut self, count: Option<u64>) {
        if let Some(count) = count {
            self.row(&[], Value::Count(count));
        }
    }

    /// A series without labels of its own, where there is a value.
    fn figure(&mut self, figure: Option<f64>) {
        if let Some(figure) = figure {
            self.row(&[], Value::Figure(figure));
        }
    }
}

/// A machine, with the labels by which it is known.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its name.
    pub vm: &'a str,
    /// Its hub, where more than one is told of.
    pub hub: Option<&'a str>,
    /// What is known of it.
    pub entry: &'a Entry,
}

impl<'a> Named<'a> {
    /// One of this host.
    const fn here(vm: &'a str, entry: &'a Entry) -> Self {
        Self { vm, hub: None, entry }
    }
}

/// The text, whose memory is used again.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    identities: String,
}

impl Exposition {
    /// The series of all machines, and of the hub.
    pub fn fleet(&mut self, fleet: &Fleet, own: &Program, now: Now, options: Options) -> &str {
        let dropped = self.machines(fleet.iter().map(|(name, entry)| Named::here(name, entry)), now, options);
        let hub = Hub::new(fleet, own, dropped);
        for metric in HUB.iter().copied().flatten() {
            let mut text = Text::new(&mut self.text, &metric.about);
            (metric.read)(&hub, &mut text.of_program());
            text.end();
        }
        &self.text
    }

    /// The series of machines of many hubs, and of the exporter that tells them.
    pub fn exporter<'a>(
        &mut self,
        machines: impl Iterator<Item = Named<'a>>,
        own: &Exporter,
        now: Now,
        options: Options,
    ) -> &str {
        let dropped = self.machines(machines, now, options);
        for metric in EXPORTER {
            let mut text = Text::new(&mut self.text, &metric.about);
            (metric.read)(own, &dropped, &mut text.of_program());
            text.end();
        }
        &self.text
    }

    /// The series of these machines.
    pub fn of<'a>(&mut self, machines: impl Iterator<Item = Named<'a>>, now: Now, options: Options) -> &str {
        self.machines(machines, now, options);
        &self.text
    }

    /// Takes the text away, without a copy.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Gives a text's memory back, to be used again.
    pub fn give(&mut self, text: String) {
        if text.capacity() > self.text.capacity() {
            self.text = text;
        }
    }

    /// The series of the machines that a selector means.
    pub fn selected(&mut self, fleet: &Fleet, now: Now, options: Options, selector: &Selector) -> &str {
        let all = fleet.iter().map(|(name, entry)| Named::here(name, entry));
        self.of(all.filter(|one| selector.matches(one.vm, one.entry, now)), now, options)
    }

    /// The series of one machine; `None` where it is not known.
    pub fn machine(&mut self, fleet: &Fleet, now: Now, options: Options, name: &str) -> Option<&str> {
        let entry = fleet.get(name)?;
        Some(self.of(std::iter::once(Named::here(name, entry)), now, options))
    }

    /// One machine under the names of `node_exporter`, or of `windows_exporter` for Windows, without the label `vm`. `None`
    /// where its agent does not speak: the scrape is to fail, so that `up` of this target is 0.
    pub fn node(&mut self, fleet: &Fleet, now: Now, name: &str) -> Option<&str> {
        self.node_of(Named::here(name, fleet.get(name)?), now)
    }

    /// The same of a machine that is at hand.
    pub fn node_of(&mut self, machine: Named<'_>, now: Now) -> Option<&str> {
        self.text.clear();
        let view = View::new(machine.vm, machine.entry, now, Options::everything());
        let sample = view.sample?;
        let hello = machine.entry.machine.hello();
        let windows = hello.map_or(sample.system.load_average.is_none(), |hello| hello.platform == "windows");
        for metric in (if windows { WINDOWS } else { NODE }).iter().copied().flatten() {
            let mut text = Text::new(&mut self.text, &metric.about);
            (metric.read)(&view, &mut text.of_machine(&view, None, MAX_NODE_SERIES));
            text.end();
        }
        Some(&self.text)
    }

    fn machines<'a>(
        &mut self,
        machines: impl Iterator<Item = Named<'a>>,
        now: Now,
        options: Options,
    ) -> Dropped {
        self.text.clear();
        let there: Vec<Named> = machines.filter(|one| one.entry.vanished.is_none()).collect();
        let views: Vec<View> = there.iter().map(|one| View::new(one.vm, one.entry, now, options)).collect();
        let identities = text::identities(&mut self.identities, there.iter());
        for metric in GUEST.iter().copied().flatten() {
            let mut text = Text::new(&mut self.text, &metric.about);
            for (view, identity) in views.iter().zip(&identities) {
                if metric.is_told_of(view) {
                    let identity = self.identities.get(identity.clone());
                    (metric.read)(view, &mut text.of_machine(view, identity, MAX_SERIES));
                }
            }
            text.end();
        }
        views.iter().map(View::dropped).sum()
    }
}

impl GuestMetric {
    /// Figures are told while the agent speaks, the connection always.
    fn is_told_of(&self, view: &View<'_>) -> bool {
        self.always || view.state() == State::Up
    }
}
