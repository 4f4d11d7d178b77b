//! Who descends from a program, as the process table shows it: by parent, session, or a variable that they inherit.

use super::process_table::{self, Kin};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, pidfd_send_signal, waitpid,
};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashSet;

/// `/proc` counts in these for all programs, whatever the kernel counts in (`USER_HZ`).
const TICKS_PER_SEC: u64 = 100;

/// Ticks since boot, as `/proc/PID/stat` tells when a process began.
pub(super) fn now() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let hundredths = u64::try_from(now.tv_nsec).unwrap_or_default() / (1_000_000_000 / TICKS_PER_SEC);
    u64::try_from(now.tv_sec).unwrap_or_default() * TICKS_PER_SEC + hundredths
}

/// What is known of one program's descendants. All of it is for threads that may wait.
#[derive(Clone, Debug)]
pub(super) struct Kinship {
    /// `name=value`, which they inherit.
    pub(super) variable: String,
    pub(super) leader: i32,
    /// It began between these.
    pub(super) born: (u64, u64),
    /// Whether every stray child that began since must be the leader's.
    pub(super) strays: bool,
    /// Whether descendants may have gone to others than the agent: then all that began since are looked at for the variable.
    pub(super) anywhere: bool,
    /// Leaders of other programs.
    pub(super) others: HashSet<i32>,
    /// Whether zombies that are no leaders are the agent's to collect.
    pub(super) collects: bool,
    /// Those found last, with when they began: once they are zombies, nothing else tells whose they were.
    pub(super) seen: HashSet<(i32, u64)>,
}

impl Kinship {
    /// All that are there now. Adopted ones that ended are collected on the way.
    pub(super) fn look(&self) -> Vec<Kin> {
        let table = process_table::read();
        let members = self.members(&table);
        self.collect(&table, &members);
        table.into_iter().filter(|kin| members.contains(&kin.pid)).collect()
    }

    /// Signals all that are there now.
    pub(super) fn signal(&self, signal: Signal) -> Vec<Kin> {
        let members = self.look();
        for kin in members.iter().filter(|kin| !kin.zombie) {
            send(kin, signal);
        }
        members
    }

    fn members(&self, table: &[Kin]) -> HashSet<i32> {
        let since: Vec<&Kin> = table.iter().filter(|kin| kin.began >= self.born.0).collect();
        let marked = self.marked(&since);
        let reused = since.iter().any(|kin| kin.pid == self.leader && kin.began > self.born.1);
        let root = |kin: &Kin| {
            (!reused && (kin.pid == self.leader || kin.session == self.leader))
                || self.seen.contains(&(kin.pid, kin.began))
                || marked.contains(&kin.pid)
                || (self.strays && self.is_stray(kin))
        };
        let mut members: HashSet<i32> = since.iter().filter(|kin| root(kin)).map(|kin| kin.pid).collect();
        // Parents may stand after their children in the table: until nobody new is found.
        let mut before = 0;
        while before < members.len() {
            before = members.len();
            let children: Vec<_> =
                since.iter().filter(|kin| members.contains(&kin.parent)).map(|kin| kin.pid).collect();
            members.extend(children);
        }
        members
    }

    fn is_stray(&self, kin: &Kin) -> bool {
        kin.parent == me() && !self.others.contains(&kin.pid)
    }

    /// Those with the variable, among those that nothing else tells.
    fn marked(&self, since: &[&Kin]) -> HashSet<i32> {
        let unknown = |kin: &&&Kin| {
            !kin.zombie
                && kin.session != self.leader
                && !self.seen.contains(&(kin.pid, kin.began))
                && (self.anywhere || self.is_stray(kin))
        };
        let pids: Vec<i32> = since.iter().filter(unknown).map(|kin| kin.pid).collect();
        if pids.is_empty() { HashSet::new() } else { process_table::with_variable(&pids, &self.variable) }
    }

    /// The leaders are collected by their own handles.
    fn collect(&self, table: &[Kin], members: &HashSet<i32>) {
        let ours = |kin: &&Kin| {
            kin.zombie
                && kin.pid != self.leader
                && self.is_stray(kin)
                && (self.collects || members.contains(&kin.pid))
        };
        for kin in table.iter().filter(ours) {
            // Another command's look may have collected it meanwhile.
            let _ = waitpid(Pid::from_raw(kin.pid), WaitOptions::NOHANG);
        }
    }
}

pub(super) fn me() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// By a descriptor of the process, which no other can get: its number might be another's by now.
fn send(kin: &Kin, signal: Signal) {
    let Some(pid) = Pid::from_raw(kin.pid) else { return };
    let opened = pidfd_open(pid, PidfdFlags::empty());
    let same = process_table::kin(kin.pid).is_some_and(|now| now.began == kin.began);
    match opened {
        // One that is gone by now needs no signal.
        Ok(process) if same => drop(pidfd_send_signal(process, signal)),
        // Before Linux 5.3.
        Err(Errno::NOSYS) if same => drop(kill_process(pid, signal)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinship() -> Kinship {
        Kinship {
            variable: "X=1".into(),
            leader: 10,
            born: (100, 101),
            strays: false,
            anywhere: false,
            others: HashSet::new(),
            collects: false,
            seen: HashSet::new(),
        }
    }

    fn kin(pid: i32, parent: i32, session: i32, began: u64) -> Kin {
        Kin { pid, parent, session, zombie: false, began }
    }

    fn sorted(members: HashSet<i32>) -> Vec<i32> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members
    }

    /// Numbers that no process has, so that nothing of the machine is read.
    const AWAY: i32 = 1 << 30;

    #[test]
    fn descendants_by_parent_and_session_are_members_and_nothing_that_was_there_before() {
        let table = [
            kin(12, AWAY, 10, 105),
            kin(13, 12, 13, 106),
            kin(10, me(), 10, 100),
            kin(14, AWAY, 9, 107),
            kin(9, me(), 9, 50),
            kin(8, AWAY, 10, 99),
        ];
        assert_eq!(sorted(kinship().members(&table)), [10, 12, 13]);
    }

    #[test]
    fn a_stray_is_a_member_where_it_can_be_no_others_and_began_since() {
        let table = [kin(AWAY, me(), 7, 105), kin(AWAY + 1, me(), 7, 99), kin(AWAY + 2, me(), 7, 105)];
        let strays = Kinship { strays: true, others: [AWAY + 2].into(), ..kinship() };
        assert_eq!(sorted(strays.members(&table)), [AWAY]);
        assert_eq!(sorted(kinship().members(&table)), [0; 0]);
    }

    #[test]
    fn a_number_that_another_process_has_by_now_is_no_member() {
        let table = [kin(10, me(), 10, 500), kin(11, 10, 10, 501)];
        assert_eq!(sorted(kinship().members(&table)), [0; 0]);
    }

    #[test]
    fn this_process_began_before_now() {
        let own = process_table::kin(me()).unwrap();
        assert!(own.began <= now() && own.began + 100 * 3600 > now());
    }
}
