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

#[test]
fn messages_of_all_jobs_have_a_common_bound_and_a_list_shows_none_of_them_whole() {
    let fleet = Fleet::default();
    fleet.away("a");
    let mut planner = Planner::default();
    let long = "x".repeat(MAX_MESSAGE_BYTES / 2);
    let mut submit = |n: u64, vm: &str| {
        let body = json!({"vms": vm, "message": {"type": "UnsafeCommand", "raw_command": long}});
        let request = serde_json::from_value(body).unwrap();
        let taken = planner.submit(at(n), &format!("j-{n:02}"), ANN, request, vec![vm.into()], &fleet);
        let shown = taken.map(|job| (job.listed(), job.summary()));
        (shown, planner.jobs().count())
    };
    let fit = MAX_ALL_REQUEST_BYTES as u64 / (MAX_MESSAGE_BYTES as u64 / 2) - 1;
    (0..fit).for_each(|n| assert_eq!(submit(n, if n < 2 { "gone" } else { "a" }).1, n as usize + 1));
    // The two finished ones make room, those that run do not.
    for n in [40, 41] {
        let (shown, count) = submit(n, "a");
        let (listed, whole) = shown.unwrap();
        assert_eq!((listed.cut, count), (true, fit as usize));
        assert_eq!(serde_json::Value::Object(listed.message), json!({"type": "UnsafeCommand"}));
        assert_eq!(whole.message["raw_command"], long.as_str());
    }
    let refused = submit(42, "a").0.map(drop).unwrap_err();
    assert!(matches!(&refused, NotTaken::Unavailable(text) if text.contains("messages")), "{refused:?}");
}

#[test]
fn a_short_message_is_listed_whole_and_a_long_selector_is_cut() {
    let (fleet, mut planner) = (fleet(&["a"]), Planner::default());
    let mut listed = |id: &str, vms: &str| {
        let request = request("restart", json!({"vms": vms}));
        planner.submit(at(0), id, ANN, request, vec!["a".into()], &fleet).unwrap().listed()
    };
    let short = listed("j-1", "a");
    assert_eq!((short.cut, &short.message["command_type"]["service"]), (false, &json!("nginx")));
    let long = listed("j-2", &"a,".repeat(MAX_LISTED_BYTES));
    assert_eq!((long.cut, long.vms.len()), (true, MAX_LISTED_BYTES));
}
