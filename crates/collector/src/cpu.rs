//! Processor time, from `/proc/stat` (`proc_stat(5)`).
//!
//! Busy is all that is neither idle nor waiting for I/O; time stolen by the hypervisor counts as busy, as the
//! machine did not have it. Guest time is already part of user time and is not added again.

use super::numbers::percent;
use infiniservice_platform::linux::system::{StatRow, stat};
use infiniservice_platform::linux::text::ParseError;
use infiniservice_protocol::metrics::CpuSeconds;

/// States of a processor in `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
const STATES: usize = 8;
/// Places of idle and iowait among them.
const IDLE: [usize; 2] = [3, 4];

/// Ticks of one processor, or of all, in each state since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times([u64; STATES]);

/// `/proc/stat` at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// All processors together.
    pub all: Times,
    /// By the kernel's number; those that are offline are absent.
    pub cores: Vec<(u32, Times)>,
    /// Seconds since 1970.
    pub boot_time: u64,
}

/// Usage between two samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// 0 to 100.
    pub all: f64,
    /// 0 to 100, one a core, in the kernel's order.
    pub cores: Vec<f64>,
    /// The kernel's number of each; empty where these are 0, 1, 2, … without a gap.
    pub core_ids: Vec<u32>,
}

/// Reads `/proc/stat`.
pub fn parse(text: &[u8]) -> Result<Sample, ParseError> {
    let mut sample = Sample::default();
    let mut seen = false;
    for row in stat(text) {
        match row? {
            StatRow::All(ticks) => (sample.all, seen) = (Times(ticks.first()), true),
            StatRow::Processor(core, ticks) => sample.cores.push((core, Times(ticks.first()))),
            StatRow::BootTime(seconds) => sample.boot_time = seconds,
        }
    }
    if seen { Ok(sample) } else { Err(ParseError::new(0, "the line cpu")) }
}

impl Times {
    /// A processor of which the system tells the time of idleness, of the kernel, of programs, of deferred procedure calls and of
    /// interrupts; the first and the last two are part of the kernel's.
    #[allow(dead_code, reason = "of Windows")]
    pub fn of_windows([idle, kernel, user, deferred, interrupts]: [u64; 5]) -> Self {
        let own = kernel.saturating_sub(idle).saturating_sub(deferred).saturating_sub(interrupts);
        Self([user, 0, own, idle, 0, interrupts, deferred, 0])
    }

    /// In seconds, of which the system counts so many ticks each. What it does not tell is left out.
    pub(crate) fn seconds(self, ticks_per_second: u64, has_all_modes: bool) -> CpuSeconds {
        let [user, nice, system, idle, iowait, irq, softirq, steal] =
            self.0.map(|ticks| ticks as f64 / ticks_per_second.max(1) as f64);
        let told = |seconds| Some(seconds).filter(|_| has_all_modes);
        CpuSeconds {
            user,
            nice: told(nice),
            system,
            idle,
            iowait: told(iowait),
            irq,
            softirq,
            steal: told(steal),
        }
    }

    /// Adds another processor's.
    #[allow(dead_code, reason = "of Windows")]
    pub fn add(&mut self, other: Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.saturating_add(more);
        }
    }

    /// In each state: user, nice, system, idle, iowait, irq, softirq, steal.
    pub fn ticks(self) -> [u64; STATES] {
        self.0
    }

    fn total(self) -> u64 {
        self.0.iter().fold(0, |sum: u64, ticks| sum.saturating_add(*ticks))
    }

    fn idle(self) -> u64 {
        IDLE.iter()
            .filter_map(|state| self.0.get(*state))
            .fold(0, |sum: u64, ticks| sum.saturating_add(*ticks))
    }

    /// What each state grew by. iowait and steal go back on some kernels (`proc_stat(5)`): such a state has grown by
    /// nothing, and takes nothing away from the others.
    fn since(self, before: Self) -> Self {
        let mut grown = self.0;
        for (after, before) in grown.iter_mut().zip(before.0) {
            *after = after.saturating_sub(before);
        }
        Self(grown)
    }

    /// Share of the time since `before` that was not idle.
    fn usage_since(self, before: Self) -> f64 {
        let grown = self.since(before);
        let total = grown.total();
        percent(total.saturating_sub(grown.idle()), total)
    }
}

impl Sample {
    /// Usage since `before`; a core that was not there then counts from its beginning.
    pub(crate) fn usage_since(&self, before: &Self) -> Usage {
        let core = |(number, times): &(u32, Times)| {
            let earlier = before.cores.iter().find(|(n, _)| n == number).map(|(_, t)| *t);
            times.usage_since(earlier.unwrap_or_default())
        };
        let cores = self.cores.iter().map(core).collect();
        Usage { all: self.all.usage_since(before.all), cores, core_ids: self.core_ids() }
    }

