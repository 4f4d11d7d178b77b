//! The one connection to one guest, for as long as its socket is there.

use super::clock;
use super::hub::Hub;
use super::outbox::Outbox;
use super::peer;
use infiniservice_hub_core::budget::Budget;
use infiniservice_protocol::LineDecoder;
use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{Interest, Ready};
use tokio::net::UnixStream;

/// Longest line of a guest: the contract's 4 MiB and some slack.
const MAX_LINE_BYTES: usize = (4 << 20) + (64 << 10);
/// Bytes read at once, into one buffer for all guests.
const CHUNK_BYTES: usize = 64 << 10;
/// Reads in a row before others have their turn.
const READS_IN_A_ROW: usize = 4;
/// Turns of reading after a write has failed: a mebibyte, more than a socket holds unless somebody goes on writing.
const LAST_READS: usize = 4;
/// How long is waited for what may be there.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// The time to the next try, doubled from one to the other.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

thread_local! {
    /// All guests are read by one thread, one after the other.
    static CHUNK: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK_BYTES]);
}

/// Connects again and again, until the task is ended because the socket is gone.
pub(super) async fn keep(hub: Rc<Hub>, name: Arc<str>, path: PathBuf) {
    let mut wait = BACK_OFF.0;
    loop {
        hub.pace().await;
        let reason = match UnixStream::connect(&path).await {
            Ok(stream) => {
                peer::compare(&name, &stream);
                let outbox = hub.connected(&name);
                let ended = serve(&hub, &name, &stream, &outbox).await;
                if ended.spoke {
                    wait = BACK_OFF.0;
                }
                ended.reason
            }
            Err(error) => format!("cannot connect to {}: {error}", path.display()),
        };
        hub.closed(&name, &reason);
        let jitter = fastrand::f64().mul_add(0.5, 0.75);
        tokio::time::sleep(wait.mul_f64(jitter)).await;
        wait = (wait * 2).min(BACK_OFF.1);
    }
}

struct Ended {
    reason: String,
    spoke: bool,
}

/// Reads and writes until the connection ends.
async fn serve(hub: &Hub, name: &Arc<str>, stream: &UnixStream, outbox: &Outbox) -> Ended {
    let mut decoder = LineDecoder::new(MAX_LINE_BYTES);
    let mut budget = Budget::new(clock::now().mono);
    let mut spoke = false;
    loop {
        let pause = budget.pause(clock::now().mono);
        let ready = tokio::select! {
            ready = stream.ready(interest(pause.is_none(), !outbox.is_empty())), if pause.is_none() || !outbox.is_empty() => ready,
            () = outbox.changed() => Ok(Ready::WRITABLE),
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => Ok(Ready::EMPTY),
        };
        let done = ready.and_then(|ready| {
            if ready.is_writable() {
                outbox.write_to(stream)?;
            }
            if ready.is_readable() || ready.is_read_closed() {
                read(hub, name, stream, &mut decoder, &mut budget)
            } else {
                Ok(false)
            }
        });
        match done {
            Ok(read) => spoke |= read,
            Err(error) => {
                spoke |= read_the_rest(hub, name, stream, &mut decoder).await;
                return Ended { reason: reason(&error), spoke };
            }
        }
        tokio::task::consume_budget().await;
    }
}

/// What the socket is asked for: to write where something waits, to read where the guest has something left of its budget.
fn interest(read: bool, write: bool) -> Interest {
    match (read, write) {
        (true, true) => Interest::READABLE | Interest::WRITABLE,
        (false, true) => Interest::WRITABLE,
        _ => Interest::READABLE,
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the other end closed it".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads what a guest said before it closed the connection: a write that fails tells that earlier than a read. Whether there was
/// anything.
async fn read_the_rest(hub: &Hub, name: &Arc<str>, stream: &UnixStream, decoder: &mut LineDecoder) -> bool {
    let (mut budget, mut spoke) = (Budget::new(clock::now().mono), false);
    for _ in 0..LAST_READS {
        // What this task knows of the socket is older than the failure.
        let Ok(Ok(())) = tokio::time::timeout(LAST_WAIT, stream.readable()).await else { return spoke };
        match read(hub, name, stream, decoder, &mut budget) {
            Ok(read) => spoke |= read,
            Err(_) => return spoke,
        }
    }
    spoke
}

/// Reads what is there; whether there was anything.
fn read(
    hub: &Hub,
    name: &Arc<str>,
    stream: &UnixStream,
    decoder: &mut LineDecoder,
    budget: &mut Budget,
) -> io::Result<bool> {
    CHUNK.with_borrow_mut(|chunk| {
        for n in 0..READS_IN_A_ROW {
            match stream.try_read(chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    budget.spend(clock::now().mono, count);
                    take(hub, name, chunk.get(..count).unwrap_or_default(), decoder);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(n > 0),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    })
}

fn take(hub: &Hub, name: &Arc<str>, bytes: &[u8], decoder: &mut LineDecoder) {
    hub.spoke(name);
    decoder.push(bytes);
    while let Some(item) = decoder.next() {
        hub.line(name, item);
    }
}
