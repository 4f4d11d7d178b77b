//! A job's machines in the order in which they begin, and their waves: what follows from its plan, the same for whoever looks.

use crate::message::{Missing, Order, Part};
use crate::subject::NOWHERE;
use crate::wave;
use crate::{MAX_TARGETS, wave::Wave};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::job::Outcome;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One machine of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its hub's place in [`Layout::hubs`].
    pub hub: u32,
    /// Its name.
    pub vm: String,
    /// Its wave.
    pub wave: u32,
    /// How it ends without having begun, and why, where that is known from the plan.
    pub given: Option<(Outcome, String)>,
}

/// A job's machines: first those that begin, in this order, then those that do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The hubs' names.
    pub hubs: Vec<String>,
    /// The machines.
    pub rows: Vec<Row>,
    /// Each wave: whether it is a canary, and the place of the first row after it.
    pub waves: Vec<(bool, usize)>,
    /// Hubs that were not heard or that refused.
    pub hubs_missing: u32,
}

impl Layout {
    /// What follows from an order and its plan.
    ///
    /// # Errors
    /// Where these are more machines than one job may have.
    pub fn new(order: &Order, mut parts: Vec<Part>) -> Result<Self, String> {
        parts.sort_by(|one, other| one.hub.cmp(&other.hub));
        parts.dedup_by(|one, other| one.hub == other.hub);
        let all: usize = parts.iter().map(|part| part.vms.len()).sum();
        if all > MAX_TARGETS {
            return Err(format!("{all} machines are meant; one job has at most {MAX_TARGETS}"));
        }
        let mut layout =
            Self { hubs: parts.iter().map(|part| part.hub.clone()).collect(), ..Self::default() };
        layout.hubs_missing = count(parts.iter().filter(|part| part.missing.is_some()).count());
        let queues = layout.sort(&mut parts);
        let idle = std::mem::take(&mut layout.rows);
        layout.interleave(queues);
        layout.divide(&order.waves);
        layout.rows.extend(idle);
        layout.nowhere(order);
        Ok(layout)
    }

    /// Each hub's machines that begin; the others become rows at once.
    fn sort(&mut self, parts: &mut [Part]) -> Vec<std::vec::IntoIter<String>> {
        let claims = claims(parts);
        let mut queues = Vec::new();
        for (part, hub) in parts.iter_mut().zip(0..) {
            let vms: BTreeSet<String> = std::mem::take(&mut part.vms).into_iter().collect();
            let mut begin = Vec::new();
            for vm in vms {
                let hubs = claims.get(&vm).map_or(&[][..], |hubs| &hubs[..]);
                match given(part.missing.as_ref(), hubs, &self.hubs) {
                    Given::Begin => begin.push(vm),
                    Given::Idle(given) => self.rows.push(Row { hub, vm, wave: 0, given: Some(given) }),
                    Given::Elsewhere => {}
                }
            }
            queues.push(begin.into_iter());
        }
        queues
    }

    /// By turns between the hubs, so that each wave meets as many of them as it can.
    fn interleave(&mut self, queues: Vec<std::vec::IntoIter<String>>) {
        let mut queues: Vec<_> = (0..).zip(queues).collect();
        while !queues.is_empty() {
            queues.retain_mut(|(hub, queue)| {
                let Some(vm) = queue.next() else { return false };
                self.rows.push(Row { hub: *hub, vm, wave: 0, given: None });
                true
            });
        }
    }

    fn divide(&mut self, waves: &[Wave]) {
        let mut end = 0;
        for (size, n) in wave::sizes(waves, self.rows.len()).into_iter().zip(0..) {
            let rows = self.rows.iter_mut().skip(end).take(size);
            rows.for_each(|row| row.wave = n);
            end += size;
            self.waves.push((waves.get(n as usize).is_some_and(|wave| wave.is_canary()), end));
        }
    }

    /// Names that were asked for and that no hub has.
    fn nowhere(&mut self, order: &Order) {
        let Ok(Which::Names(names)) = Which::parse(&order.vms) else { return };
        let known: BTreeSet<&str> = self.rows.iter().map(|row| row.vm.as_str()).collect();
        let names: BTreeSet<&String> = names.iter().filter(|name| !name.contains('*')).collect();
        let gone: Vec<_> = names.into_iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
        if gone.is_empty() {
            return;
        }
        let hub = count(self.hubs.len());
        self.hubs.push(NOWHERE.to_owned());
        let why = "no hub has a machine of this name".to_owned();
        let row = |vm| Row { hub, vm, wave: 0, given: Some((Outcome::Absent, why.clone())) };
        self.rows.extend(gone.into_iter().map(row));
    }

    /// A row's hub.
    pub fn hub(&self, row: &Row) -> &str {
        self.hubs.get(row.hub as usize).map_or(NOWHERE, String::as_str)
    }

