//! What happens beside commands and their answers, for hosts that want to be told.

use infiniservice_protocol::data::{PackageChange, ScriptInfo};
use std::time::Duration;
use tokio::sync::mpsc;

/// News that may wait for the main loop.
const WAITING_MAX: usize = 256;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A script was not taken, or will not be run.
    ScriptRefused {
        /// Which run.
        execution_id: String,
        /// 126 where it may not run here, 127 where it cannot.
        exit_code: i32,
        /// Why.
        why: String,
    },
    /// A script began.
    ScriptStarted(Box<ScriptInfo>),
    /// A script ended.
    ScriptEnded {
        /// How.
        info: Box<ScriptInfo>,
        /// How long it ran.
        took: Duration,
        /// What it wrote, in bytes.
        output_bytes: u64,
    },
    /// What a script that has ended came to, where a host is to be told: one at a time, the next once
    /// [`super::Scripts::told`] says that this one was.
    Completion(Box<Completion>),
    /// No script waits or runs any more.
    ScriptsDone,
    /// A change of packages ended that a host had no patience for.
    ChangeEnded(Box<PackageChange>),
}

/// How a script ended, with what it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// What [`super::Scripts::told`] is given.
    pub number: u64,
    /// All else that is known of it.
    pub info: ScriptInfo,
    /// Its output, at most as much as is kept.
    pub stdout: String,
    /// Its error output, and why it did not end by itself.
    pub stderr: String,
}

/// The channel for news.
pub fn news_channel() -> (mpsc::Sender<News>, mpsc::Receiver<News>) {
    mpsc::channel(WAITING_MAX)
}