    /// The kernel's numbers, where an offline core leaves a gap in them.
    fn core_ids(&self) -> Vec<u32> {
        let ids = self.cores.iter().map(|(id, _)| *id);
        if ids.clone().eq(0..self.cores.len() as u32) { Vec::new() } else { ids.collect() }
    }

    /// As many zeros as there are cores: what is known before a second sample.
    pub(crate) fn no_usage(&self) -> Usage {
        Usage { all: 0.0, cores: vec![0.0; self.cores.len()], core_ids: self.core_ids() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEBIAN_12: &[u8] = include_bytes!("../tests/fixtures/proc-debian12-6.18/stat");

    #[test]
    fn a_recorded_file_gives_every_core_and_the_boot_time() {
        let sample = parse(DEBIAN_12).unwrap();
        assert_eq!(sample.cores.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [0, 1]);
        assert!(sample.boot_time > 1_700_000_000);
        assert!(sample.all.total() > sample.all.idle());
    }

    #[test]
    fn usage_is_the_share_that_was_neither_idle_nor_waiting() {
        let before = parse(b"cpu 100 0 0 100 0 0 0 0\ncpu0 100 0 0 100\n").unwrap();
        let after = parse(b"cpu 120 0 10 150 10 5 0 5\ncpu0 200 0 0 100\n").unwrap();
        let usage = after.usage_since(&before);
        assert!((usage.all - 40.0).abs() < 0.01, "{usage:?}");
        assert!((usage.cores[0] - 100.0).abs() < 0.01);
    }

    #[test]
    fn guest_time_is_not_counted_twice() {
        let sample = parse(b"cpu 100 0 0 0 0 0 0 0 90 10\n").unwrap();
        assert_eq!(sample.all.total(), 100);
    }

    #[test]
    fn each_mode_is_told_in_seconds_with_what_the_hypervisor_took() {
        let all = parse(b"cpu 100 20 300 4000 50 6 70 8 90 10\n").unwrap().all;
        let seconds = all.seconds(100, true);
        assert_eq!((seconds.user, seconds.nice, seconds.system, seconds.idle), (1.0, Some(0.2), 3.0, 40.0));
        assert_eq!(
            (seconds.iowait, seconds.irq, seconds.softirq, seconds.steal),
            (Some(0.5), 0.06, 0.7, Some(0.08))
        );
    }

    #[test]
    fn of_windows_only_what_it_knows_is_told_and_nothing_twice() {
        let times = Times::of_windows([600, 1000, 500, 30, 20]);
        assert_eq!((times.total(), times.idle()), (1500, 600));
        let seconds = times.seconds(10, false);
        assert_eq!((seconds.user, seconds.system, seconds.softirq, seconds.irq), (50.0, 35.0, 3.0, 2.0));
        assert_eq!((seconds.nice, seconds.iowait, seconds.steal), (None, None, None));
    }

    #[test]
    fn a_core_that_came_online_is_measured_and_one_that_left_is_gone() {
        let before = parse(b"cpu 1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n").unwrap();
        let after = parse(b"cpu 2 2 2 2\ncpu1 2 1 1 1\ncpu7 0 0 1 3\n").unwrap();
        let usage = after.usage_since(&before);
        assert_eq!(usage.cores, [100.0, 25.0]);
        assert_eq!(usage.core_ids, [1, 7]);
        assert!(before.usage_since(&before).core_ids.is_empty());
    }

    #[test]
    fn a_state_that_goes_back_takes_nothing_from_the_others() {
        // user nice system idle iowait irq softirq steal: ten ticks busy, ninety idle, and one state went back.
        for (state, before) in [("iowait", "100 0 0 900 500 0 0 50"), ("steal", "100 0 0 900 0 0 0 950")] {
            let before = parse(format!("cpu {before}\ncpu0 {before}\n").as_bytes()).unwrap();
            let after = parse(b"cpu 110 0 0 990 0 0 0 50\ncpu0 110 0 0 990 0 0 0 50\n").unwrap();
            let usage = after.usage_since(&before);
            assert!((usage.all - 10.0).abs() < 0.01, "{state}: {usage:?}");
            assert!((usage.cores[0] - 10.0).abs() < 0.01, "{state}: {usage:?}");
        }
    }

    #[test]
    fn counters_that_go_back_give_no_usage() {
        let before = parse(b"cpu 100 0 0 900\n").unwrap();
        let after = parse(b"cpu 90 0 0 800\n").unwrap();
        assert!(after.usage_since(&before).all.abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn any_two_files_give_percentages(a: [u64; 8], b: [u64; 8], noise: Vec<u8>) {
            let line = |n: [u64; 8]| format!("cpu {}\n", n.map(|v| v.to_string()).join(" "));
            let usage = parse(line(b).as_bytes()).unwrap().usage_since(&parse(line(a).as_bytes()).unwrap());
            prop_assert!((0.0..=100.0).contains(&usage.all));
            let _ = parse(&noise);
        }
    }
}
