//! Carries out the commands of the QEMU guest agent's protocol that [`infiniservice_qga::Session`] has understood and allowed.
//!
//! Each command is a task of its own, so that the loop that owns the session never waits for one. What may hang in the kernel
//! runs on the bounded threads of `platform::blocking`.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod errors;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod nothing;
#[cfg(not(target_os = "linux"))]
use nothing as system;

pub use system::{ABSENT, IS_SERVED, rival};

use infiniservice_qga::table::Row;
use infiniservice_qga::{Error, Reply, Request, Token};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Results that wait to be taken. The session hands on few commands at a time; those beyond wait in their tasks.
const RESULTS: usize = 16;

/// A command that ended.
#[derive(Debug)]
pub struct Finished {
    /// Which one.
    pub token: Token,
    /// Its row of the table.
    pub row: &'static Row,
    /// What came of it.
    pub result: Result<Reply, Error>,
    /// How long it took.
    pub took: Duration,
}

/// Starts commands. To be used inside a tokio runtime.
#[derive(Debug)]
pub struct Commands {
    context: Arc<system::Context>,
    tell: mpsc::Sender<Finished>,
}

impl Commands {
    /// For this machine, with the results that come.
    pub fn of_this_machine() -> (Self, mpsc::Receiver<Finished>) {
        let (tell, results) = mpsc::channel(RESULTS);
        (Self { context: Arc::default(), tell }, results)
    }

    /// Starts one command. Its end is told by one result, also where its task dies.
    pub fn start(&self, token: Token, row: &'static Row, request: Request) {
        let (context, tell, begun) = (Arc::clone(&self.context), self.tell.clone(), Instant::now());
        let run = tokio::spawn(async move { system::run(request, &context).await });
        tokio::spawn(async move {
            let died = |_| Err(Error::generic(format!("the command {} failed inside the agent", row.name)));
            let result = run.await.unwrap_or_else(died);
            // Nobody takes it once the agent ends.
            let _ = tell.send(Finished { token, row, result, took: begun.elapsed() }).await;
        });
    }
}
