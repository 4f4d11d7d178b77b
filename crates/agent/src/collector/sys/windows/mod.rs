//! Windows: not read yet; every collector says so.

use crate::collector::cpu;
use crate::collector::disk::io::Device;
use crate::collector::disk::usage::Usages;
use crate::collector::error::CollectError;
use crate::collector::ports::list::Socket;
use crate::collector::process::files::Details;
use crate::collector::process::stat::Record;
use crate::collector::settings::CollectorSettings;
use infiniservice_protocol::metrics::{Interface, LoadAverage, Memory};

/// The machine.
pub struct Machine;

#[allow(clippy::unused_self, clippy::unnecessary_wraps)]
impl Machine {
    /// Opens nothing.
    pub fn new(_: &CollectorSettings) -> Self {
        Self
    }

    /// Ticks of 100 ns.
    pub fn ticks_per_second() -> u64 {
        10_000_000
    }

    /// Resident sets are counted in kB.
    pub fn page_kb() -> u64 {
        1
    }

    /// Processor time and boot time.
    pub fn cpu(&mut self) -> Result<cpu::Sample, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Degrees Celsius.
    pub fn temperature(&mut self) -> Option<f64> {
        None
    }

    /// Memory and swap.
    pub fn memory(&mut self) -> Result<Memory, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// File systems.
    pub fn disk_usage(&mut self) -> Result<Usages, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Counters of block devices.
    pub fn disk_io(&mut self) -> Result<Vec<Device>, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Interfaces in order, and how many there are in all.
    pub fn interfaces(&mut self) -> Result<(Vec<Interface>, usize), CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Seconds since boot.
    pub fn uptime(&mut self) -> Result<u64, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Windows has none.
    pub fn load_average(&mut self) -> Result<Option<LoadAverage>, CollectError> {
        Ok(None)
    }

    /// The host's name.
    pub fn hostname(&mut self) -> Result<String, CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Appends every process.
    pub fn scan(&mut self, _: &mut Vec<Record>) -> Result<(), CollectError> {
        Err(CollectError::Unsupported)
    }

    /// What is told of a listed process and changes seldom.
    pub fn details(&mut self, _: &Record) -> Details {
        Details::default()
    }

    /// Arguments alone, for a search.
    pub fn arguments(&mut self, _: &Record) -> Option<String> {
        None
    }

    /// Bytes read from and written to storage by a process.
    pub fn storage_bytes(&mut self, _: u32) -> Option<(u64, u64)> {
        None
    }

    /// Appends every socket of TCP and UDP.
    pub fn sockets(&mut self, _: &mut Vec<Socket>) -> Result<(), CollectError> {
        Err(CollectError::Unsupported)
    }

    /// Sockets that a process holds.
    pub fn sockets_of(&mut self, _: u32, _: &mut dyn FnMut(u32)) {}

    /// Nothing to refresh.
    pub fn refresh_users(&mut self) {}

    /// A user's name.
    pub fn user_name(&self, id: u32) -> String {
        id.to_string()
    }
}
