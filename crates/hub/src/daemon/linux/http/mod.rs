//! The HTTP API: on the Unix socket and for certificates all of it, on plain TCP what only reads.

mod api;
mod events;
mod host;
mod hub;
mod jobs;
mod metrics;
#[cfg(test)]
mod openapi;
mod page;
mod progress;
mod reply;
mod shapes;
mod sse;
mod table;
mod view;
mod wire;

use super::hub::Hub;
use super::peer::Actor;
#[cfg(feature = "nats")]
pub(super) use host::misdirected;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(feature = "nats")]
pub(super) use metrics::answer as scraped;
#[cfg(feature = "nats")]
pub(super) use metrics::{Scrape, Scraped, Unanswered, What};
use progress::{Progress, TAKES_WITHIN};
#[cfg(feature = "nats")]
pub(super) use reply::{TEXT, body, nothing, only_read};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

/// Connections at one time, of each of the three.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may take for the head of its request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// What is answered with.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// Somebody who is known: over the Unix socket, or by a certificate.
    Known(Actor),
    /// Over TCP: nobody in particular, who may read figures.
    Network,
}

impl From {
    /// Who it is.
    const fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Known(actor) => Some(actor),
            Self::Network => None,
        }
    }
}

/// What is served.
pub(super) trait Site: 'static {
    /// Answers a request.
    fn answer(self: Rc<Self>, from: From, request: Request<Incoming>)
    -> impl Future<Output = Response<Body>>;

    /// A client was let go that took nothing of its answer.
    fn let_go(&self);
}

impl Site for Hub {
    async fn answer(self: Rc<Self>, from: From, request: Request<Incoming>) -> Response<Body> {
        api::answer(&self, &from, request).await
    }

    fn let_go(&self) {
        self.unread();
    }
}

/// Connections that may be served beside each other.
#[derive(Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_CONNECTIONS)))
    }
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(actor) => actor.fmt(f),
            Self::Network => f.write_str("somebody over TCP"),
        }
    }
}

/// Serves the Unix socket.
pub(super) async fn serve_unix(hub: Rc<Hub>, listener: UnixListener) {
    let places = Places::default();
    loop {
        let Ok(place) = Arc::clone(&places.0).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => match Actor::of(&stream) {
                Ok(actor) => connection(&hub, stream, From::Known(actor), place),
                Err(error) => log::warn!("{error}"),
            },
            Err(error) => pause(&error).await,
        }
    }
}

/// Serves TCP, where an address is set.
pub(super) async fn serve_tcp(site: Rc<impl Site>, listener: Option<TcpListener>) {
    let Some(listener) = listener else { return };
    let places = Places::default();
    loop {
        let Ok(place) = Arc::clone(&places.0).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => connection(&site, stream, From::Network, place),
            Err(error) => pause(&error).await,
        }
    }
}

/// Serves one whose certificate was looked at; whether there is a place.
pub(super) fn serve_certified<S>(hub: &Rc<Hub>, stream: S, actor: Actor, places: &Places) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let place = Arc::clone(&places.0).try_acquire_owned();
    place.map(|place| connection(hub, stream, From::Known(actor), place)).is_ok()
}

/// No descriptor is free, or the like: others end meanwhile.
pub(super) async fn pause(error: &std::io::Error) {
    log::warn!("cannot accept a connection: {error}");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

fn connection<S>(site: &Rc<impl Site>, stream: S, from: From, place: impl Sized + 'static)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let site = Rc::clone(site);
    tokio::task::spawn_local(async move {
        let _place = place;
        let name = from.to_string();
        let own = Rc::clone(&site);
        let service = service_fn(move |request| {
            let answer = Rc::clone(&own).answer(from.clone(), request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        let io = TokioIo::new(Progress::new(stream));
        match builder.serve_connection(io, service).with_upgrades().await {
            Err(error) if took_nothing(&error) => {
                site.let_go();
                log::info!(
                    "{name} took nothing of an answer for {} s and was let go",
                    TAKES_WITHIN.as_secs()
                );
            }
            Err(error) => log::debug!("a connection of the API ended: {error}"),
            Ok(()) => {}
        }
    });
}

/// Whether writing ended because nothing was taken.
fn took_nothing(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|it| it.downcast_ref::<std::io::Error>());
    cause.is_some_and(|it| it.kind() == std::io::ErrorKind::TimedOut)
}
