//! Everything that is asked of a Windows machine, behind one type, by Windows' native calls.

mod native;
mod temperature;
#[cfg(test)]
mod tests;
mod volumes;

pub use native::{CpuMeter, links_and_addresses, memory as machine_memory};
pub use volumes::{drive_space, local_drives};

use crate::cpu;
use crate::disk::Usages;
use crate::disk::probe::Probes;
use crate::disk::traffic::Table;
use crate::error::CollectError;
use crate::network::{assemble, may_have_speed};
use crate::ports::Socket;
use crate::ports::win_table::{self, Layout, TCP4, TCP6, UDP4, UDP6};
use crate::process::{Details, Record};
use crate::settings::CollectorSettings;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::win32::interfaces_unsafe;
use infiniservice_platform::win32::process_unsafe::{self, Process, Sid};
use infiniservice_protocol::metrics::{Interface, Memory};
use std::collections::{HashMap, HashSet};
use temperature::Thermometer;

/// Accounts that are remembered; a machine with more forgets them all and asks again.
const MAX_ACCOUNTS: usize = 4096;

/// The machine, with what is kept from one collection to the next.
pub struct Machine {
    settings: CollectorSettings,
    probes: Probes<volumes::Drive>,
    processes: native::Buffer,
    processors: native::Buffer,
    tables: Vec<u64>,
    boot: u64,
    transferred: HashMap<u32, (u64, u64)>,
    accounts: Vec<(Sid, String)>,
    thermometer: Thermometer,
}

impl Machine {
    /// Windows knows of no niceness, of no waiting for devices, and nothing of its hypervisor.
    pub const HAS_ALL_MODES: bool = false;

    /// Opens nothing: each failure belongs to the figures that it costs.
    pub fn new(settings: &CollectorSettings) -> Self {
        Self {
            settings: settings.clone(),
            probes: volumes::probes(),
            processes: native::Buffer::default(),
            processors: native::Buffer::default(),
            tables: Vec::new(),
            boot: native::boot(),
            transferred: HashMap::new(),
            accounts: Vec::new(),
            thermometer: Thermometer::default(),
        }
    }

    /// Other bounds, from the next figures on.
    pub fn set_bounds(&mut self, settings: &CollectorSettings) {
        self.settings = settings.clone();
    }

    /// Units of 100 ns.
    pub fn ticks_per_second() -> u64 {
        10_000_000
    }

    /// Working sets are counted in kB.
    pub fn page_kb() -> u64 {
        1
    }

    /// Processor time and boot time.
    pub fn cpu(&mut self) -> Result<cpu::Sample, CollectError> {
        native::cpu(&mut self.processors)
    }

    /// Degrees Celsius of the hottest thermal zone, where the machine has one.
    pub fn temperature(&mut self) -> Option<f64> {
        self.thermometer.read()
    }

    /// Memory and page file.
    #[allow(clippy::unused_self)]
    pub fn memory(&mut self) -> Result<Memory, CollectError> {
        native::memory()
    }

    /// Drives.
    #[allow(clippy::unnecessary_wraps)]
    pub fn disk_usage(&mut self) -> Result<Usages, CollectError> {
        let (max, deadline) = (self.settings.max_file_systems, self.settings.network_mount_timeout);
        Ok(volumes::usages(&mut self.probes, max, deadline))
    }

    /// Counters of physical drives.
    #[allow(clippy::unused_self)]
    pub fn disk_io(&mut self) -> Result<Table, CollectError> {
        let devices = volumes::devices();
        if devices.is_empty() { Err(CollectError::Unsupported) } else { Ok(Table { devices, unreadable: 0 }) }
    }

    /// Interfaces in order, and how many there are in all.
    pub fn interfaces(&mut self) -> Result<(Vec<Interface>, usize), CollectError> {
        let rows = native::links()?;
        let addresses = native::addresses()?;
        let speeds: HashMap<u32, u64> = rows.iter().map(|(link, speed)| (link.index, *speed)).collect();
        let links: Vec<_> = rows.into_iter().map(|(link, _)| link).collect();
        let (total, route) = (links.len(), native::default_route());
        let list = assemble(links, &addresses, route, self.settings.max_interfaces, |link| {
            let mbps = speeds.get(&link.index).map(|bits| bits / 1_000_000);
            mbps.and_then(|mbps| u32::try_from(mbps).ok())
                .filter(|mbps| may_have_speed(link) && (1..1 << 24).contains(mbps))
        });
        Ok((list, total))
    }

