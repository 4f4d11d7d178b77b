//! When main processes began, which tells one from a later one of the same number. The kernel may take for ever to say it of one
//! whose owner wants that: so it is asked away from the main thread, and passed over while it hangs.

use crate::blocking::{self, Item, Lane, Series};
use crate::linux::procfs::Stat;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the kernel may take for one process; it answers from memory.
const PATIENCE: Duration = Duration::from_millis(500);

/// A main process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Main(u32);

impl Item for Main {}

impl fmt::Display for Main {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/proc/{}/stat of a service", self.0)
    }
}

/// What was seen at the last look.
#[derive(Debug)]
pub(super) struct Starts {
    series: Arc<Mutex<Series<Main>>>,
    seen: HashMap<u32, u64>,
}

impl Default for Starts {
    fn default() -> Self {
        let series = Series::new(Lane::ProcessTable, "starts of services", PATIENCE);
        Self { series: Arc::new(Mutex::new(series)), seen: HashMap::new() }
    }
}

impl Starts {
    /// Looks at these, and forgets the others.
    pub(super) async fn look(&mut self, pids: Vec<u32>) {
        self.seen = self.read(pids).await;
    }

    /// Looks at one, and tells when it began.
    pub(super) async fn look_at(&mut self, pid: u32) -> Option<u64> {
        self.seen.extend(self.read(vec![pid]).await);
        self.of(pid)
    }

    /// When a process began, as it was seen last; `None` of one that is gone, or hangs.
    pub(super) fn of(&self, pid: u32) -> Option<u64> {
        self.seen.get(&pid).copied()
    }

    async fn read(&self, pids: Vec<u32>) -> HashMap<u32, u64> {
        let series = Arc::clone(&self.series);
        let work = move || {
            let items: Vec<_> = pids.iter().copied().map(Main).collect();
            let mut series = series.lock().unwrap_or_else(PoisonError::into_inner);
            let told = series.each(&items, || |main: &Main| began(main.0));
            pids.into_iter().zip(told).filter_map(|(pid, told)| Some((pid, told.ok()??))).collect()
        };
        // Nothing is known of them where there is no thread.
        blocking::join(Lane::Managers, "starts of services", work).await.unwrap_or_default()
    }
}

/// In ticks after boot.
fn began(pid: u32) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(&text).ok().map(|stat| stat.started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_began_at_one_moment_and_an_absent_one_at_none() {
        let (mut starts, me) = (Starts::default(), std::process::id());
        let began = starts.look_at(me).await;
        assert!(began.is_some());
        starts.look(vec![me, 0]).await;
        assert_eq!((starts.of(me), starts.of(0)), (began, None));
        starts.look(vec![]).await;
        assert_eq!(starts.of(me), None);
    }
}
