//! Where no cgroup holds a program's descendants: they are found in the process table. There the agent is their subreaper
//! (`PR_SET_CHILD_SUBREAPER`), so that orphans come to it and not to init.
//!
//! One that left its session, its parents and its environment behind is told from another command's only where no other
//! runs, and from others' only where the agent had no children before and is not the first process of its namespace; then it
//! is ended, too.

use super::process_table::{self, Kinship, ProcessRow, me, now};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_platform::reactor_unsafe::register;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, set_child_subreaper};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const TAG: &str = "INFINISERVICE_COMMAND";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How long one look at the process table may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long a run that is given up waits for its processes to be killed.
const PARTING: Duration = Duration::from_millis(250);

/// The programs that run, and whether this process has other children beside them.
#[derive(Debug)]
pub(super) struct Subreaper {
    leaders: Mutex<HashSet<i32>>,
    /// Stray children can only be commands'.
    sole: bool,
    /// Ended children that are no leaders are nobody else's to collect.
    collects: bool,
}

impl Subreaper {
    /// Of the agent: those that are its children already are not its commands', and neither are their orphans; nor is what comes
    /// to the first process of a namespace.
    pub(super) fn of_the_agent() -> Self {
        let children = process_table::read().into_iter().filter(|row| row.parent == me()).count();
        if children > 0 {
            log::info!(
                "the agent was started with {children} child processes: it identifies orphans of commands \
                 by their environment"
            );
        }
        Self { leaders: Mutex::default(), sole: children == 0 && me() != 1, collects: true }
    }

    pub(super) fn others_have_children_too() -> Self {
        Self { leaders: Mutex::default(), sole: false, collects: false }
    }

    fn change(&self, change: impl FnOnce(&mut HashSet<i32>) -> bool) {
        change(&mut self.leaders.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn others(&self, leader: i32) -> HashSet<i32> {
        let leaders = self.leaders.lock().unwrap_or_else(PoisonError::into_inner);
        leaders.iter().copied().filter(|other| *other != leader).collect()
    }
}

/// One program and its descendants.
#[derive(Debug)]
pub(super) struct Tree {
    subreaper: Arc<Subreaper>,
    tag: String,
    anywhere: bool,
    leader: Option<i32>,
    /// Since then it may have begun, and until then it has.
    born: (u64, u64),
    seen: HashSet<(i32, u64)>,
    /// None was left: there is nobody who could start another.
    over: bool,
}

impl Tree {
    /// The agent adopts the orphans.
    pub(super) fn new(subreaper: Arc<Subreaper>) -> Self {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            log::debug!("orphans are reparented to init: {error}");
        }
        Self::with(subreaper, false)
    }

    /// Beside a cgroup, for those who leave it with another's help. Their orphans go to whom they go.
    pub(super) fn beside_a_group() -> Self {
        Self::with(Arc::new(Subreaper::others_have_children_too()), true)
    }

    fn with(subreaper: Arc<Subreaper>, anywhere: bool) -> Self {
        let tag = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let began = now();
        Self {
            subreaper,
            tag,
            anywhere,
            leader: None,
            born: (began, began),
            seen: HashSet::new(),
            over: false,
        }
    }

    pub(super) fn tag(&self) -> (&'static str, String) {
        (TAG, self.tag.clone())
    }

    pub(super) fn started(&mut self, pid: Option<u32>) {
        self.born.1 = now();
        self.leader = pid.and_then(|pid| i32::try_from(pid).ok());
        if let Some(leader) = self.leader {
            self.subreaper.change(|leaders| leaders.insert(leader));
        }
    }

    pub(super) async fn terminate(&mut self) {
        self.ask(|kinship| kinship.signal(Signal::TERM)).await;
    }

    pub(super) async fn kill(&mut self) {
        self.ask(|kinship| kinship.signal(Signal::KILL)).await;
    }

    /// Whether none runs any more.
    pub(super) async fn is_empty(&mut self) -> bool {
        let members = self.ask(Kinship::look).await;
        // Where nobody could look, nothing is known.
        self.over = members.is_some_and(|members| members.iter().all(|row| row.zombie));
        self.over
    }

    /// Resolves when those that run now have ended; never where that cannot be found out.
    pub(super) async fn emptied(&mut self) {
        match self.ask(Kinship::look).await {
            Some(members) => {
                for row in members.into_iter().filter(|row| !row.zombie) {
                    exit_of(row.pid).await;
                }
            }
            None => std::future::pending().await,
        }
    }

    /// Away from the main thread: what is read of other processes may hang.
    async fn ask(&mut self, work: fn(&Kinship) -> Vec<ProcessRow>) -> Option<Vec<ProcessRow>> {
        let Some(kinship) = self.kinship() else { return Some(Vec::new()) };
        let asked = blocking::run(Lane::Processes, "process table", TIMEOUT, move || work(&kinship)).await;
        match asked {
            Ok(members) => {
                self.seen = members.iter().map(|row| (row.pid, row.began)).collect();
                Some(members)
            }
            Err(error) => {
                log::debug!("cannot determine a command's processes: {error}");
                None
            }
        }
    }

    /// `None` where nothing was started.
    fn kinship(&self) -> Option<Kinship> {
        let leader = self.leader?;
        let others = self.subreaper.others(leader);
        Some(Kinship {
            variable: format!("{TAG}={}", self.tag),
            leader,
            born: self.born,
            strays: self.subreaper.sole && others.is_empty(),
            anywhere: self.anywhere,
            others,
            collects: self.subreaper.collects,
            seen: self.seen.clone(),
        })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(kinship) = self.kinship().filter(|_| !self.over)
            && let Ok(asked) =
                blocking::ask(Lane::Processes, "process table", move || drop(kinship.signal(Signal::KILL)))
        {
            // The agent may be ending, and its threads with it.
            let _ = asked.wait(Instant::now() + PARTING);
        }
        if let Some(leader) = self.leader {
            self.subreaper.change(|leaders| leaders.remove(&leader));
        }
    }
}

/// Resolves when the process has ended, at once where there is none; never where the kernel does not say.
pub(super) async fn exit_of(pid: i32) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    let opened = pidfd_open(pid, PidfdFlags::NONBLOCK);
    if opened.as_ref().is_err_and(|errno| *errno == Errno::SRCH) {
        return;
    }
    let registered = opened.map_err(Into::into).and_then(register);
    let ended = match &registered {
        Ok(fd) => fd.readable().await.map(drop).is_ok(),
        Err(_) => false,
    };
    if !ended {
        std::future::pending::<()>().await;
    }
}
