//! `RLIMIT_NOFILE` (getrlimit(2)).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// With fewer, the port, timers, the bus, the collector and one command do not fit: the agent would take commands that it cannot run.
const FEWEST: u64 = 32;
/// As many as most systems give; a soft limit below it is raised, as far as the hard one lets it.
const WANTED: u64 = 1024;

/// Raises a low limit.
///
/// # Errors
/// It is too low and cannot be raised.
pub fn ensure_enough() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    let raised = raised(&limit);
    if raised.current != limit.current && setrlimit(Resource::Nofile, raised).is_err() {
        return judge(limit.current);
    }
    judge(raised.current)
}

fn raised(limit: &Rlimit) -> Rlimit {
    let possible = limit.maximum.map_or(WANTED, |hard| hard.min(WANTED));
    let current = limit.current.map(|soft| soft.max(possible));
    Rlimit { current, maximum: limit.maximum }
}

/// `None` is no limit.
fn judge(descriptors: Option<u64>) -> Result<(), String> {
    match descriptors.filter(|count| *count < FEWEST) {
        Some(count) => Err(format!(
            "the limit on open files (RLIMIT_NOFILE) is {count}, but at least {FEWEST} are needed; raise \
             it (LimitNOFILE= in the unit, or ulimit -Hn)"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(soft: Option<u64>, hard: Option<u64>) -> Option<u64> {
        raised(&Rlimit { current: soft, maximum: hard }).current
    }

    #[test]
    fn a_low_limit_is_raised_as_far_as_it_may_and_a_high_one_stays() {
        assert_eq!(after(Some(16), Some(4096)), Some(1024));
        assert_eq!(after(Some(16), Some(64)), Some(64));
        assert_eq!(after(Some(16), None), Some(1024));
        assert_eq!(after(Some(65_536), Some(65_536)), Some(65_536));
        assert_eq!(after(None, None), None);
    }

    #[test]
    fn too_few_are_named_with_what_to_do() {
        assert!(judge(Some(31)).unwrap_err().contains("LimitNOFILE="));
        assert!(judge(Some(32)).is_ok() && judge(None).is_ok());
    }
}
