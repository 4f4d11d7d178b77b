//! Jobs that grow, and how long they are kept.

use super::rules::{ANN, Fleet, fleet, request};
use crate::at;
use crate::job::*;
use crate::ledger::Record;
use crate::policy::Ask;
use serde_json::json;
use std::cell::RefCell;

const ALICE: Actor<'_> = Actor { name: "operator:alice", may: &|_| Ok(()) };

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A job over the first machine, of two that are there.
fn begun(fleet: &Fleet) -> Planner {
    let mut planner = Planner::default();
    let request = request("restart", json!({"max_concurrency": 1}));
    planner.submit(at(0), "o.0", ALICE, request, names(&["a"]), fleet).unwrap();
    planner.turn(at(0), fleet);
    planner
}

fn sent(planner: &mut Planner) -> Vec<String> {
    let effects = planner.take().1.into_iter();
    effects
        .map(|effect| match effect {
            Effect::Send { vm, .. } | Effect::Cancel { vm, .. } => vm,
        })
        .collect()
}

#[test]
fn a_job_that_grows_asks_each_machine_once_and_is_the_same_after_a_restart() {
    let fleet = fleet(&["a", "b"]);
    let mut planner = begun(&fleet);
    for _ in 0..2 {
        planner.extend(at(1), "o.0", ALICE, names(&["a", "b", "gone"]), &fleet).unwrap();
        planner.turn(at(1), &fleet);
    }
    let counts = planner.job("o.0").unwrap().counts();
    assert_eq!((counts.sent, counts.absent, counts.sum()), (2, 1, 3));
    let records: Vec<_> = planner.snapshot().collect();
    let grown = Planner::replay(at(2), &records);
    assert_eq!(grown.job("o.0").unwrap().counts(), counts);
    assert_eq!(sent(&mut planner), ["a", "b"]);
}

#[test]
fn a_finished_job_that_grows_runs_again_and_the_ledger_brings_it_back() {
    let fleet = fleet(&["a", "b"]);
    let mut planner = begun(&fleet);
    let line = r#"{"type":"response","id":"o.0/a","success":true}"#;
    planner.answered(at(1), "a", &Reply::read(line).unwrap(), &fleet);
    assert!(planner.job("o.0").unwrap().finished_at().is_some());
    planner.extend(at(2), "o.0", ALICE, names(&["b"]), &fleet).unwrap();
    planner.turn(at(2), &fleet);
    assert!(planner.job("o.0").unwrap().finished_at().is_none());
    let mut records = planner.take().0;
    let added = records.iter().find(|record| matches!(record, Record::Added { .. })).unwrap().clone();
    records.push(added);
    let again = Planner::replay(at(3), &records);
    assert_eq!(again.job("o.0").unwrap().counts(), planner.job("o.0").unwrap().counts());
}

#[test]
fn a_job_grows_for_its_owner_only_and_the_rules_count_all_of_it() {
    let fleet = fleet(&["a", "b"]);
    let mut planner = begun(&fleet);
    let grown = planner.extend(at(1), "o.0", ANN, names(&["b"]), &fleet).map(drop);
    assert_eq!(grown, Err(NotTaken::Exists));
    let asked = RefCell::new(Vec::new());
    let may = |ask: Ask<'_>| {
        *asked.borrow_mut() = ask.vms.to_vec();
        Err("no".to_owned())
    };
    let refused = planner.extend(at(1), "o.0", Actor { may: &may, ..ALICE }, names(&["b"]), &fleet).map(drop);
    assert_eq!(refused, Err(NotTaken::NotAllowed("no".into())));
    assert_eq!(*asked.borrow(), ["a", "b"]);
    assert_eq!(planner.job("o.0").unwrap().targets().len(), 1);
}

#[test]
fn what_a_cancelled_job_is_given_is_skipped() {
    let fleet = fleet(&["a", "b"]);
    let mut planner = begun(&fleet);
    planner.cancel(at(1), "o.0", "operator:alice");
    planner.extend(at(2), "o.0", ALICE, names(&["b"]), &fleet).unwrap();
    planner.turn(at(2), &fleet);
    assert_eq!(planner.job("o.0").unwrap().counts().skipped, 1);
}

#[test]
fn the_parts_of_an_order_are_kept_until_its_time_is_over() {
    let fleet = Fleet::default();
    let mut planner = Planner::default();
    let mut submit = |id: &str, seconds: u64, actor: Actor<'_>| {
        let request = request("stop", json!({"not_after_secs": 3600}));
        let taken = planner.submit(at(seconds), id, actor, request, vec!["gone".into()], &fleet).map(drop);
        (taken.is_ok(), planner.job("o.0").is_some())
    };
    assert_eq!(submit("o.0", 0, ALICE), (true, true));
    for n in 1..MAX_JOBS + 5 {
        assert_eq!(submit(&format!("o.{n}"), 1, ALICE), (n < MAX_JOBS, true), "{n}");
    }
    assert_eq!(submit("late.0", 3700, ALICE), (true, false));
}
