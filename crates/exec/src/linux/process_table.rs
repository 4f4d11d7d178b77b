//! What the process table shows of programs: who descends from one, by parent, session, or a variable that
//! they inherit.

use infiniservice_platform::blocking::{Item, Lane, Series};
use infiniservice_platform::linux::procfs::Stat;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, pidfd_send_signal, waitpid,
};
use rustix::time::{ClockId, clock_gettime};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessRow {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) zombie: bool,
    /// In ticks since boot; with the pid it names one process for good.
    pub(super) began: u64,
}

/// How long one process may take to be read; it can hang inside the kernel, at its owner's will.
const TIMEOUT: Duration = Duration::from_millis(200);
/// The variable stands among the first of an environment as a rule; a longer one is looked at so far.
const ENVIRONMENT_MAX_BYTES: u64 = 256 << 10;

/// A process by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Number(i32);

impl Item for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0)
    }
}

type Reading = Mutex<Option<Series<Number>>>;
static STATS: Reading = Mutex::new(None);
static ENVIRONMENTS: Reading = Mutex::new(None);

/// All processes but those that hang. Waits for them, so it is not for the main thread.
pub(super) fn read() -> Vec<ProcessRow> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    each(&STATS, "process table", &pids, row_of).into_iter().flatten().flatten().collect()
}

/// Those of `pids` whose environment holds `name=value`. Waits for them, so it is not for the main thread.
pub(super) fn with_variable(pids: &[i32], variable: &str) -> HashSet<i32> {
    let variable = variable.to_owned();
    let found = each(&ENVIRONMENTS, "environment", pids, move |pid| has_variable(pid, &variable));
    pids.iter().zip(found).filter(|(_, found)| *found == Some(true)).map(|(pid, _)| *pid).collect()
}

/// What hung when it was last asked is passed over for as long as it does.
fn each<T: Send + 'static>(
    reading: &Reading,
    what: &'static str,
    pids: &[i32],
    ask: impl Fn(i32) -> T + Clone + Send + Sync + 'static,
) -> Vec<Option<T>> {
    let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
    let series = reading.get_or_insert_with(|| Series::new(Lane::Processes, what, TIMEOUT));
    let begin = move || {
        let ask = ask.clone();
        move |number: &Number| ask(number.0)
    };
    let numbers: Vec<_> = pids.iter().copied().map(Number).collect();
    series.each(&numbers, begin).into_iter().map(Result::ok).collect()
}

/// One process; it may hang.
pub(super) fn row_of(pid: i32) -> Option<ProcessRow> {
    // The kernel writes it whole at once, in a few hundred bytes.
    let mut line = [0; 4096];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    ProcessRow::of(&Stat::parse(line.get(..length)?).ok()?)
}

impl ProcessRow {
    /// `None` of numbers that the kernel does not give.
    fn of(stat: &Stat<'_>) -> Option<Self> {
        let number = |id: u32| i32::try_from(id).ok();
        let (pid, parent, session) = (number(stat.pid)?, number(stat.ppid)?, number(stat.session)?);
        Some(Self { pid, parent, session, zombie: stat.is_zombie(), began: stat.started })
    }
}

