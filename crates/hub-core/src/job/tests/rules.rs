//! Each rule by itself, with one or a few machines.

use crate::at;
use crate::job::*;
use crate::ledger::{Record, line, read};
use crate::policy::Ask;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Fleet(RefCell<BTreeMap<String, Presence>>);

impl View for Fleet {
    fn presence(&self, vm: &str) -> Presence {
        self.0.borrow().get(vm).cloned().unwrap_or(Presence::Absent)
    }
}

impl Fleet {
    fn set(&self, vm: &str, instance: &str, connection: u64) {
        let window = Duration::from_mins(10);
        let link = Link { instance: instance.into(), connection, window, heard_before: None };
        self.0.borrow_mut().insert(vm.into(), Presence::There { link, free: true });
    }

    pub(super) fn away(&self, vm: &str) {
        self.0.borrow_mut().insert(vm.into(), Presence::Away);
    }
}

pub(super) fn fleet(names: &[&str]) -> Fleet {
    let fleet = Fleet::default();
    for name in names {
        fleet.set(name, "i-1", 1);
    }
    fleet
}

pub(super) fn request(operation: &str, mut more: serde_json::Value) -> Request {
    let mut body = json!({"vms": "*", "message": {"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": operation}}});
    body.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    serde_json::from_value(body).unwrap()
}

/// A job over these machines that has begun.
fn begun(fleet: &Fleet, names: &[&str], operation: &str, more: serde_json::Value) -> Planner {
    let mut planner = Planner::default();
    let targets = names.iter().map(|&name| name.to_owned()).collect();
    planner.submit(at(0), "j", ANN, request(operation, more), targets, fleet).unwrap();
    planner.turn(at(0), fleet);
    planner
}

fn sends(planner: &mut Planner) -> Vec<String> {
    let effects = planner.take().1.into_iter();
    effects
        .map(|effect| match effect {
            Effect::Send { vm, first, .. } => format!("{vm}{}", if first { "" } else { " again" }),
            Effect::Cancel { vm, .. } => format!("end {vm}"),
        })
        .collect()
}

fn answer(planner: &mut Planner, seconds: u64, vm: &str, fields: &str, fleet: &Fleet) {
    let line = format!(r#"{{"type":"response","id":"j/{vm}",{fields}}}"#);
    planner.answered(at(seconds), vm, &Reply::read(&line).unwrap(), fleet);
    planner.turn(at(seconds), fleet);
}

pub(super) const ANN: Actor<'_> = Actor { name: "ann", may: &|_| Ok(()) };
const DONE: &str = r#""success":true"#;
const FAILED: &str = r#""success":false,"error_code":"EXECUTION_FAILED","error":"exit code 1""#;

fn states(planner: &Planner) -> Vec<&'static str> {
    let job = planner.job("j").unwrap();
    assert_eq!(job.counts().sum() as usize, job.targets().len());
    job.targets().iter().map(Target::state_name).collect()
}

#[test]
fn no_more_machines_at_one_time_than_are_wanted() {
    let names = ["a", "b", "c"];
    let fleet = fleet(&names);
    let mut planner = begun(&fleet, &names, "restart", json!({"max_concurrency": 2}));
    assert_eq!(sends(&mut planner), ["a", "b"]);
    answer(&mut planner, 1, "b", DONE, &fleet);
    assert_eq!(sends(&mut planner), ["c"]);
    answer(&mut planner, 2, "a", DONE, &fleet);
    answer(&mut planner, 2, "c", FAILED, &fleet);
    assert_eq!(states(&planner), ["answered", "answered", "failed"]);
    let job = planner.job("j").unwrap();
    assert_eq!(job.targets()[2].text.as_deref(), Some("exit code 1"));
    assert!(job.finished_at().is_some());
}

#[test]
fn sent_is_recorded_before_there_is_anything_to_write() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    let (records, effects) = planner.take();
    assert!(
        matches!(&records[..], [Record::Accepted(_), Record::Sent { instance, .. }] if instance == "i-1")
    );
    assert_eq!(effects.len(), 1);
    let line = planner.line(&effects[0]).unwrap();
    assert!(line.contains(r#""id":"j/a""#), "{line}");
}

#[test]
fn the_same_process_is_asked_again_by_the_same_id_on_a_new_connection() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    sends(&mut planner);
    fleet.away("a");
    planner.tick(at(5), &fleet);
    fleet.set("a", "i-1", 2);
    planner.tick(at(10), &fleet);
    planner.tick(at(11), &fleet);
    assert_eq!(sends(&mut planner), ["a again"]);
    answer(&mut planner, 12, "a", r#""success":false,"error_code":"DUPLICATE_ID","data":{}"#, &fleet);
    assert_eq!(states(&planner), ["sent"]);
    answer(&mut planner, 13, "a", DONE, &fleet);
    assert_eq!(states(&planner), ["answered"]);
}

#[test]
fn another_process_makes_a_change_unknown_and_a_read_is_asked_anew() {
    for (operation, state, sent) in [("restart", "unknown", vec![]), ("status", "sent", vec!["a"])] {
        let fleet = fleet(&["a"]);
        let mut planner = begun(&fleet, &["a"], operation, json!({}));
        sends(&mut planner);
        fleet.set("a", "i-2", 2);
        planner.tick(at(10), &fleet);
        assert_eq!(
            (states(&planner), sends(&mut planner)),
            (vec![state], sent.iter().map(|it| (*it).into()).collect())
        );
    }
}

#[test]
fn an_agent_that_does_not_say_which_process_it_is_is_never_sent_a_change_again() {
    let fleet = Fleet::default();
    fleet.set("a", "", 1);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    sends(&mut planner);
    fleet.set("a", "", 2);
    planner.tick(at(1), &fleet);
    assert_eq!((states(&planner), sends(&mut planner)), (vec!["unknown"], vec![]));
}

#[test]
fn an_id_that_the_agent_may_have_forgotten_is_not_sent_again_but_its_answer_is_still_taken() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    sends(&mut planner);
    fleet.set("a", "i-1", 2);
    planner.tick(at(600), &fleet);
    assert_eq!((states(&planner), sends(&mut planner)), (vec!["sent"], vec![]));
    answer(&mut planner, 601, "a", DONE, &fleet);
    assert_eq!(states(&planner), ["answered"]);
}

