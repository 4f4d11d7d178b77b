//! A machine as its series see it: what is told of it is chosen and bounded here, once for all metrics.

use super::label::clean;
use crate::counts::Counts;
use crate::delivery;
use crate::fleet::{Entry, Fleet};
use crate::job;
use crate::machine::Machine;
use crate::machine::figures::is_disk;
use crate::sample::Sample;
use crate::session::State;
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::metrics::{DiskDevice, DiskUsage, Interface};
use std::borrow::Cow;
use std::cell::Cell;
use std::iter::Sum;

/// Interfaces of one machine that are told.
pub const MAX_INTERFACES: usize = 16;
/// File systems of one machine that are told.
pub const MAX_FILE_SYSTEMS: usize = 32;
/// Block devices of one machine that are told.
pub const MAX_DEVICES: usize = 16;
/// Collectors that failed, lists that were cut.
pub const MAX_TROUBLES: usize = 16;
/// Interfaces of the guest's own making: `lo` by its whole name, the others by the beginning of theirs.
pub const LEFT_OUT: [&str; 6] = ["lo", "veth", "docker", "br-", "ifb", "tap"];

/// What a scrape asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Also interfaces that guests make for themselves ([`LEFT_OUT`]).
    pub all_interfaces: bool,
    /// Also file systems in memory, and those that are read only.
    pub all_file_systems: bool,
}

impl Options {
    /// Nothing is left out.
    pub const fn everything() -> Self {
        Self { all_interfaces: true, all_file_systems: true }
    }
}

/// Series that are not told, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Interfaces beyond [`MAX_INTERFACES`].
    pub interfaces: u64,
    /// File systems beyond [`MAX_FILE_SYSTEMS`].
    pub file_systems: u64,
    /// Devices beyond [`MAX_DEVICES`].
    pub devices: u64,
    /// A second one of the same name.
    pub doubles: u64,
    /// Series beyond those that one machine may have.
    pub series: u64,
    /// Label values that are told, but were cut.
    pub labels_cut: u64,
}

impl Sum for Dropped {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            interfaces: sum.interfaces + it.interfaces,
            file_systems: sum.file_systems + it.file_systems,
            devices: sum.devices + it.devices,
            doubles: sum.doubles + it.doubles,
            series: sum.series + it.series,
            labels_cut: sum.labels_cut + it.labels_cut,
        })
    }
}

/// A machine, with what is told of it.
#[derive(Debug)]
pub struct View<'a> {
    /// Its name on this host.
    pub name: &'a str,
    /// The machine.
    pub machine: &'a Machine,
    /// The time.
    pub now: Now,
    /// Its figures, while they are fresh.
    pub sample: Option<&'a Sample>,
    /// Chosen interfaces.
    pub interfaces: Vec<&'a Interface>,
    /// Chosen file systems.
    pub file_systems: Vec<&'a DiskUsage>,
    /// Chosen block devices.
    pub devices: Vec<&'a DiskDevice>,
    dropped: Cell<Dropped>,
    series: Cell<u32>,
}

impl<'a> View<'a> {
    /// Chooses what is told.
    pub fn new(name: &'a str, entry: &'a Entry, now: Now, options: Options) -> Self {
        let machine = &entry.machine;
        let sample = machine.sample().filter(|_| machine.state() == State::Up);
        let mut view = Self {
            name,
            machine,
            now,
            sample,
            interfaces: Vec::new(),
            file_systems: Vec::new(),
            devices: Vec::new(),
            dropped: Cell::default(),
            series: Cell::default(),
        };
        if let Some(sample) = sample {
            view.choose(sample, options);
        }
        view
    }

