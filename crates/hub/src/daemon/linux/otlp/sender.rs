//! The thread that compresses and sends.

use super::client::Client;
use super::{ENDING, Part};
use crate::daemon::linux::clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use infiniservice_hub_core::delivery::{Notice, Outcome, Packed, Queue, Signal, Status};
use infiniservice_hub_core::otlp::Batch;
use std::future::{Future, pending};
use std::io::Write as _;
use std::pin::Pin;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// A request on its way: it gives the client back.
type Sending = Pin<Box<dyn Future<Output = (Client, Packed, Outcome)>>>;

/// Sends until the other end of the channel is gone, and then what waits, for a short time.
pub(super) async fn run(
    mut parts: mpsc::Receiver<Part>,
    client: Client,
    mut queue: Queue,
    told: watch::Sender<Status>,
) {
    let is_compressed = client.is_compressed();
    let (mut idle, mut sending): (Option<Client>, Option<Sending>) = (Some(client), None);
    let mut end: Option<Instant> = None;
    loop {
        if let Some(client) = idle.take() {
            match queue.take(clock::now().mono) {
                Some(packed) => sending = Some(Box::pin(send(client, packed))),
                None if end.is_some() => return,
                None => idle = Some(client),
            }
        }
        let wait = queue.wait(clock::now().mono).filter(|_| sending.is_none());
        tokio::select! {
            part = parts.recv(), if end.is_none() => match part {
                Some(part) => take(&mut queue, part, is_compressed),
                None => end = Some(Instant::now() + ENDING),
            },
            (client, packed, outcome) = of(&mut sending) => {
                (idle, sending) = (Some(client), None);
                let signal = packed.signal;
                if let Some(notice) = queue.settle(clock::now().mono, packed, outcome, fastrand::f64()) {
                    tell(signal, &notice);
                }
            }
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => return,
        }
        told.send_replace(queue.status());
    }
}

async fn send(mut client: Client, packed: Packed) -> (Client, Packed, Outcome) {
    let outcome = client.send(&packed).await;
    (client, packed, outcome)
}

async fn of(sending: &mut Option<Sending>) -> (Client, Packed, Outcome) {
    match sending {
        Some(sending) => sending.await,
        None => pending().await,
    }
}

fn take(queue: &mut Queue, part: Part, is_compressed: bool) {
    match part {
        Part::Batch(Batch { signal, items, body }) => {
            let body = if is_compressed { compressed(&body) } else { body };
            queue.push(Packed { signal, items, body });
        }
        Part::Lost(signal, items) => queue.lost(signal, items),
    }
}

/// Quickly: the names of metrics and attributes are the same over and over.
fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    // Memory takes all that is written.
    let _infallible = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

fn tell(signal: Signal, notice: &Notice) {
    let signal = signal.name();
    match notice {
        Notice::Wrong(why) => log::warn!("OTLP: {signal}: {why}"),
        Notice::Works => log::info!("OTLP: {signal}: the receiver takes them again"),
    }
}
