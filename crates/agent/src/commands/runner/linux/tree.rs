//! Without a cgroup: a program's descendants are found in the process table, by parent, session, or a variable that they inherit.
//! The agent is their subreaper (`PR_SET_CHILD_SUBREAPER`), so that orphans come to it and not to init.
//!
//! One that left its session, its parents and its environment behind is told from another command's only where no other
//! runs; then it is ended, too.

use super::exit;
use super::process_table::{self, Kin};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const TAG: &str = "INFINISERVICE_COMMAND";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The programs that run, and whether this process has other children beside them.
#[derive(Debug)]
pub(super) struct Adoption {
    leaders: Mutex<HashSet<i32>>,
    sole: bool,
}

impl Adoption {
    pub(super) fn all_children_are_ours() -> Self {
        Self { leaders: Mutex::default(), sole: true }
    }

    pub(super) fn others_have_children_too() -> Self {
        Self { leaders: Mutex::default(), sole: false }
    }

    fn change(&self, change: impl FnOnce(&mut HashSet<i32>) -> bool) {
        change(&mut self.leaders.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether every stray child must be this leader's.
    fn only(&self, leader: i32) -> bool {
        let leaders = self.leaders.lock().unwrap_or_else(PoisonError::into_inner);
        self.sole && leaders.iter().all(|other| *other == leader)
    }
}

/// One program and its descendants.
#[derive(Debug)]
pub(super) struct Tree {
    adoption: Arc<Adoption>,
    tag: String,
    leader: Option<i32>,
    /// Those found last, with when they began: once they are zombies, nothing else tells whose they were.
    seen: HashSet<(i32, u64)>,
    /// None was left: there is nobody who could start another.
    over: bool,
}

impl Tree {
    pub(super) fn new(adoption: Arc<Adoption>) -> Self {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            log::debug!("orphans go to init: {error}");
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            adoption,
            tag: format!("{}-{number}", std::process::id()),
            leader: None,
            seen: HashSet::new(),
            over: false,
        }
    }

    pub(super) fn tag(&self) -> (&'static str, String) {
        (TAG, self.tag.clone())
    }

    pub(super) fn started(&mut self, pid: Option<u32>) {
        self.leader = pid.and_then(|pid| i32::try_from(pid).ok());
        if let Some(leader) = self.leader {
            self.adoption.change(|leaders| leaders.insert(leader));
        }
    }

    pub(super) fn terminate(&mut self) {
        self.signal_all(Signal::TERM);
    }

    pub(super) fn kill(&mut self) {
        self.signal_all(Signal::KILL);
    }

    fn signal_all(&mut self, signal: Signal) {
        for kin in self.members() {
            match Pid::from_raw(kin.pid) {
                // One that is gone by now needs no signal.
                Some(pid) if !kin.zombie => drop(kill_process(pid, signal)),
                _ => {}
            }
        }
    }

    /// Whether none runs any more. Adopted ones that ended are collected on the way.
    pub(super) fn is_empty(&mut self) -> bool {
        let members = self.members();
        let me = getpid().as_raw_nonzero().get();
        for kin in members.iter().filter(|kin| kin.zombie && kin.parent == me && Some(kin.pid) != self.leader)
        {
            // The leader itself is collected by its own handle.
            let _ = waitpid(Pid::from_raw(kin.pid), WaitOptions::NOHANG);
        }
        self.over = members.iter().all(|kin| kin.zombie);
        self.over
    }

    /// Resolves when those that run now have ended; never where that cannot be found out.
    pub(super) async fn emptied(&mut self) {
        for kin in self.members().into_iter().filter(|kin| !kin.zombie) {
            exit::of(kin.pid).await;
        }
    }

    fn members(&mut self) -> Vec<Kin> {
        let Some(leader) = self.leader else { return Vec::new() };
        let table = process_table::read();
        let me = getpid().as_raw_nonzero().get();
        let variable = format!("{TAG}={}", self.tag);
        let strays = self.adoption.only(leader);
        let seen = |kin: &Kin| self.seen.contains(&(kin.pid, kin.began));
        let ours = |kin: &Kin| strays || seen(kin) || process_table::has_variable(kin.pid, &variable);
        let stray = |kin: &Kin| kin.parent == me && ours(kin);
        let roots = table.iter().filter(|kin| kin.pid == leader || kin.session == leader || stray(kin));
        let mut members: HashSet<i32> = roots.map(|kin| kin.pid).collect();
        // Parents may stand after their children in the table: until nobody new is found.
        let mut before = 0;
        while before < members.len() {
            before = members.len();
            let children: Vec<_> =
                table.iter().filter(|kin| members.contains(&kin.parent)).map(|kin| kin.pid).collect();
            members.extend(children);
        }
        let members: Vec<_> = table.into_iter().filter(|kin| members.contains(&kin.pid)).collect();
        self.seen = members.iter().map(|kin| (kin.pid, kin.began)).collect();
        members
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.over && !self.is_empty() {
            self.kill();
        }
        if let Some(leader) = self.leader {
            self.adoption.change(|leaders| leaders.remove(&leader));
        }
    }
}