    /// Seconds since boot.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub fn uptime(&mut self) -> Result<u64, CollectError> {
        Ok(native::uptime_ms() / 1000)
    }

    /// Windows has no `/proc`.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub fn proc<T>(
        &mut self,
        _file: &str,
        _parser: impl FnOnce(&[u8]) -> Result<T, ParseError>,
    ) -> Result<Option<T>, CollectError> {
        Ok(None)
    }

    /// The host's name.
    #[allow(clippy::unused_self)]
    pub fn hostname(&mut self) -> Result<String, CollectError> {
        native::hostname()
    }

    /// Appends every process.
    pub fn scan(&mut self, records: &mut Vec<Record>) -> Result<(), CollectError> {
        self.transferred.clear();
        for listed in native::processes(&mut self.processes, self.boot)? {
            self.transferred.insert(listed.record.pid, listed.transferred);
            records.push(listed.record);
        }
        Ok(())
    }

    /// What is told of listed processes and changes seldom, in order. What may not be read, or is gone, is left out.
    pub fn details(&mut self, records: &[&Record]) -> Vec<Details> {
        records.iter().map(|record| self.details_of(record)).collect()
    }

    fn details_of(&mut self, record: &Record) -> Details {
        let Ok(process) = Process::peek(record.pid) else { return Details::default() };
        Details {
            exe_path: process.image(),
            cmd_line: self.cut(process.command_line()),
            user_id: process_unsafe::owner(&process).map(|sid| self.account(sid)),
            unanswered: false,
        }
    }

    /// Arguments alone, for a search.
    pub fn arguments(&mut self, records: &[&Record]) -> Vec<Option<String>> {
        let arguments = |record: &&Record| self.cut(Process::peek(record.pid).ok()?.command_line());
        records.iter().map(arguments).collect()
    }

    /// Bytes read and written by processes, as of the last scan.
    pub fn storage_bytes(&mut self, records: &[&Record]) -> Vec<Option<(u64, u64)>> {
        let counter = crate::numbers::counter;
        let known = records.iter().map(|record| self.transferred.get(&record.pid));
        known.map(|bytes| bytes.map(|(read, written)| (counter(*read), counter(*written)))).collect()
    }

    /// Windows answers for its processes.
    #[allow(clippy::unused_self)]
    pub fn take_unanswered(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Appends every socket of TCP and UDP, with its owner's pid in place of the inode. A machine without IPv6 has two tables less.
    pub fn sockets(&mut self, all: &mut Vec<Socket>) -> Result<(), CollectError> {
        self.sockets_of(TCP4, false, all)?;
        self.sockets_of(UDP4, false, all)?;
        let _ = self.sockets_of(TCP6, true, all);
        let _ = self.sockets_of(UDP6, true, all);
        Ok(())
    }

    fn sockets_of(
        &mut self,
        layout: Layout,
        is_ipv6: bool,
        all: &mut Vec<Socket>,
    ) -> Result<(), CollectError> {
        let table = interfaces_unsafe::table(&mut self.tables, layout.is_tcp(), is_ipv6);
        let table = table.map_err(|error| CollectError::io("GetExtendedTcpTable", error))?;
        win_table::parse(table, layout, all);
        Ok(())
    }

    /// The owner stands in the socket itself.
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    pub fn holders(&mut self, records: &[&Record], wanted: HashSet<u32>) -> Vec<(u32, u32)> {
        let holds = records.iter().filter(|record| wanted.contains(&record.pid));
        holds.map(|record| (record.pid, record.pid)).collect()
    }

    /// Names of accounts change so seldom that they are kept.
    pub fn refresh_users(&mut self) {
        if self.accounts.len() > MAX_ACCOUNTS {
            self.accounts.clear();
        }
    }

    /// `NT AUTHORITY\SYSTEM`, by the number that [`Machine::details`] gave it.
    pub fn user_name(&self, id: u32) -> String {
        self.accounts.get(id as usize).map_or_else(|| id.to_string(), |(_, name)| name.clone())
    }

    fn account(&mut self, sid: Sid) -> u32 {
        let known = self.accounts.iter().position(|(known, _)| *known == sid);
        let at = known.unwrap_or_else(|| {
            let name = process_unsafe::account_name(&sid).unwrap_or_else(|| "unknown".into());
            self.accounts.push((sid, name));
            self.accounts.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn cut(&self, text: Option<String>) -> Option<String> {
        text.map(|text| {
            infiniservice_platform::linux::text::printable(text.as_bytes(), self.settings.max_cmd_line_bytes)
        })
    }
}
