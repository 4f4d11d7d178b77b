//! OTLP over HTTP: what happens on the hub's loop is packed there, in small parts, and sent by a thread of its own. Neither waits
//! for the other.

mod answer;
mod client;
mod headers;
mod pump;
mod sender;
mod tls;

use crate::config::Otlp;
pub(super) use pump::start;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the end of the hub may take for what still waits to be sent.
const ENDING: Duration = Duration::from_secs(2);
/// Requests on their way from the loop to the thread.
const MAX_ON_THE_WAY: usize = 4;

/// Whether the receiver's address and the files of the settings can be used, by one connection.
///
/// # Errors
/// What is wrong.
pub(super) fn check(otlp: &Otlp) -> Result<(), String> {
    let client = client::Client::new(otlp)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let checked = runtime.block_on(client.check());
    runtime.shutdown_background();
    checked
}

/// What goes to the thread.
enum Part {
    /// A request.
    Batch(infiniservice_hub_core::otlp::Batch),
    /// Items that were lost before.
    Lost(infiniservice_hub_core::delivery::Signal, u64),
}

/// The thread that sends, and what feeds it.
pub(super) struct Exporter {
    feeding: tokio::task::JoinHandle<()>,
    thread: JoinHandle<()>,
}

impl Exporter {
    /// Ends it, after a last try to send what waits.
    pub(super) async fn end(self) {
        let Self { feeding, thread } = self;
        feeding.abort();
        // With the task the sending end of the channel goes.
        let _aborted = feeding.await;
        let _ended = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

/// The way to the thread.
type Parts = mpsc::Sender<Part>;