#[test]
fn a_busy_guest_is_left_alone_for_longer_each_time_until_the_jobs_time_is_over() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({"not_after_secs": 200}));
    let mut sent = Vec::new();
    for second in 0..300 {
        planner.tick(at(second), &fleet);
        if !sends(&mut planner).is_empty() {
            sent.push(second);
            answer(&mut planner, second, "a", r#""success":false,"error_code":"QUEUE_FULL""#, &fleet);
        }
    }
    assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    assert_eq!(states(&planner), ["expired"]);
}

#[test]
fn a_busy_answer_that_may_be_an_earlier_lines_does_not_say_that_nothing_runs() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    fleet.set("a", "i-1", 2);
    planner.tick(at(1), &fleet);
    assert_eq!(sends(&mut planner), ["a", "a again"]);
    let busy = r#""success":false,"error_code":"QUEUE_FULL""#;
    answer(&mut planner, 2, "a", busy, &fleet);
    assert_eq!(states(&planner), ["sent"]);
    planner.tick(at(3), &fleet);
    assert_eq!(sends(&mut planner), ["a again"]);
    answer(&mut planner, 4, "a", busy, &fleet);
    planner.tick(at(5), &fleet);
    assert_eq!((states(&planner), sends(&mut planner)), (vec!["sent"], vec![]));
    planner.tick(at(6), &fleet);
    answer(&mut planner, 7, "a", DONE, &fleet);
    assert_eq!((states(&planner), sends(&mut planner)), (vec!["answered"], vec!["a again".to_owned()]));
}

