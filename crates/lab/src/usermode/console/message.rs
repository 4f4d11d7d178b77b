//! Messages of the vhost-user protocol, as user-mode Linux sends them over a Unix socket.
//!
//! The `vhost` crate's own server refuses them: the memory table always has the length of two regions, used or not.

use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, ensure};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Bytes before the payload: request, flags and size, of 32 bits each in this machine's order.
const HEADER_BYTES: usize = 12;
/// Longest payload taken. The longest that is sent are the memory table and the configuration.
const MAX_PAYLOAD_BYTES: usize = 4096;
/// Most descriptors that come with a message: one for each region of memory.
const MAX_FILES: usize = 8;
/// Flags: the protocol's version, an answer, and a request that wants one although it has none of its own.
const VERSION: u32 = 1;
const IS_ANSWER: u32 = 1 << 2;
const WANTS_ANSWER: u32 = 1 << 3;

/// A request of the guest's kernel.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) request: u32,
    flags: u32,
    pub(super) payload: Vec<u8>,
    pub(super) files: Vec<File>,
}

impl Message {
    /// The next one; `None` when the kernel is gone.
    pub(super) fn receive(mut stream: &UnixStream) -> Result<Option<Self>> {
        let mut header = [0; HEADER_BYTES];
        let (count, files) = receive_with_files(stream, &mut header)?;
        if count == 0 {
            return Ok(None);
        }
        stream.read_exact(header.get_mut(count..).unwrap_or_default())?;
        let field = |at| number::<4>(&header, at).map(u32::from_ne_bytes).context("a header");
        let (request, flags, size) = (field(0)?, field(4)?, field(8)? as usize);
        ensure!(size <= MAX_PAYLOAD_BYTES, "request {request} of {size} bytes");
        let mut payload = vec![0; size];
        stream.read_exact(&mut payload)?;
        Ok(Some(Self { request, flags, payload, files }))
    }

    /// The 32 bits at this place of the payload.
    pub(super) fn word(&self, at: usize) -> Result<u32> {
        number(&self.payload, at).map(u32::from_ne_bytes).with_context(|| self.too_short())
    }

    /// The 64 bits at this place of the payload.
    pub(super) fn long(&self, at: usize) -> Result<u64> {
        number(&self.payload, at).map(u64::from_ne_bytes).with_context(|| self.too_short())
    }

    fn too_short(&self) -> String {
        format!("request {} with a payload of {} bytes only", self.request, self.payload.len())
    }

    /// Answers it: with `payload`, or, where it has no answer of its own but wants one, with success.
    pub(super) fn answer(&self, mut stream: &UnixStream, payload: Option<Vec<u8>>) -> Result<()> {
        let success = (self.flags & WANTS_ANSWER != 0).then(|| 0_u64.to_ne_bytes().to_vec());
        let Some(payload) = payload.or(success) else { return Ok(()) };
        let fields = [self.request, VERSION | IS_ANSWER, u32::try_from(payload.len())?];
        let bytes: Vec<u8> = fields.into_iter().flat_map(u32::to_ne_bytes).chain(payload).collect();
        stream.write_all(&bytes).context("an answer to the guest's kernel")
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn receive_with_files(stream: &UnixStream, bytes: &mut [u8]) -> Result<(usize, Vec<File>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let files = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok((received.bytes, files.flatten().map(|file: OwnedFd| File::from(file)).collect()))
}
