//! The bulk port beside the connection: its lines are read as if they had come there.

use super::options::Bulk;
use super::shared::Shared;
use super::tasks::{CHUNK_BYTES, Lines, Outgoing, take_chunk};
use crate::sys::{self, Reader, Writer};
use infiniservice_protocol::guest::{ChannelRole, GuestMessage};
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Connects to the port; `None` where it may be missing, and is.
pub(super) async fn connect(bulk: &Bulk) -> io::Result<Option<(Reader, Writer)>> {
    if !bulk.required && !bulk.path.exists() {
        return Ok(None);
    }
    match sys::connect(&bulk.path).await {
        Err(error) if bulk.required => {
            Err(io::Error::new(error.kind(), format!("its bulk port {}: {error}", bulk.path.display())))
        }
        opened => Ok(opened.ok()),
    }
}

/// Reads the port until it ends, which ends nothing else: the guest then goes on over the first port. The first byte sent is a
/// newline, by which the guest knows of a new host; what comes before `channel` is a predecessor's.
pub(super) async fn read_loop(
    port: (Reader, Writer),
    answers: mpsc::WeakSender<Outgoing>,
    shared: Arc<Shared>,
) {
    // The writer is kept: without it the other end would take the connection for closed.
    let (mut reader, mut writer) = port;
    if writer.write_all(b"\n").await.is_err() {
        return;
    }
    let mut lines = Lines::new(shared.compress);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut begun = false;
    while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        let bytes = chunk.get(..count).unwrap_or_default();
        take_chunk(&mut lines, bytes, &answers, &shared, |event| {
            if let Some(GuestMessage::Channel(start)) = event.message() {
                begun = start.role == ChannelRole::Bulk;
                shared.count(|stats| stats.has_bulk |= begun);
                return false;
            }
            shared.count(|stats| stats.bulk_lines += u64::from(begun));
            begun
        });
    }
    drop(writer);
}
