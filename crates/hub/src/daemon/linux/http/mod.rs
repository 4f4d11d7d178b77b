//! The HTTP API: on the Unix socket all of it, on TCP what only reads.

mod api;
mod events;
mod hub;
mod jobs;
mod metrics;
mod page;
mod reply;
mod sse;
mod table;
mod view;

use super::hub::Hub;
use super::peer::Actor;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

/// Connections at one time, of each of the two.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may take for the head of its request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// What is answered with.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Who asks.
#[derive(Clone, Debug)]
enum From {
    /// Over the Unix socket.
    Local(Actor),
    /// Over TCP: nobody in particular, who may read figures.
    Network,
}

/// Serves the Unix socket.
pub(super) async fn serve_unix(hub: Rc<Hub>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => match Actor::of(&stream) {
                Ok(actor) => connection(&hub, stream, From::Local(actor), place),
                Err(error) => log::warn!("{error}"),
            },
            Err(error) => pause(&error).await,
        }
    }
}

/// Serves TCP, where an address is set.
pub(super) async fn serve_tcp(hub: Rc<Hub>, listener: Option<TcpListener>) {
    let Some(listener) = listener else { return };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => connection(&hub, stream, From::Network, place),
            Err(error) => pause(&error).await,
        }
    }
}

/// No descriptor is free, or the like: others end meanwhile.
async fn pause(error: &std::io::Error) {
    log::warn!("cannot accept a connection: {error}");
    tokio::time::sleep(Duration::from_secs(1)).await;
}

fn connection<S>(hub: &Rc<Hub>, stream: S, from: From, place: impl Sized + 'static)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let hub = Rc::clone(hub);
    tokio::task::spawn_local(async move {
        let _place = place;
        let service = service_fn(move |request| answer(Rc::clone(&hub), from.clone(), request));
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
            log::debug!("a connection of the API ended: {error}");
        }
    });
}

async fn answer(hub: Rc<Hub>, from: From, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(api::answer(&hub, &from, request).await)
}
