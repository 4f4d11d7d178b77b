//! What a hub does with commands, on its real planner of jobs.

use super::*;
use crate::at_ms;
use crate::fixture::{control, opened};
use crate::message::What;
use infiniservice_hub_core::job::{Actor, Planner, Presence, Reply, View};
use infiniservice_hub_core::ledger::Record;
use infiniservice_hub_core::machine::Link;
use serde_json::{Value, json};

/// Every machine is there.
struct There;

impl View for There {
    fn presence(&self, _vm: &str) -> Presence {
        let link = Link {
            instance: "1".into(),
            connection: 1,
            window: std::time::Duration::from_secs(600),
            heard_before: None,
        };
        Presence::There { link, free: true }
    }
}

/// A hub.
struct Hub {
    orders: HubOrders,
    jobs: Planner,
    outbox: Outbox,
}

impl Hub {
    fn new() -> Self {
        Self { orders: HubOrders::new("h1"), jobs: Planner::default(), outbox: Outbox::default() }
    }

    fn run(&mut self, ms: u64, fields: &Value, targets: &[&str], close: bool) -> Decision {
        let targets: Vec<_> = targets.iter().map(|&vm| vm.to_owned()).collect();
        let meant = |vm: &str| if vm == "other" { Meant::No } else { Meant::Yes };
        let asked = Asked { wave: 2, targets: &targets, close };
        let decision = self.orders.run(at_ms(ms), &opened(fields), asked, &self.jobs, &meant).unwrap();
        for begin in decision.jobs.clone() {
            let actor = Actor { name: &begin.actor, may: &|_| Ok(()) };
            let (id, now) = (&begin.id, at_ms(ms));
            if self.jobs.job(id).is_some() {
                self.jobs.extend(now, id, actor, begin.targets, &There).unwrap();
            } else {
                self.jobs.submit(now, id, actor, begin.request, begin.targets, &There).unwrap();
            }
            if let Some(by) = &begin.cancelled_by {
                self.jobs.cancel(now, id, by);
            }
            self.jobs.turn(now, &There);
            self.record();
        }
        decision
    }

    fn record(&mut self) -> Vec<Record> {
        let records = self.jobs.take().0;
        self.outbox.recorded(&records, &self.jobs);
        records
    }

    fn answer(&mut self, id: &str, vm: &str) {
        let line = json!({"type": "response", "id": id, "success": true}).to_string();
        self.jobs.answered(at_ms(1000), vm, &Reply::read(&line).unwrap(), &There);
        self.record();
    }
}

fn outcomes(results: &[TargetResult]) -> Vec<(&str, Outcome)> {
    results.iter().map(|result| (result.vm.as_str(), result.outcome)).collect()
}

/// The machines that begin, and of which job.
fn begun(decision: &Decision) -> Vec<(&str, &[String])> {
    let begin = decision.jobs.iter().filter(|begin| begin.cancelled_by.is_none());
    begin.map(|begin| (begin.id.as_str(), &begin.targets[..])).collect()
}

impl Hub {
    /// How machines of the hub's jobs of an order ended, by the jobs' ids.
    fn ended(&self) -> Vec<(String, String, Outcome)> {
        let each = |job: &Job| {
            let ended = job.targets().iter().filter_map(|it| Some((it.name.clone(), it.outcome()?)));
            let id = job.id().to_owned();
            ended.map(move |(vm, outcome)| (id.clone(), vm, outcome)).collect::<Vec<_>>()
        };
        self.jobs.jobs().flat_map(each).collect()
    }

    /// Another process with the same ledger.
    fn restart(&mut self) {
        let records: Vec<_> = self.jobs.snapshot().collect();
        (self.orders, self.jobs) = (HubOrders::new("h1"), Planner::replay(at_ms(1), &records));
    }
}

#[test]
fn a_command_becomes_a_job_of_the_hubs_own_with_the_orders_time() {
    let mut hub = Hub::new();
    let decision = hub.run(60_000, &json!({}), &["a", "b", "a"], false);
    let [begin] = &decision.jobs[..] else { panic!("{decision:?}") };
    assert_eq!((begin.id.as_str(), begin.actor.as_str()), ("j.2-0", "operator:alice"));
    assert_eq!(
        (&begin.targets[..], begin.request.not_after_secs),
        (&["a".into(), "b".into()][..], Some(540))
    );
    assert!(decision.results.is_empty());
}

#[test]
fn a_machine_begins_once_whoever_sends_what_how_often() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a"], false);
    assert_eq!(hub.run(1, &json!({}), &["a"], false), Decision::default());
    let more = hub.run(2, &json!({}), &["a", "b"], false);
    assert_eq!(begun(&more), [("j.2-0", &["b".to_owned()][..])]);
    hub.answer("j.2-0/a", "a");
    let again = hub.run(3, &json!({}), &["a", "b"], false);
    assert_eq!((begun(&again).len(), outcomes(&again.results)), (0, vec![("a", Outcome::Answered)]));
    assert_eq!((again.results[0].wave, again.results[0].job.as_str()), (2, "j"));
}