#[test]
fn too_many_failures_end_the_rest_and_what_runs_goes_on() {
    let names = ["a", "b", "c", "d"];
    let fleet = fleet(&names);
    let mut planner = begun(&fleet, &names, "restart", json!({"max_concurrency": 2, "max_failures": "25%"}));
    answer(&mut planner, 1, "a", FAILED, &fleet);
    assert_eq!(states(&planner), ["failed", "sent", "sent", "accepted"]);
    answer(&mut planner, 2, "b", r#""success":false,"error_code":"ACTION_BLOCKED""#, &fleet);
    assert_eq!(states(&planner), ["failed", "refused", "sent", "skipped"]);
    answer(&mut planner, 3, "c", DONE, &fleet);
    assert_eq!(states(&planner), ["failed", "refused", "answered", "skipped"]);
}

#[test]
fn cancelling_ends_what_runs_and_skips_the_rest() {
    let names = ["a", "b"];
    let fleet = fleet(&names);
    let mut planner = begun(&fleet, &names, "restart", json!({"max_concurrency": 1}));
    sends(&mut planner);
    assert!(planner.cancel(at(1), "j", "bob") && !planner.cancel(at(1), "k", "bob"));
    planner.tick(at(1), &fleet);
    planner.tick(at(2), &fleet);
    assert_eq!((states(&planner), sends(&mut planner)), (vec!["sent", "skipped"], vec!["end a".to_owned()]));
    answer(&mut planner, 3, "a", r#""success":false,"error_code":"CANCELLED""#, &fleet);
    assert_eq!(states(&planner), ["failed", "skipped"]);
}

#[test]
fn a_cancelled_command_that_its_guest_does_not_know_is_not_begun_and_not_said_to_be_undone() {
    for (operation, state) in [("restart", "unknown"), ("status", "skipped")] {
        let fleet = fleet(&["a"]);
        let mut planner = begun(&fleet, &["a"], operation, json!({}));
        sends(&mut planner);
        fleet.set("a", "i-1", 2);
        planner.cancel(at(1), "j", "bob");
        planner.tick(at(1), &fleet);
        assert_eq!(sends(&mut planner), ["end a"]);
        let line =
            r#"{"id":"x:j/a","success":false,"error_code":"NOT_FOUND","data":{"outcome":"not_found"}}"#;
        planner.answered(at(2), "a", &Reply::read(line).unwrap(), &fleet);
        assert_eq!(states(&planner), [state]);
    }
}

#[test]
fn what_is_not_there_is_absent_and_what_is_away_expires() {
    let fleet = fleet(&["a"]);
    fleet.away("b");
    fleet.away("c");
    let mut planner = begun(&fleet, &["a", "b", "gone", "c"], "restart", json!({"not_after_secs": 60}));
    assert_eq!(states(&planner), ["sent", "accepted", "absent", "accepted"]);
    fleet.0.borrow_mut().remove("c");
    planner.tick(at(60), &fleet);
    assert_eq!(states(&planner), ["sent", "expired", "absent", "absent"]);
    planner.tick(at(299), &fleet);
    assert_eq!(states(&planner)[0], "sent");
    planner.tick(at(300), &fleet);
    assert_eq!(states(&planner)[0], "unknown");
}

#[test]
fn what_was_not_written_begins_again() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    let effect = planner.take().1.remove(0);
    planner.not_written(at(0), &effect);
    assert_eq!(states(&planner), ["accepted"]);
    fleet.set("a", "i-2", 2);
    planner.tick(at(1), &fleet);
    assert_eq!(sends(&mut planner), ["a"]);
}

#[test]
fn a_guest_cannot_answer_for_another() {
    let names = ["a", "b"];
    let fleet = fleet(&names);
    let mut planner = begun(&fleet, &names, "restart", json!({}));
    let forged = Reply::read(r#"{"id":"j/b","success":true}"#).unwrap();
    planner.answered(at(1), "a", &forged, &fleet);
    assert_eq!(states(&planner), ["sent", "sent"]);
}

#[test]
fn a_repeated_request_is_the_same_job_and_another_of_its_id_is_refused() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    planner.take();
    let mut submit = |operation| {
        let request = request(operation, json!({}));
        planner.submit(at(1), "j", ANN, request, vec!["a".into()], &fleet).map(|job| job.counts().sent)
    };
    assert_eq!(submit("restart"), Ok(1));
    assert_eq!(submit("stop"), Err(NotTaken::Exists));
    assert!(planner.take().0.is_empty());
}

#[test]
fn who_may_only_read_starts_no_change() {
    let (fleet, mut planner) = (fleet(&["a"]), Planner::default());
    let may = |ask: Ask<'_>| Err(format!("not {} on {}", ask.changes.join(","), ask.vms.join(",")));
    let reader = Actor { name: "eve", may: &may };
    let mut submit = |id, operation| {
        let request = request(operation, json!({}));
        planner.submit(at(1), id, reader, request, vec!["a".into()], &fleet).map(|job| job.counts().accepted)
    };
    assert_eq!(submit("j", "restart"), Err(NotTaken::NotAllowed("not ServiceControl on a".into())));
    assert_eq!(submit("k", "status"), Ok(1));
}

#[test]
fn a_machine_that_has_just_said_who_it_is_gets_its_turn_at_once() {
    let fleet = Fleet::default();
    fleet.away("a");
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    assert!(sends(&mut planner).is_empty());
    fleet.set("a", "i-1", 1);
    planner.greeted(at(0), "a", &fleet);
    assert_eq!(sends(&mut planner), ["a"]);
    fleet.set("a", "i-1", 2);
    planner.greeted(at(0), "a", &fleet);
    assert_eq!(sends(&mut planner), ["a again"]);
}

#[test]
fn a_closed_ledger_refuses_new_jobs_and_says_why() {
    let fleet = fleet(&["a"]);
    let mut planner = begun(&fleet, &["a"], "restart", json!({}));
    planner.close(Some("the disk is full".into()));
    let refused = planner.submit(at(1), "k", ANN, request("stop", json!({})), vec!["a".into()], &fleet);
    assert_eq!(refused.unwrap_err(), NotTaken::Unavailable("the disk is full".into()));
    answer(&mut planner, 1, "a", DONE, &fleet);
    assert_eq!(states(&planner), ["answered"]);
}

#[test]
fn a_snapshot_and_records_that_are_there_twice_come_to_the_same() {
    let names = ["a", "b", "c", "d"];
    let fleet = fleet(&names);
    let mut planner = begun(&fleet, &names, "restart", json!({"max_concurrency": 2, "max_failures": 0}));
    answer(&mut planner, 1, "a", FAILED, &fleet);
    let show = |planner: &Planner| serde_json::to_value(planner.job("j").unwrap().whole(true)).unwrap();
    let records = planner.take().0;
    let twice: Vec<_> = records.iter().flat_map(|record| [record.clone(), record.clone()]).collect();
    let written: String =
        std::iter::once(crate::ledger::head_line()).chain(planner.snapshot().map(|it| line(&it))).collect();
    let snapshot = read(written.as_bytes()).unwrap().records;
    for records in [records, twice, snapshot] {
        assert_eq!(show(&Planner::replay(at(2), &records)), show(&planner));
    }
    assert_eq!(show(&planner)["machines"][0]["result"]["error"], "exit code 1");
}