    fn choose(&mut self, sample: &'a Sample, options: Options) {
        let system = &sample.system;
        let mut dropped = Dropped::default();
        let interfaces = system.network.interfaces.iter();
        let wanted = interfaces.filter(|it| options.all_interfaces || !is_left_out(&it.name));
        let key = |it: &&'a Interface| clean(&it.name);
        (self.interfaces, dropped.interfaces) = first(wanted, MAX_INTERFACES, key, &mut dropped.doubles);
        let file_systems = system.disk.usage_stats.iter();
        let wanted = file_systems.filter(|it| options.all_file_systems || is_disk(it));
        let key = |it: &&'a DiskUsage| [&it.mount_point, &it.device, &it.filesystem].map(|text| clean(text));
        (self.file_systems, dropped.file_systems) =
            first(wanted, MAX_FILE_SYSTEMS, key, &mut dropped.doubles);
        let key = |it: &&'a DiskDevice| clean(&it.name);
        (self.devices, dropped.devices) =
            first(system.disk.devices.iter(), MAX_DEVICES, key, &mut dropped.doubles);
        self.dropped.set(dropped);
    }

    /// Where its connection stands.
    pub const fn state(&self) -> State {
        self.machine.state()
    }

    /// Whether a collector gave nothing in the last collection.
    pub fn failed(&self, collector: &str) -> bool {
        self.sample.is_some_and(|it| it.collection.failed.iter().any(|failed| failed.collector == collector))
    }

    /// What was not told of it.
    pub fn dropped(&self) -> Dropped {
        self.dropped.get()
    }

    /// Counts one more series; `false` where it is beyond the most that a machine may have.
    pub(crate) fn takes_series(&self, max: u32) -> bool {
        let takes = self.series.get() < max;
        if takes {
            self.series.set(self.series.get() + 1);
        } else {
            let dropped = self.dropped.get();
            self.dropped.set(Dropped { series: dropped.series + 1, ..dropped });
        }
        takes
    }

    /// Counts label values that were cut.
    pub(super) fn cuts(&self, labels: usize) {
        if labels > 0 {
            let dropped = self.dropped.get();
            self.dropped.set(Dropped { labels_cut: dropped.labels_cut + labels as u64, ..dropped });
        }
    }
}

fn is_left_out(interface: &str) -> bool {
    let [loopback, others @ ..] = LEFT_OUT;
    interface == loopback || others.iter().any(|start| interface.starts_with(start))
}

/// The first ones of different names, and how many came after these. A guest may tell of one twice: two series with the same
/// labels would not be valid.
pub fn first<T, K: PartialEq>(
    all: impl Iterator<Item = T>,
    most: usize,
    key: impl Fn(&T) -> K,
    doubles: &mut u64,
) -> (Vec<T>, u64) {
    let (mut kept, mut keys, mut beyond) = (Vec::new(), Vec::new(), 0);
    for it in all {
        if kept.len() == most {
            beyond += 1;
            continue;
        }
        let key = key(&it);
        if keys.contains(&key) {
            *doubles += 1;
        } else {
            keys.push(key);
            kept.push(it);
        }
    }
    (kept, beyond)
}

/// Names that differ also when they are cut, as [`first`] does.
pub fn different<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> Vec<Cow<'a, str>> {
    first(names.map(clean), most, Cow::clone, &mut 0).0
}

/// What the hub tells of itself.
#[derive(Debug)]
pub struct Hub<'a> {
    /// All machines.
    pub fleet: &'a Fleet,
    /// What was counted of them.
    pub counts: Counts,
    /// What this exposition left out.
    pub dropped: Dropped,
    /// What only the program knows.
    pub own: &'a Program,
}

/// What only the program knows of itself: its files, and what it sends elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Machines of the jobs that are kept, by where they stand.
    pub targets: job::Counts,
    /// Bytes of the ledger's file; `None` where there is none.
    pub ledger_bytes: Option<u64>,
    /// What is sent by OTLP; `None` where that is off.
    pub otlp: Option<delivery::Status>,
}

impl<'a> Hub<'a> {
    /// Sums up what was counted.
    pub fn new(fleet: &'a Fleet, own: &'a Program, dropped: Dropped) -> Self {
        Self { fleet, counts: fleet.counts(), dropped, own }
    }
}