#[test]
fn what_does_not_begin_stays_so_also_after_a_restart() {
    let mut hub = Hub::new();
    assert!(begun(&hub.run(0, &json!({}), &["other"], false)).is_empty());
    assert!(begun(&hub.run(0, &json!({}), &["late"], true)).is_empty());
    let ended = [("j.2-2", "late", Outcome::Skipped), ("j.2-3", "other", Outcome::Skipped)];
    assert_eq!(hub.ended(), ended.map(|(id, vm, outcome)| (id.to_owned(), vm.to_owned(), outcome)));
    assert_eq!(hub.outbox.len(), 2);
    hub.restart();
    let again = hub.run(1, &json!({}), &["late", "other"], false);
    let skipped = Outcome::Skipped;
    assert_eq!(
        (again.jobs.len(), outcomes(&again.results)),
        (0, vec![("late", skipped), ("other", skipped)])
    );
}

#[test]
fn what_comes_after_the_orders_time_is_expired_and_what_is_not_there_absent() {
    let mut hub = Hub::new();
    let meant = |_: &str| Meant::Absent;
    let asked = Asked { wave: 0, targets: &["nowhere".to_owned()], close: false };
    let decision = hub.orders.run(at_ms(0), &opened(&json!({})), asked, &hub.jobs, &meant).unwrap();
    assert_eq!(begun(&decision), [("j.0-0", &["nowhere".to_owned()][..])], "the hub's job ends it as absent");
    let after = hub.run(600_000, &json!({}), &["a", "other"], false);
    assert!(after.jobs.is_empty());
    assert_eq!(outcomes(&after.results), [("a", Outcome::Expired), ("other", Outcome::Expired)]);
}

#[test]
fn of_a_cancelled_order_nothing_begins_also_if_the_command_comes_later() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a"], false);
    let (control, _) = control(1, What::Cancel);
    assert_eq!(hub.orders.cancel(&control, &hub.jobs), ["j.2-0"]);
    assert!(begun(&hub.run(1, &json!({}), &["a", "b"], false)).is_empty());
    assert_eq!(hub.ended(), [("j.2-1".to_owned(), "b".to_owned(), Outcome::Skipped)]);
    hub.restart();
    assert!(hub.run(2, &json!({}), &["b"], false).jobs.is_empty());
}

#[test]
fn who_may_end_only_his_own_orders_does_not_end_anothers_before_it_comes() {
    let mut hub = Hub::new();
    let (alices, _) = control(1, What::Cancel);
    hub.orders.cancel_own(&Control { operator: "bob".into(), ..alices.clone() });
    assert_eq!(begun(&hub.run(0, &json!({}), &["a"], false)).len(), 1);
    let mut hub = Hub::new();
    hub.orders.cancel_own(&alices);
    assert!(begun(&hub.run(0, &json!({}), &["a"], false)).is_empty());
}

#[test]
fn another_order_with_the_same_id_is_refused() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a"], false);
    for other in [
        json!({"vms": "a*"}),
        json!({"timeout": 7}),
        json!({"message":
        {"type": "UnsafeCommand", "raw_command": "id"}}),
    ] {
        let decision = hub.run(1, &other, &["a", "b"], false);
        assert!(decision.jobs.is_empty());
        assert!(decision.results.iter().all(|it| it.code.as_deref() == Some("ID_IN_USE")));
    }
}

#[test]
fn what_the_rules_refuse_is_refused_again() {
    let mut hub = Hub::new();
    let vms = ["a".to_owned()];
    let told = hub.orders.refused(at_ms(0), &opened(&json!({})), 2, &vms, "no rule", "NOT_ALLOWED");
    assert_eq!((told[0].outcome, told[0].code.as_deref()), (Outcome::Refused, Some("NOT_ALLOWED")));
    assert_eq!(hub.run(1, &json!({}), &["a"], false).results, told);
}

#[test]
fn results_wait_until_they_are_confirmed_and_come_once() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a", "b"], false);
    assert!(hub.outbox.is_empty());
    hub.answer("j.2-0/b", "b");
    let (key, result) = hub.outbox.next("h1", &hub.jobs).unwrap();
    assert_eq!((result.vm.as_str(), result.started_at_ms), ("b", Some(at_ms(0).wall_ms())));
    hub.outbox.back(key);
    assert_eq!(hub.outbox.len(), 1);
    hub.outbox.next("h1", &hub.jobs).unwrap();
    hub.jobs.cancel(at_ms(2000), "j.2-0", "bob");
    hub.jobs.tick(at_ms(2000), &There);
    hub.record();
    assert!(hub.outbox.next("h1", &hub.jobs).is_none(), "what runs has not ended");
    // After a restart all that may be waited for is said again.
    let restarted = Outbox::after_start(at_ms(700_000), &hub.jobs);
    assert_eq!(restarted.len(), 1);
    assert!(Outbox::after_start(at_ms(600_000 + 300_000 + 130_000), &hub.jobs).is_empty());
}

#[test]
fn jobs_of_the_host_are_none_of_the_fleets() {
    let mut hub = Hub::new();
    let request = opened(&json!({})).order.request(at_ms(0), 1);
    let actor = Actor { name: "uid 0", may: &|_| Ok(()) };
    hub.jobs.submit(at_ms(0), "local", actor, request, vec!["a".into()], &There).unwrap();
    hub.jobs.turn(at_ms(0), &There);
    hub.record();
    hub.answer("local/a", "a");
    assert!(hub.outbox.is_empty());
}
