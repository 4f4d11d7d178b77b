//! The one connection to one guest, for as long as its socket is there.

use super::claim::{Claim, Socket};
use super::clock;
use super::connection::{Beginning, Way};
use super::hub::Hub;
use super::qemu::Peer;
use super::store::Kept;
use infiniservice_hub_core::budget::Budget;
use infiniservice_protocol::LineDecoder;
use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{Interest, Ready};
use tokio::net::UnixStream;

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
pub(super) async fn keep(hub: Rc<Hub>, socket: Socket, claim: Rc<Claim>, kept: Option<Kept>) {
    let mut wait = BACK_OFF.0;
    let mut opened = kept.map(|kept| of_another_hub(&hub, kept));
    loop {
        let next = match opened.take() {
            Some(opened) => Ok(opened),
            None => open(&hub, &socket, &claim).await,
        };
        let ended = match next {
            Ok(opened) => one(&hub, &socket, &claim, opened).await,
            Err(reason) => Ended { reason, spoke: false },
        };
        if let Some(name) = claim.name() {
            hub.closed(&name, &ended.reason);
        }
        if ended.spoke {
            wait = BACK_OFF.0;
        }
        let jitter = fastrand::f64().mul_add(0.5, 0.75);
        tokio::time::sleep(wait.mul_f64(jitter)).await;
        wait = (wait * 2).min(BACK_OFF.1);
    }
}

struct Opened {
    stream: UnixStream,
    beginning: Beginning,
}

/// The connection that another hub left.
fn of_another_hub(hub: &Hub, Kept { stream, left }: Kept) -> Opened {
    hub.connects.took_over();
    let beginning = left.map_or(Beginning::Found, |left| Beginning::Left(Box::new(left)));
    Opened { stream, beginning }
}

/// A new connection, in its turn. Whose socket has no name of its own is not connected.
async fn open(hub: &Rc<Hub>, socket: &Socket, claim: &Claim) -> Result<Opened, String> {
    claim.until_free(hub).await;
    if claim.name().is_some() || !socket.may_be_short {
        claim.wait_for(hub, socket, claim.name().as_deref().unwrap_or(&socket.vm)).await;
    }
    hub.connects.turn().await;
    let path = &socket.path;
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Opened { stream, beginning: Beginning::New }),
        Err(error) => {
            claim.wait_for(hub, socket, claim.name().as_deref().unwrap_or(&socket.vm)).await;
            Err(format!("cannot connect to {}: {error}", path.display()))
        }
    }
}

/// One connection, to its end. systemd's copy of it ends with it.
async fn one(hub: &Rc<Hub>, socket: &Socket, claim: &Claim, opened: Opened) -> Ended {
    let done = one_in_its_place(hub, socket, claim, opened).await;
    hub.store.forget(&socket.path);
    done.unwrap_or_else(|reason| Ended { reason, spoke: false })
}

async fn one_in_its_place(
    hub: &Rc<Hub>,
    socket: &Socket,
    claim: &Claim,
    Opened { stream, beginning }: Opened,
) -> Result<Ended, String> {
    let peer = Peer::of(&stream);
    let whole = if socket.may_be_short { peer.whole_name(&socket.vm).await } else { None };
    let name = claim.at_once(hub, socket, whole.as_deref().unwrap_or(&socket.vm));
    let name = name.ok_or("another socket has its name")?;
    let _place = hub.connects.place()?;
    if matches!(beginning, Beginning::New) {
        hub.store.keep(&socket.path, &stream);
    }
    let goes_on = matches!(beginning, Beginning::Left(_));
    let way = hub.connected(&name, &socket.path, &stream, beginning);
    let aside = async {
        peer.tell(hub, &name).await;
        if goes_on {
            hub.connects.turn().await;
            hub.ask_for_figures(&name);
        }
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        ended = serve(hub, &name, &stream, &way) => Ok(ended),
        never = aside => match never {},
    }
}

struct Ended {
    reason: String,
    spoke: bool,
}

/// Reads and writes until the connection ends.
async fn serve(hub: &Hub, name: &Arc<str>, stream: &UnixStream, way: &Way) -> Ended {
    let outbox = &*way.outbox;
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
                read(hub, name, stream, &way.decoder, &mut budget)
            } else {
                Ok(false)
            }
        });
        match done {
            Ok(read) => spoke |= read,
            Err(error) => {
                spoke |= read_the_rest(hub, name, stream, &way.decoder).await;
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
async fn read_the_rest(
    hub: &Hub,
    name: &Arc<str>,
    stream: &UnixStream,
    decoder: &RefCell<LineDecoder>,
) -> bool {
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
    decoder: &RefCell<LineDecoder>,
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

fn take(hub: &Hub, name: &Arc<str>, bytes: &[u8], decoder: &RefCell<LineDecoder>) {
    hub.spoke(name);
    decoder.borrow_mut().each(bytes, |line| hub.line(name, line));
}
