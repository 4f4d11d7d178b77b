//! One queue of the device, in the guest's memory.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use virtio_queue::{DescriptorChain, Queue as Rings, QueueT};
use vm_memory::GuestMemoryMmap;

/// Descriptors of a queue: what the guest asks for at most.
const MAX_DESCRIPTORS: u16 = 256;
/// Most bytes taken from one buffer of the guest. Its driver sends at most 32 KiB at once.
const MAX_TAKEN_BYTES: usize = 1 << 20;

type Chain<'a> = DescriptorChain<&'a GuestMemoryMmap>;

/// The rings and the descriptors by which either side wakes the other.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) rings: Rings,
    pub(super) kick: Option<File>,
    pub(super) call: Option<File>,
}

/// A buffer that was taken from the guest and not yet given back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    head: u16,
    pub(super) bytes: Vec<u8>,
}

impl Queue {
    pub(super) fn new() -> Result<Self> {
        let rings = Rings::new(MAX_DESCRIPTORS).context("the size of a queue")?;
        Ok(Self { rings, kick: None, call: None })
    }

    /// As it was before the guest set it up.
    pub(super) fn reset(&mut self) {
        self.rings.reset();
        (self.kick, self.call) = (None, None);
    }

    /// Whether the guest has put buffers into it that were not taken yet.
    pub(super) fn has_buffer(&self, memory: &GuestMemoryMmap) -> bool {
        let next = self.rings.next_avail();
        self.rings.ready()
            && self.rings.avail_idx(memory, Ordering::Acquire).is_ok_and(|index| index.0 != next)
    }

    /// Takes the next buffer that the guest has filled.
    pub(super) fn take(&mut self, memory: &GuestMemoryMmap) -> Result<Option<Taken>> {
        let Some(chain) = self.pop(memory) else { return Ok(None) };
        let head = chain.head_index();
        let mut bytes = Vec::new();
        chain.reader(memory)?.take(MAX_TAKEN_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(Some(Taken { head, bytes }))
    }

    /// Gives a buffer back when all in it has gone its way.
    pub(super) fn give_back(&mut self, memory: &GuestMemoryMmap, taken: &Taken) -> Result<()> {
        self.done(memory, taken.head, 0)
    }

    /// Fills the guest's next buffer; says how many bytes it took, `None` where there is no buffer.
    pub(super) fn fill(&mut self, memory: &GuestMemoryMmap, bytes: &[u8]) -> Result<Option<usize>> {
        let Some(chain) = self.pop(memory) else { return Ok(None) };
        let head = chain.head_index();
        let written = chain.writer(memory)?.write(bytes)?;
        self.done(memory, head, u32::try_from(written)?)?;
        Ok(Some(written))
    }

    fn pop<'a>(&mut self, memory: &'a GuestMemoryMmap) -> Option<Chain<'a>> {
        if !self.rings.ready() {
            return None;
        }
        self.rings.pop_descriptor_chain(memory)
    }

    fn done(&mut self, memory: &GuestMemoryMmap, head: u16, written: u32) -> Result<()> {
        self.rings.add_used(memory, head, written)?;
        if self.rings.needs_notification(memory)?
            && let Some(call) = &mut self.call
        {
            interrupt(call)?;
        }
        Ok(())
    }
}

/// Wakes the guest. A full pipe is that of a guest that has yet to see earlier ones.
fn interrupt(call: &mut File) -> Result<()> {
    match call.write_all(&1_u64.to_ne_bytes()) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error).context("the guest's interrupt"),
        _ => Ok(()),
    }
}
