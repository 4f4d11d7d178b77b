//! The process table as far as kinship goes (`proc_pid_stat(5)`).

use infiniservice_platform::blocking::{Item, Lane, Series};
use infiniservice_platform::linux::procfs::Stat;
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kin {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) zombie: bool,
    /// In ticks since boot; with the pid it names one process for good.
    pub(super) began: u64,
}

/// How long one process may take to be read; it can hang inside the kernel, at its owner's will.
const PATIENCE: Duration = Duration::from_millis(200);
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
pub(super) fn read() -> Vec<Kin> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    each(&STATS, "process table", &pids, kin).into_iter().flatten().flatten().collect()
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
    let series = reading.get_or_insert_with(|| Series::new(Lane::Processes, what, PATIENCE));
    let begin = move || {
        let ask = ask.clone();
        move |number: &Number| ask(number.0)
    };
    let numbers: Vec<_> = pids.iter().copied().map(Number).collect();
    series.each(&numbers, begin).into_iter().map(Result::ok).collect()
}

/// One process; it may hang.
pub(super) fn kin(pid: i32) -> Option<Kin> {
    // The kernel writes it whole at once, in a few hundred bytes.
    let mut line = [0; 4096];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    Kin::of(&Stat::parse(line.get(..length)?).ok()?)
}

impl Kin {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinship_is_read_past_a_hostile_name() {
        let line = b"42 (x) Z 9 9 9 (y)) S 7 42 41 0 -1 4194304 235 0 0 0 0 0 0 0 20 0 1 0 485232 0 0";
        let want = Kin { pid: 42, parent: 7, session: 41, zombie: false, began: 485_232 };
        assert_eq!(Kin::of(&Stat::parse(line).unwrap()), Some(want));
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(read().iter().any(|kin| kin.pid == me && !kin.zombie));
    }
}