fn has_variable(pid: i32, variable: &str) -> bool {
    let mut environment = Vec::new();
    let file = File::open(format!("/proc/{pid}/environ"));
    // One that cannot be read, or is gone by now, is nobody's.
    let read = file.and_then(|file| file.take(ENVIRONMENT_MAX_BYTES).read_to_end(&mut environment));
    read.is_ok() && environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

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
    pub(super) fn look(&self) -> Vec<ProcessRow> {
        let table = read();
        let members = self.members(&table);
        self.collect(&table, &members);
        table.into_iter().filter(|row| members.contains(&row.pid)).collect()
    }

    /// Signals all that are there now.
    pub(super) fn signal(&self, signal: Signal) -> Vec<ProcessRow> {
        let members = self.look();
        for row in members.iter().filter(|row| !row.zombie) {
            send(row, signal);
        }
        members
    }

    fn members(&self, table: &[ProcessRow]) -> HashSet<i32> {
        let since: Vec<&ProcessRow> = table.iter().filter(|row| row.began >= self.born.0).collect();
        let marked = self.marked(&since);
        let reused = since.iter().any(|row| row.pid == self.leader && row.began > self.born.1);
        let root = |row: &ProcessRow| {
            (!reused && (row.pid == self.leader || row.session == self.leader))
                || self.seen.contains(&(row.pid, row.began))
                || marked.contains(&row.pid)
                || (self.strays && self.is_stray(row))
        };
        let mut members: HashSet<i32> = since.iter().filter(|row| root(row)).map(|row| row.pid).collect();
        // Parents may stand after their children in the table: until nobody new is found.
        let mut before = 0;
        while before < members.len() {
            before = members.len();
            let children: Vec<_> =
                since.iter().filter(|row| members.contains(&row.parent)).map(|row| row.pid).collect();
            members.extend(children);
        }
        members
    }

    fn is_stray(&self, row: &ProcessRow) -> bool {
        row.parent == me() && !self.others.contains(&row.pid)
    }

    /// Those with the variable, among those that nothing else tells.
    fn marked(&self, since: &[&ProcessRow]) -> HashSet<i32> {
        let unknown = |row: &&&ProcessRow| {
            !row.zombie
                && row.session != self.leader
                && !self.seen.contains(&(row.pid, row.began))
                && (self.anywhere || self.is_stray(row))
        };
        let pids: Vec<i32> = since.iter().filter(unknown).map(|row| row.pid).collect();
        if pids.is_empty() { HashSet::new() } else { with_variable(&pids, &self.variable) }
    }

    /// The leaders are collected by their own handles.
    fn collect(&self, table: &[ProcessRow], members: &HashSet<i32>) {
        let ours = |row: &&ProcessRow| {
            row.zombie
                && row.pid != self.leader
                && self.is_stray(row)
                && (self.collects || members.contains(&row.pid))
        };
        for row in table.iter().filter(ours) {
            // Another command's look may have collected it meanwhile.
            let _ = waitpid(Pid::from_raw(row.pid), WaitOptions::NOHANG);
        }
    }
}

pub(super) fn me() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// By a descriptor of the process, which no other can get: its number might be another's by now.
fn send(row: &ProcessRow, signal: Signal) {
    let Some(pid) = Pid::from_raw(row.pid) else { return };
    let opened = pidfd_open(pid, PidfdFlags::empty());
    let same = row_of(row.pid).is_some_and(|now| now.began == row.began);
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

    #[test]
    fn kinship_is_read_past_a_hostile_name() {
        let line = b"42 (x) Z 9 9 9 (y)) S 7 42 41 0 -1 4194304 235 0 0 0 0 0 0 0 20 0 1 0 485232 0 0";
        let want = ProcessRow { pid: 42, parent: 7, session: 41, zombie: false, began: 485_232 };
        assert_eq!(ProcessRow::of(&Stat::parse(line).unwrap()), Some(want));
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(read().iter().any(|row| row.pid == me && !row.zombie));
    }

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

    fn row(pid: i32, parent: i32, session: i32, began: u64) -> ProcessRow {
        ProcessRow { pid, parent, session, zombie: false, began }
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
            row(12, AWAY, 10, 105),
            row(13, 12, 13, 106),
            row(10, me(), 10, 100),
            row(14, AWAY, 9, 107),
            row(9, me(), 9, 50),
            row(8, AWAY, 10, 99),
        ];
        assert_eq!(sorted(kinship().members(&table)), [10, 12, 13]);
    }

    #[test]
    fn a_stray_is_a_member_where_it_can_be_no_others_and_began_since() {
        let table = [row(AWAY, me(), 7, 105), row(AWAY + 1, me(), 7, 99), row(AWAY + 2, me(), 7, 105)];
        let strays = Kinship { strays: true, others: [AWAY + 2].into(), ..kinship() };
        assert_eq!(sorted(strays.members(&table)), [AWAY]);
        assert_eq!(sorted(kinship().members(&table)), [0; 0]);
    }

    #[test]
    fn a_number_that_another_process_has_by_now_is_no_member() {
        let table = [row(10, me(), 10, 500), row(11, 10, 10, 501)];
        assert_eq!(sorted(kinship().members(&table)), [0; 0]);
    }

    #[test]
    fn this_process_began_before_now() {
        let own = row_of(me()).unwrap();
        assert!(own.began <= now() && own.began + 100 * 3600 > now());
    }
}
