//! How many jobs, machines and answers are kept.

use super::rules::{ANN, Fleet, fleet, request};
use crate::at;
use crate::job::*;
use serde_json::json;

#[test]
fn finished_jobs_are_forgotten_when_they_are_old_or_too_many() {
    let fleet = fleet(&["a"]);
    let mut planner = Planner::default();
    for n in 0..MAX_JOBS + 5 {
        let (id, seconds) = (format!("j-{n}"), n as u64);
        let request = request("stop", json!({}));
        planner.submit(at(seconds), &id, ANN, request, vec!["gone".into()], &fleet).unwrap();
    }
    assert_eq!(planner.jobs().count(), MAX_JOBS);
    assert!(planner.job("j-4").is_none() && planner.job("j-5").is_some());
    planner.tick(at(KEPT_MS / 1000 + 7), &fleet);
    assert!(planner.job("j-7").is_none() && planner.job("j-8").is_some());
    let records = planner.take().0;
    let replayed = Planner::replay(at(0), &records);
    assert_eq!(replayed.jobs().count(), planner.jobs().count());
}

#[test]
fn jobs_have_no_more_machines_than_are_allowed() {
    let fleet = Fleet::default();
    fleet.away("m-0");
    let mut planner = Planner::default();
    let mut submit = |n: usize, first: &str| {
        let mut targets: Vec<_> = (1..MAX_TARGETS).map(|n| format!("m-{n}")).collect();
        targets.push(first.to_owned());
        let request = request("stop", json!({}));
        let taken =
            planner.submit(at(n as u64), &format!("j-{n}"), ANN, request, targets, &fleet).map(|_| ());
        (taken.is_ok(), planner.jobs().count())
    };
    for n in 0..10 {
        assert_eq!(submit(n, if n < 9 { "m-0" } else { "gone" }), (true, n + 1));
    }
    // The finished one makes room, those that run do not.
    assert_eq!(submit(10, "m-0"), (true, 10));
    assert_eq!(submit(11, "m-0"), (false, 10));
}

#[test]
fn no_more_jobs_run_at_one_time_than_are_allowed() {
    let fleet = Fleet::default();
    fleet.away("a");
    let mut planner = Planner::default();
    let mut submit = |n: usize| {
        let request = request("stop", json!({}));
        planner.submit(at(0), &format!("j-{n}"), ANN, request, vec!["a".into()], &fleet).map(|_| ())
    };
    (0..MAX_ACTIVE).for_each(|n| submit(n).unwrap());
    assert!(matches!(submit(MAX_ACTIVE), Err(NotTaken::Unavailable(_))));
}
