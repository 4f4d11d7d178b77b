//! Carries out the commands of the QEMU guest agent's protocol that [`infiniservice_qga::Session`] has understood and allowed.
//!
//! Each command is a task of its own, so that the loop that owns the session never waits for one. What may hang in the kernel
//! runs on the bounded threads of `platform::blocking`.
#![forbid(unsafe_code)]

#[cfg(any(target_os = "linux", target_os = "windows"))]
#[cfg(any(target_os = "linux", target_os = "windows"))]
mod files;
#[cfg(any(target_os = "linux", target_os = "windows"))]
mod network;
#[cfg(any(target_os = "linux", target_os = "windows"))]
mod programs;
#[cfg(any(target_os = "linux", target_os = "windows"))]
mod work;

#[cfg(target_os = "linux")]
#[path = "places/linux.rs"]
mod places;
#[cfg(target_os = "windows")]
#[path = "places/windows.rs"]
mod places;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "windows")]
mod windows;
#[cfg(target_os = "windows")]
use windows as system;
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
mod nothing;
#[cfg(not(any(target_os = "linux", target_os = "windows")))]
use nothing as system;

pub use system::{
    HOLDERS_ARE_KNOWN, IS_SERVED, PLATFORM, close_gate_if_frozen, configurations, recover, rival,
};

use infiniservice_exec::Runner;
use infiniservice_qga::table::Row;
use infiniservice_qga::{Error, FreezeState, Reply, Request, Token};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What waits to be taken. The session hands on few commands at a time; those beyond wait in their tasks.
const WAITING: usize = 16;

/// The operator's choice.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of freezes.
    pub freeze: FreezeSettings,
}

/// How file systems are frozen.
#[derive(Clone, Debug, Default)]
pub struct FreezeSettings {
    /// Started with `freeze` before and with `thaw` after.
    pub hook: Option<PathBuf>,
    /// After this long the agent thaws by itself; zero: never.
    pub longest: Duration,
    /// Where it is kept that something is frozen; by default in `/run`.
    pub marker: Option<PathBuf>,
}

/// Something that the session is to be told.
#[derive(Debug)]
pub enum Happened {
    /// A command ended.
    Finished(Box<Finished>),
    /// File systems are about to be frozen or thawed, or are.
    Freeze(FreezeState),
}

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
    tell: mpsc::Sender<Happened>,
}

impl Commands {
    /// For this machine, with what happens. An agent before this one may have left something behind: that is told first.
    pub fn new(settings: Settings, runner: Arc<dyn Runner>) -> (Self, mpsc::Receiver<Happened>) {
        let (tell, happened) = mpsc::channel(WAITING);
        let context = Arc::new(system::Context::new(settings, runner, tell.clone()));
        let begun = Arc::clone(&context);
        tokio::spawn(async move { begun.begin().await });
        (Self { context, tell }, happened)
    }

    /// Other settings, from the next freeze on.
    pub fn set_settings(&self, settings: Settings) {
        self.context.set_settings(settings);
    }

    /// Starts one command. Its end is told by one result, also where its task dies.
    pub fn start(&self, token: Token, row: &'static Row, request: Request) {
        let (context, tell, begun) = (Arc::clone(&self.context), self.tell.clone(), Instant::now());
        let run = tokio::spawn(async move { system::run(request, &context).await });
        tokio::spawn(async move {
            let died = |_| Err(Error::generic(format!("the command {} failed inside the agent", row.name)));
            let result = run.await.unwrap_or_else(died);
            let finished = Finished { token, row, result, took: begun.elapsed() };
            // Nobody takes it once the agent ends.
            let _ = tell.send(Happened::Finished(Box::new(finished))).await;
        });
    }

    /// Leaves nothing behind that only this agent could undo: thaws what is frozen.
    pub fn ending(&self) -> impl Future<Output = ()> + use<> {
        let context = Arc::clone(&self.context);
        async move { context.end().await }
    }
}
