//! The guest's side: its memory and its queues, as its kernel sets them up by messages of the vhost-user protocol.

use std::fs::File;

use anyhow::{Context, Result, bail};
use virtio_queue::QueueT;
use vm_memory::mmap::{GuestRegionMmap, MmapRegion};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap};

use super::message::Message;
use super::queue::Queue;

/// Ports that the guest is told to make room for. The first is the console's, which this device has not.
pub(super) const MAX_PORTS: u32 = 8;
/// Numbers of the queues by which the guest is told about ports, and tells about them.
pub(super) const CONTROL_TO_GUEST: usize = 2;
pub(super) const CONTROL_FROM_GUEST: usize = 3;
/// The device's features: several ports, the standard's first version, and the protocol's own features.
const FEATURES: u64 = 1 << 1 | 1 << 32 | 1 << 30;
/// The protocol's: answers where they are wanted, requests of the device's own, and the device's configuration. There
/// are no such requests, but without that feature user-mode Linux uses the timer's interrupt for its queues.
const PROTOCOL_FEATURES: u64 = 1 << 3 | 1 << 5 | 1 << 9;
/// A queue's number is in the lowest byte; this bit says that no descriptor comes along.
const NO_FILE: u64 = 1 << 8;
/// Bytes of the memory table before its regions, and of each of them.
const TABLE_BYTES: usize = 8;
const REGION_BYTES: usize = 32;
/// Bytes of a request about the configuration before the configuration itself.
const ABOUT_CONFIGURATION: usize = 12;

/// What the guest has set up.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) memory: GuestMemoryMmap,
    pub(super) queues: Vec<Queue>,
    /// By which the device could send requests: kept, for the guest's kernel waits at its other end.
    requests: Option<File>,
}

impl Guest {
    pub(super) fn new() -> Result<Self> {
        // Two for each port, and two for control.
        let queues = (0..(MAX_PORTS + 1) * 2).map(|_| Queue::new()).collect::<Result<_>>()?;
        Ok(Self { memory: GuestMemoryMmap::new(), queues, requests: None })
    }

    /// Forgets a guest that is gone.
    pub(super) fn reset(&mut self) {
        self.memory = GuestMemoryMmap::new();
        self.requests = None;
        self.queues.iter_mut().for_each(Queue::reset);
    }

    /// This queue, and the memory that it is in.
    pub(super) fn queue(&mut self, number: usize) -> Result<(&mut Queue, &GuestMemoryMmap)> {
        Ok((self.queues.get_mut(number).context("no such queue")?, &self.memory))
    }

    /// Does what the guest's kernel asks for; gives the answer that belongs to it.
    pub(super) fn obey(&mut self, message: &mut Message) -> Result<Option<Vec<u8>>> {
        match message.request {
            1 => return Ok(Some(FEATURES.to_ne_bytes().to_vec())),
            15 => return Ok(Some(PROTOCOL_FEATURES.to_ne_bytes().to_vec())),
            24 => return configuration(message).map(Some),
            11 => return self.stop_queue(message).map(Some),
            // Features that it takes, and who it is: nothing depends on that here. Errors are told to nobody.
            2 | 3 | 14 | 16 => {}
            5 => self.memory = memory(message)?,
            8 => self.addressed(message)?.rings.set_size(message.word(4)?.try_into()?),
            9 => self.place_queue(message)?,
            10 => self.start_at(message)?,
            12 => self.by_descriptor(message)?.kick = message.files.pop(),
            13 => self.by_descriptor(message)?.call = message.files.pop(),
            18 => self.addressed(message)?.rings.set_ready(message.word(4)? != 0),
            21 => self.requests = message.files.pop(),
            other => bail!("request {other} of the guest's kernel is not known"),
        }
        Ok(None)
    }

    /// The queue that a message names in its first word.
    fn addressed(&mut self, message: &Message) -> Result<&mut Queue> {
        self.queues.get_mut(message.word(0)? as usize).context("no such queue")
    }

    /// The queue that a message with a descriptor names.
    fn by_descriptor(&mut self, message: &Message) -> Result<&mut Queue> {
        let number = (message.long(0)? & (NO_FILE - 1)) as usize;
        self.queues.get_mut(number).context("no such queue")
    }

    /// Its addresses are those of the guest's physical memory.
    fn place_queue(&mut self, message: &Message) -> Result<()> {
        let rings = &mut self.addressed(message)?.rings;
        let address = |at| message.long(at).map(GuestAddress);
        rings.try_set_desc_table_address(address(8)?)?;
        rings.try_set_used_ring_address(address(16)?)?;
        Ok(rings.try_set_avail_ring_address(address(24)?)?)
    }

    fn start_at(&mut self, message: &Message) -> Result<()> {
        let next = message.word(4)?.try_into()?;
        let rings = &mut self.addressed(message)?.rings;
        rings.set_next_avail(next);
        rings.set_next_used(next);
        Ok(())
    }

    fn stop_queue(&mut self, message: &Message) -> Result<Vec<u8>> {
        let rings = &mut self.addressed(message)?.rings;
        rings.set_ready(false);
        let words = [message.word(0)?, rings.next_avail().into()];
        Ok(words.into_iter().flat_map(u32::to_ne_bytes).collect())
    }
}

/// The numbers of the queues of a port: to the guest, and from it.
pub(super) fn queues_of(port: u32) -> (usize, usize) {
    let first = if port == 0 { 0 } else { port as usize * 2 + 2 };
    (first, first + 1)
}

/// The asked part of the device's configuration: columns, rows, number of ports. What is beyond is zero.
fn configuration(message: &Message) -> Result<Vec<u8>> {
    let all = [[0; 4], MAX_PORTS.to_le_bytes()].into_iter().flatten().chain(std::iter::repeat(0));
    let (offset, size) = (message.word(0)? as usize, message.word(4)? as usize);
    let asked = message.payload.get(..ABOUT_CONFIGURATION).context("a request for the configuration")?;
    let size = size.min(message.payload.len() - ABOUT_CONFIGURATION);
    Ok(asked.iter().copied().chain(all.skip(offset).take(size)).collect())
}

fn memory(message: &mut Message) -> Result<GuestMemoryMmap> {
    let mut regions = Vec::new();
    let files = std::mem::take(&mut message.files);
    for (number, file) in files.into_iter().take(message.word(0)? as usize).enumerate() {
        regions.push(region(message, TABLE_BYTES + number * REGION_BYTES, file)?);
    }
    Ok(GuestMemoryMmap::from_regions(regions)?)
}

/// A region: address in the guest, size, address in its program (which is the same), offset in the file.
fn region(message: &Message, at: usize, file: File) -> Result<GuestRegionMmap> {
    let size = message.long(at + 8)?.try_into()?;
    let mapping = MmapRegion::from_file(FileOffset::new(file, message.long(at + 24)?), size)?;
    GuestRegionMmap::new(mapping, GuestAddress(message.long(at)?)).context("a region beyond all addresses")
}
