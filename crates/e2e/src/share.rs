//! Scenarios spread over machines that run at the same time, by how long each took when that was recorded.
//!
//! Those of one module stay together and in their order: they may build on each other.

use crate::harness::Scenario;
use anyhow::{Context, Result, bail};
use std::cmp::Reverse;
use std::time::Duration;

/// Names one share of how many, as `1/2`. Without it there is one machine, which runs them all.
pub const VARIABLE: &str = "INFINISERVICE_LAB_SHARE";
/// What a scenario without a record is taken for: those are not slow enough to have a line in the table of times.
const UNKNOWN: Duration = Duration::from_secs(2);
/// The module that reads what a machine logged: each machine has a log.
const IN_EACH: &str = "log";

/// One of several machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// From 0 on.
    index: usize,
    count: usize,
}

impl Share {
    /// The share that the environment asks for.
    ///
    /// # Errors
    /// It is not of the form `1/2`.
    pub fn asked() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Err(_) => Ok(Self { index: 0, count: 1 }),
            Ok(text) => Self::parse(&text).with_context(|| format!("{VARIABLE} is `{text}`, not `1/2`")),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let (number, count) = text.split_once('/').context("no slash")?;
        let (number, count): (usize, usize) = (number.parse()?, count.parse()?);
        match number.checked_sub(1) {
            Some(index) if index < count => Ok(Self { index, count }),
            _ => bail!("no such share"),
        }
    }

    /// This share's scenarios, in their order. `recorded` is the tables of times that earlier runs ended with.
    pub fn of<S>(self, scenarios: &[Scenario<S>], recorded: &str) -> Vec<Scenario<S>> {
        let mut modules = modules(scenarios, recorded);
        // The longest first, each to whoever has least to do.
        modules.sort_by_key(|(_, time)| Reverse(*time));
        let mut loads = vec![Duration::ZERO; self.count];
        let mut own = vec![IN_EACH];
        for (module, time) in modules {
            let Some((index, load)) = loads.iter_mut().enumerate().min_by_key(|(_, load)| **load) else {
                break;
            };
            *load += time;
            own.extend((index == self.index).then_some(module));
        }
        scenarios.iter().copied().filter(|(name, _)| own.contains(&module(name))).collect()
    }
}

fn module(name: &str) -> &str {
    name.split("::").next().unwrap_or(name)
}

/// Each module with the time of its scenarios, in their order.
fn modules<S>(scenarios: &[Scenario<S>], recorded: &str) -> Vec<(&'static str, Duration)> {
    let mut modules: Vec<(&str, Duration)> = Vec::new();
    for (name, _) in scenarios {
        let time = time(name, recorded);
        match modules.iter_mut().find(|(module, _)| *module == self::module(name)) {
            Some((_, sum)) => *sum += time,
            None => modules.push((module(name), time)),
        }
    }
    modules.retain(|(module, _)| *module != IN_EACH);
    modules
}

/// Out of a line such as `took    62.0 s  host::a`.
fn time(name: &str, recorded: &str) -> Duration {
    let of = |line: &str| {
        let mut words = line.strip_prefix("took")?.split_whitespace();
        let (seconds, _unit, of) = (words.next()?, words.next()?, words.next()?);
        Duration::try_from_secs_f64(seconds.parse().ok().filter(|_| of == name)?).ok()
    };
    recorded.lines().find_map(of).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(String);

    fn runs(machine: &Machine) -> Result<()> {
        anyhow::ensure!(!machine.0.is_empty(), "it has no name");
        Ok(())
    }

    const ALL: &[Scenario<Machine>] =
        &[("start::first", runs), ("host::a", runs), ("host::b", runs), ("cost::c", runs), ("log::d", runs)];
    const RECORDED: &str = "took   100.1 s  host::a\ntook    20.0 s  host::b\ntook   110.0 s  cost::c\n";

    fn names(share: &str) -> Vec<&'static str> {
        let share = Share::parse(share).expect("a share");
        share.of(ALL, RECORDED).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn modules_stay_whole_and_machines_have_equally_much_to_do() {
        assert_eq!(names("1/2"), ["host::a", "host::b", "log::d"]);
        assert_eq!(names("2/2"), ["start::first", "cost::c", "log::d"]);
    }

    #[test]
    fn all_shares_together_are_all_scenarios() {
        for count in 1..=ALL.len() {
            let shares = (1..=count).flat_map(|number| names(&format!("{number}/{count}")));
            let mut all: Vec<_> = shares.collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), ALL.len(), "{count}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "1", "0/2", "3/2", "a/b", "1/0"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
    }
}
