//! For tests: a guest's kernel with its console driver, which uses the device as user-mode Linux does.

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use vm_memory::mmap::{GuestRegionMmap, MmapRegion};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap};

use super::control::{Control, Event};
use super::guest::{CONTROL_FROM_GUEST, CONTROL_TO_GUEST};

/// Queues, each with its rings and buffers in this many bytes, and descriptors of each.
const QUEUES: u64 = 8;
const QUEUE_BYTES: u64 = 0x4000;
const DESCRIPTORS: u16 = 16;
const BUFFER_BYTES: u32 = 256;
/// Places within a queue's bytes.
const AVAILABLE: u64 = 0x1000;
const USED: u64 = 0x2000;
const BUFFERS: u64 = 0x3000;
/// A descriptor's flag: the device writes to the buffer.
const WRITABLE: u16 = 2;
/// How long the device may take.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Driver {
    stream: UnixStream,
    memory: GuestMemoryMmap,
    queues: Vec<Queue>,
}

struct Queue {
    kick: File,
    call: UnixStream,
    offered: u16,
    seen: u16,
}

impl Driver {
    /// Connects to the device, and sets up its first queues. Those to the guest have buffers.
    pub(super) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let file = File::from(memfd_create("guest", MemfdFlags::CLOEXEC).unwrap());
        ftruncate(&file, QUEUES * QUEUE_BYTES).unwrap();
        let mapped = FileOffset::new(file.try_clone().unwrap(), 0);
        let mapping = MmapRegion::from_file(mapped, (QUEUES * QUEUE_BYTES) as usize).unwrap();
        let region = GuestRegionMmap::new(mapping, GuestAddress(0)).unwrap();
        let memory = GuestMemoryMmap::from_regions(vec![region]).unwrap();
        let mut driver = Self { stream, memory, queues: Vec::new() };
        driver.send(3, &[], None);
        // As user-mode Linux sends it: always with room for two regions.
        let table = [1, 0, QUEUES * QUEUE_BYTES, 0, 0, 0, 0, 0, 0];
        driver.send(5, &table.map(u64::to_ne_bytes).concat(), Some(file.as_fd()));
        (0..QUEUES as u32).for_each(|number| driver.set_up(number));
        assert_ne!(driver.ask(1, &[]), [0; 8]);
        for queue in [0, CONTROL_TO_GUEST, 4, 6] {
            (0..8).for_each(|_| driver.offer(queue, None));
        }
        driver
    }

    fn set_up(&mut self, number: u32) {
        let at = u64::from(number) * QUEUE_BYTES;
        let words = |value: u32| [number, value].map(u32::to_ne_bytes).concat();
        let kick = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let (call, theirs) = UnixStream::pair().unwrap();
        call.set_read_timeout(Some(TIMEOUT)).unwrap();
        self.send(8, &words(DESCRIPTORS.into()), None);
        self.send(10, &words(0), None);
        let places = [u64::from(number), at, at + USED, at + AVAILABLE, 0];
        self.send(9, &places.map(u64::to_ne_bytes).concat(), None);
        self.send(12, &u64::from(number).to_ne_bytes(), Some(kick.as_fd()));
        self.send(13, &u64::from(number).to_ne_bytes(), Some(OwnedFd::from(theirs).as_fd()));
        self.send(18, &words(1), None);
        self.queues.push(Queue { kick: kick.into(), call, offered: 0, seen: 0 });
    }

    fn send(&self, request: u32, payload: &[u8], file: Option<BorrowedFd<'_>>) {
        let fields = [request, 1, payload.len() as u32];
        let bytes: Vec<u8> = [&fields.map(u32::to_ne_bytes).concat(), payload].concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files: Vec<_> = file.into_iter().collect();
        if !files.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&files));
        }
        sendmsg(&self.stream, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::empty()).unwrap();
    }

    /// Sends a request that has an answer, and gives that.
    pub(super) fn ask(&mut self, request: u32, payload: &[u8]) -> Vec<u8> {
        self.send(request, payload, None);
        let mut header = [0; 12];
        self.stream.read_exact(&mut header).unwrap();
        let mut answer = vec![0; usize::from(header[8])];
        self.stream.read_exact(&mut answer).unwrap();
        answer
    }

    /// Puts a buffer into a queue: with these bytes, or for the device to fill.
    fn offer(&mut self, number: usize, bytes: Option<&[u8]>) {
        let at = number as u64 * QUEUE_BYTES;
        let queue = &mut self.queues[number];
        let slot = u64::from(queue.offered % DESCRIPTORS);
        let buffer = at + BUFFERS + slot * u64::from(BUFFER_BYTES);
        self.memory.write_slice(bytes.unwrap_or_default(), GuestAddress(buffer)).unwrap();
        let length = bytes.map_or(BUFFER_BYTES, |bytes| bytes.len() as u32);
        let flags = if bytes.is_some() { 0 } else { WRITABLE };
        let rest = u64::from(length) | u64::from(flags) << 32;
        self.memory.write_obj([buffer, rest], GuestAddress(at + slot * 16)).unwrap();
        self.memory.write_obj(slot as u16, GuestAddress(at + AVAILABLE + 4 + slot * 2)).unwrap();
        queue.offered += 1;
        self.memory.write_obj(queue.offered, GuestAddress(at + AVAILABLE + 2)).unwrap();
        queue.kick.write_all(&1_u64.to_ne_bytes()).unwrap();
    }

    /// Waits for the device to give the next buffer of a queue back: what it wrote there.
    fn next(&mut self, number: usize) -> Vec<u8> {
        let at = number as u64 * QUEUE_BYTES;
        let queue = &mut self.queues[number];
        while self.memory.read_obj::<u16>(GuestAddress(at + USED + 2)).unwrap() == queue.seen {
            queue.call.read_exact(&mut [0; 8]).expect("the device gives nothing back");
        }
        let entry = at + USED + 4 + u64::from(queue.seen % DESCRIPTORS) * 8;
        queue.seen += 1;
        let [slot, length] = self.memory.read_obj::<[u32; 2]>(GuestAddress(entry)).unwrap();
        let mut bytes = vec![0; length as usize];
        let buffer = at + BUFFERS + u64::from(slot * BUFFER_BYTES);
        self.memory.read_slice(&mut bytes, GuestAddress(buffer)).unwrap();
        bytes
    }

    /// Sends a control message and waits until the device has taken it.
    pub(super) fn tell(&mut self, port: u32, event: Event, value: bool) {
        self.offer(CONTROL_FROM_GUEST, Some(&Control::new(port, event, value).bytes()));
        self.next(CONTROL_FROM_GUEST);
    }

    /// The next control message of the device.
    pub(super) fn told(&mut self) -> (u32, Event, u16) {
        let message = Control::parse(&self.told_bytes()).unwrap();
        (message.port, message.event, message.value)
    }

    /// The same with what follows it.
    pub(super) fn told_bytes(&mut self) -> Vec<u8> {
        let bytes = self.next(CONTROL_TO_GUEST);
        self.offer(CONTROL_TO_GUEST, None);
        bytes
    }

    /// Sends bytes by the queue of this number, and waits until the device has done with them.
    pub(super) fn send_bytes(&mut self, number: usize, bytes: &[u8]) {
        self.offer(number, Some(bytes));
        self.next(number);
    }

    /// Waits for bytes by the queue of this number.
    pub(super) fn received(&mut self, number: usize) -> Vec<u8> {
        let bytes = self.next(number);
        self.offer(number, None);
        bytes
    }
}
