//! The API on TCP with mutual TLS: who connects is who its certificate says.
//!
//! A handshake costs the hub more than its client, and one that is never finished costs the client nothing. So each has its
//! time, and of more than [`MAX_UNFINISHED`] the oldest is dropped: an honest one is over in milliseconds.

mod files;
mod names;

pub(super) use files::Certificates;

use super::clock;
use super::http;
use super::hub::Hub;
use super::peer::Actor;
use infiniservice_hub_core::event::Allowance;
use infiniservice_hub_core::served::Handshake;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes at one time.
const MAX_UNFINISHED: usize = 64;

/// Handshakes that go on, by the order in which they began.
#[derive(Default)]
struct Unfinished {
    all: RefCell<BTreeMap<u64, AbortHandle>>,
    /// How much is told of those that fail: anybody may begin one.
    failures: RefCell<Allowance>,
}

impl Unfinished {
    /// Adds one; whether the oldest had to go for it.
    fn push(&self, number: u64, task: AbortHandle) -> bool {
        let mut all = self.all.borrow_mut();
        all.insert(number, task);
        let oldest = if all.len() > MAX_UNFINISHED { all.pop_first() } else { None };
        oldest.is_some_and(|(_, task)| {
            task.abort();
            true
        })
    }

    fn remove(&self, number: u64) {
        self.all.borrow_mut().remove(&number);
    }

    fn tell(&self, from: SocketAddr, error: &std::io::Error) {
        match self.failures.borrow_mut().take(clock::now().mono) {
            Some(0) => log::info!("{from}: no TLS connection: {error}"),
            Some(more) => log::info!("{from}: no TLS connection, as {more} before it: {error}"),
            None => {}
        }
    }
}

/// Serves clients for as long as the hub runs.
pub(super) async fn serve(hub: Rc<Hub>, listener: Option<(TcpListener, Certificates)>) {
    let Some((listener, certificates)) = listener else { return };
    if let Ok(address) = listener.local_addr() {
        log::info!("clients with certificates are served on https://{address}");
    }
    let (unfinished, places) = (Rc::new(Unfinished::default()), http::Places::default());
    for number in 0.. {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                http::pause(&error).await;
                continue;
            }
        };
        let acceptor = TlsAcceptor::from(certificates.current());
        let (own, waiting, places) = (Rc::clone(&hub), Rc::clone(&unfinished), places.clone());
        let task = tokio::task::spawn_local(async move {
            let done = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await;
            waiting.remove(number);
            let outcome = match done {
                Ok(Ok(stream)) => begin(&own, stream, from, &places),
                Ok(Err(error)) => {
                    waiting.tell(from, &error);
                    Handshake::Failed
                }
                Err(_late) => Handshake::Late,
            };
            own.shaken(outcome);
        });
        if unfinished.push(number, task.abort_handle()) {
            hub.shaken(Handshake::Displaced);
        }
    }
}

fn begin(hub: &Rc<Hub>, stream: TlsStream<TcpStream>, from: SocketAddr, places: &http::Places) -> Handshake {
    let sans = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(names::of);
    let actor = Actor::certified(sans.unwrap_or_default(), &from.to_string());
    if http::serve_certified(hub, stream, actor, places) { Handshake::Done } else { Handshake::Full }
}