    /// Where each machine is, by its hub's place and its name.
    pub(crate) fn index(&self) -> Vec<HashMap<String, u32>> {
        let mut index = vec![HashMap::new(); self.hubs.len()];
        for (row, n) in self.rows.iter().zip(0..) {
            if let Some(hub) = index.get_mut(row.hub as usize) {
                hub.insert(row.vm.clone(), n);
            }
        }
        index
    }
}

/// Which hubs say that they have a machine, by their places, for those that more than one hub names.
fn claims(parts: &[Part]) -> BTreeMap<String, Vec<u32>> {
    let mut first: HashMap<&str, u32> = HashMap::new();
    let mut claims = BTreeMap::<String, Vec<u32>>::new();
    for (part, hub) in parts.iter().zip(0..).filter(|(part, _)| part.missing.is_none()) {
        for vm in &part.vms {
            let before = *first.entry(vm).or_insert(hub);
            if before != hub {
                claims.entry(vm.clone()).or_insert_with(|| vec![before]).push(hub);
            }
        }
    }
    // A machine that moved away from a hub that was not heard is where it is now.
    for vm in parts.iter().filter(|part| part.missing.is_some()).flat_map(|part| &part.vms) {
        if let Some(hub) = first.get(vm.as_str()) {
            claims.entry(vm.clone()).or_insert_with(|| vec![*hub]);
        }
    }
    claims
}

enum Given {
    Begin,
    Idle((Outcome, String)),
    Elsewhere,
}

fn given(missing: Option<&Missing>, claimed: &[u32], hubs: &[String]) -> Given {
    match (missing, claimed) {
        (Some(_), [_, ..]) => Given::Elsewhere,
        (Some(missing), []) => Given::Idle((missing.outcome, missing.why.clone())),
        // Which of them is right is not known, and a change must not be made twice.
        (None, [_, _, ..]) => {
            let names: Vec<_> = claimed.iter().filter_map(|hub| hubs.get(*hub as usize)).take(4).collect();
            let names: Vec<_> = names.into_iter().map(String::as_str).collect();
            Given::Idle((Outcome::Skipped, format!("more than one hub has it: {}", names.join(", "))))
        }
        (None, _) => Given::Begin,
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(vms: &str, waves: &[&str]) -> Order {
        serde_json::from_value(json!({"id": "j", "at_ms": 0, "not_after_ms": 1, "vms": vms, "message": {},
            "waves": waves, "max_concurrency": 1, "operator": "a"}))
        .unwrap()
    }

    fn part(hub: &str, vms: &[&str]) -> Part {
        Part { hub: hub.into(), vms: vms.iter().map(|&vm| vm.to_owned()).collect(), missing: None }
    }

    fn missing(hub: &str, vms: &[&str]) -> Part {
        let missing = Missing { outcome: Outcome::Absent, why: "not heard".into(), code: None };
        Part { missing: Some(missing), ..part(hub, vms) }
    }

    fn rows(layout: &Layout) -> Vec<(&str, &str, u32, Option<Outcome>)> {
        let outcome = |row: &Row| row.given.as_ref().map(|given| given.0);
        layout.rows.iter().map(|row| (layout.hub(row), row.vm.as_str(), row.wave, outcome(row))).collect()
    }

    #[test]
    fn waves_go_over_all_hubs_by_turns() {
        let parts = vec![part("h2", &["d"]), part("h1", &["c", "a", "b"])];
        let layout = Layout::new(&order("all", &["canary:1", "rest"]), parts.clone()).unwrap();
        let expected = [("h1", "a", 0), ("h2", "d", 1), ("h1", "b", 1), ("h1", "c", 1)];
        assert_eq!(rows(&layout), expected.map(|(hub, vm, wave)| (hub, vm, wave, None)));
        assert_eq!(layout.waves, [(true, 1), (false, 4)]);
        let other: Vec<_> = parts.into_iter().rev().collect();
        assert_eq!(Layout::new(&order("all", &["canary:1", "rest"]), other).unwrap(), layout);
    }

    #[test]
    fn a_machine_that_two_hubs_have_begins_on_none() {
        let layout = Layout::new(&order("all", &[]), vec![part("h1", &["a", "b"]), part("h2", &["a"])]);
        let skipped = Some(Outcome::Skipped);
        assert_eq!(
            rows(&layout.unwrap()),
            [("h1", "b", 0, None), ("h1", "a", 0, skipped), ("h2", "a", 0, skipped)]
        );
    }

    #[test]
    fn machines_of_missing_hubs_and_names_that_nobody_has_end_at_once() {
        let parts = vec![missing("h1", &["a", "b"]), part("h2", &["a"])];
        let layout = Layout::new(&order("a,b,c,d*", &[]), parts).unwrap();
        let absent = Some(Outcome::Absent);
        assert_eq!(rows(&layout), [("h2", "a", 0, None), ("h1", "b", 0, absent), ("-", "c", 0, absent)]);
        assert_eq!((layout.hubs_missing, &layout.waves[..]), (1, &[(false, 1)][..]));
    }
}
