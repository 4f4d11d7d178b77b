//! Whether a thread works, or would if it were given a processor: on a busy machine such a one is late, and does not hang.

use crate::linux::procfs::Stat;
use rustix::thread::{Pid, gettid};

/// A thread of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker(Pid);

impl Worker {
    /// The thread that calls.
    pub(super) fn own() -> Self {
        Self(gettid())
    }

    /// State `R` (`proc_pid_stat(5)`): it runs, or waits for its turn. What waits in the kernel has another one. The file of a
    /// thread of one's own is made without a lock that others hold.
    pub(super) fn is_runnable(self) -> bool {
        let path = format!("/proc/self/task/{}/stat", self.0.as_raw_nonzero());
        std::fs::read(path).is_ok_and(|text| Stat::parse(&text).is_ok_and(|stat| stat.state == b'R'))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Blocked, Item, Lane, Series};
    use std::fmt;
    use std::time::{Duration, Instant};

    const TIMEOUT: Duration = Duration::from_millis(200);

    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Work(u32);

    impl Item for Work {}

    impl fmt::Display for Work {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "work {}", self.0)
        }
    }

    #[test]
    fn a_thread_that_only_wants_a_processor_does_not_hang() {
        let mut series = Series::new(Lane::Trial, "busy", TIMEOUT);
        let answers = series.each(&[Work(0), Work(1)], || {
            |item: &Work| {
                let began = Instant::now();
                while item.0 == 0 && began.elapsed() < 3 * TIMEOUT {
                    std::hint::spin_loop();
                }
            }
        });
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }

    #[test]
    fn nobody_waits_for_one_that_never_comes_to_an_end() {
        let mut series = Series::new(Lane::Trial, "endless", TIMEOUT / 10);
        let answers = series.each(&[Work(0), Work(1)], || {
            |item: &Work| {
                let began = Instant::now();
                while item.0 == 0 && began.elapsed() < 5 * TIMEOUT {
                    std::hint::spin_loop();
                }
            }
        });
        assert!(answers[0].as_ref().is_err_and(Blocked::hangs) && answers[1].is_ok(), "{answers:?}");
    }
}
