//! The two tasks of a connection: one reads, one writes. Neither ever waits for the other.

use super::ends::{Incoming, Outlet};
use super::event::{Content, Event};
use super::pending::FIRST_PING;
use super::shared::Shared;
use crate::text::sanitize;
use infiniservice_protocol::compression::{Decoder, Garbled};
use infiniservice_protocol::guest::{GuestMessage, KeepAlive};
use infiniservice_protocol::{ErrorCode, HostMessage, LineDecoder, LineItem};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Longest line that is taken from a guest: the contract's 4 MiB and some slack.
pub const MAX_GUEST_LINE_BYTES: usize = (4 << 20) + (64 << 10);
/// Lines that may wait to be written.
pub(super) const MAX_QUEUED_WRITES: usize = 64;
/// Bytes read at once.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Bytes for the guest, and whom to tell once they are written.
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
    pub(super) written: Option<oneshot::Sender<()>>,
}

/// Writes what is queued until the queue or the connection ends.
pub(super) async fn write_loop(mut writer: Outlet, mut queue: mpsc::Receiver<Outgoing>, shared: Arc<Shared>) {
    while let Some(outgoing) = queue.recv().await {
        if let Err(error) = writer.write_all(&outgoing.bytes).await {
            return shared.end(format!("it cannot be written to: {error}"));
        }
        shared.count(|stats| stats.bytes_written += outgoing.bytes.len() as u64);
        if let Some(written) = outgoing.written {
            let _nobody_waits = written.send(());
        }
    }
}

/// Reads lines until the connection ends. Heartbeats are answered through `answers`.
pub(super) async fn read_loop(
    mut reader: Incoming,
    answers: mpsc::WeakSender<Outgoing>,
    shared: Arc<Shared>,
) {
    let mut lines = Lines::new(shared.compress);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut reading = shared.reading.subscribe();
    loop {
        let allowed = *reading.borrow_and_update();
        let read = tokio::select! {
            biased;
            _ = reading.changed() => continue,
            read = reader.read(&mut chunk), if allowed => read,
        };
        match read {
            Ok(0) => return shared.end("the other end closed it"),
            Ok(count) => {
                let bytes = chunk.get(..count).unwrap_or_default();
                take_chunk(&mut lines, bytes, &answers, &shared, |_event| true);
            }
            Err(error) => return shared.end(format!("it cannot be read: {error}")),
        }
    }
}

/// What is known of the guest's lines so far.
pub(super) struct Lines {
    decoder: LineDecoder,
    /// Where compressed ones are asked for.
    compressed: Option<Decoder>,
}

impl Lines {
    pub(super) fn new(compressed: bool) -> Self {
        let compressed = compressed.then(|| Decoder::new(MAX_GUEST_LINE_BYTES));
        Self { decoder: LineDecoder::new(MAX_GUEST_LINE_BYTES), compressed }
    }

    /// The line within a compressed one; `None` for any other.
    fn within(&mut self, line: &str) -> Result<Option<String>, Garbled> {
        self.compressed.as_mut().map_or(Ok(None), |decoder| decoder.decode(line))
    }
}

/// Takes what was read: the lines in it that are `taken` are those of the guest.
pub(super) fn take_chunk(
    lines: &mut Lines,
    chunk: &[u8],
    answers: &mpsc::WeakSender<Outgoing>,
    shared: &Shared,
    mut taken: impl FnMut(&Event) -> bool,
) {
    shared.count(|stats| stats.bytes_read += chunk.len() as u64);
    shared.spoken.send_if_modified(|spoken| !std::mem::replace(spoken, true));
    lines.decoder.push(chunk);
    while let Some(item) = lines.decoder.next() {
        let event = Arc::new(to_event(item, lines, answers, shared));
        if !taken(&event) {
            continue;
        }
        count(&event, shared);
        refused(&event, shared);
        if let Some(GuestMessage::KeepAlive(beat)) = event.message() {
            answer_heartbeat(beat, answers, shared);
        }
        shared.deliver(&event);
    }
}

fn to_event(
    item: LineItem,
    lines: &mut Lines,
    answers: &mpsc::WeakSender<Outgoing>,
    shared: &Shared,
) -> Event {
    let received = Instant::now();
    let malformed = |reason: String| Event::malformed(String::new(), reason, received);
    match item {
        LineItem::Line(line) => match lines.within(&line) {
            Ok(None) => shared.read(line, received),
            Ok(Some(within)) => {
                shared.count(|stats| stats.compressed += 1);
                shared.read(within, received)
            }
            Err(error) => {
                send(&HostMessage::ZReset, answers, shared);
                Event::malformed(line, error.to_string(), received)
            }
        },
        LineItem::TooLong { bytes } => {
            malformed(format!("the guest's line is too long: {bytes} bytes and more"))
        }
        LineItem::InvalidUtf8 { valid_up_to, .. } => {
            malformed(format!("the guest's line is not UTF-8 at byte {valid_up_to}"))
        }
    }
}

/// Whether it could be sent: a guest that takes nothing costs the line, as waiting here would stop the reading.
fn send(message: &HostMessage, answers: &mpsc::WeakSender<Outgoing>, shared: &Shared) -> bool {
    let bytes = shared.encode(message);
    answers.upgrade().is_some_and(|queue| queue.try_send(Outgoing { bytes, written: None }).is_ok())
}

fn count(event: &Event, shared: &Shared) {
    shared.count(|stats| {
        stats.lines += 1;
        stats.last_line = Some(event.received);
        match &event.content {
            Content::Malformed { reason } => {
                stats.malformed += 1;
                stats.last_malformed = Some(sanitize::brief(reason));
            }
            Content::Unknown { .. } => stats.unknown += 1,
            Content::Message(GuestMessage::Error(message)) => {
                stats.errors += 1;
                stats.last_error = Some(message.error.clone());
                if message.error_code == ErrorCode::SignatureInvalid {
                    stats.refused_signature = Some(message.error.clone());
                }
            }
            Content::Message(_) => {}
        }
    });
}

/// A guest that refuses lines for their signature, or does not know their type, need not know whose they were.
fn refused(event: &Event, shared: &Shared) {
    let Some(GuestMessage::Error(message)) = event.message() else { return };
    if matches!(message.error_code, ErrorCode::SignatureInvalid | ErrorCode::UnknownType) {
        shared.refused.send_replace(Some((message.error_code, message.error.clone())));
    }
}

/// A host answers each heartbeat with its number. The answer to a ping of ours is no heartbeat.
fn answer_heartbeat(beat: &KeepAlive, answers: &mpsc::WeakSender<Outgoing>, shared: &Shared) {
    if beat.sequence_number >= FIRST_PING {
        return;
    }
    let answer = HostMessage::KeepAliveResponse { sequence_number: beat.sequence_number };
    let sent = shared.answers_heartbeats() && send(&answer, answers, shared);
    shared.count(|stats| {
        stats.heartbeats += 1;
        stats.heartbeats_unanswered += u64::from(!sent);
    });
}
