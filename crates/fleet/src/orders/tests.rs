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
        let meant = |vm: &str| match vm {
            "other" => Meant::No,
            "nowhere" => Meant::Absent,
            _ => Meant::Yes,
        };
        let asked = Asked { wave: 2, targets: &targets, close };
        let decision = self.orders.run(at_ms(ms), &opened(fields), asked, &self.jobs, &meant).unwrap();
        if let Some(begin) = decision.begin.clone() {
            let actor = Actor { name: &begin.actor, may: &|_| Ok(()) };
            let (id, now) = (&begin.id, at_ms(ms));
            match self.jobs.job(id).is_some() {
                true => self.jobs.extend(now, id, actor, begin.targets, &There).unwrap(),
                false => self.jobs.submit(now, id, actor, begin.request, begin.targets, &There).unwrap(),
            };
            self.jobs.turn(at_ms(ms), &There);
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

#[test]
fn a_command_becomes_a_job_of_the_hubs_own_with_the_orders_time() {
    let mut hub = Hub::new();
    let decision = hub.run(60_000, &json!({}), &["a", "b", "a"], false);
    let begin = decision.begin.unwrap();
    assert_eq!((begin.id.as_str(), begin.actor.as_str()), ("j.2-0", "operator:alice"));
    assert_eq!((begin.targets, begin.request.not_after_secs), (vec!["a".into(), "b".into()], Some(540)));
    assert!(decision.results.is_empty());
}

#[test]
fn a_machine_begins_once_whoever_sends_what_how_often() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a"], false);
    assert_eq!(hub.run(1, &json!({}), &["a"], false), Decision::default());
    let more = hub.run(2, &json!({}), &["a", "b"], false).begin.unwrap();
    assert_eq!((more.id.as_str(), more.targets), ("j.2-0", vec!["b".to_owned()]));
    hub.answer("j.2-0/a", "a");
    let again = hub.run(3, &json!({}), &["a", "b"], false);
    assert_eq!((again.begin, outcomes(&again.results)), (None, vec![("a", Outcome::Answered)]));
    assert_eq!((again.results[0].wave, again.results[0].job.as_str()), (2, "j"));
}

#[test]
fn what_does_not_begin_is_said_and_stays_so() {
    let mut hub = Hub::new();
    let decision = hub.run(0, &json!({}), &["other", "nowhere"], false);
    let expected = [("other", Outcome::Skipped), ("nowhere", Outcome::Absent)];
    assert_eq!((decision.begin.is_none(), outcomes(&decision.results)), (true, expected.to_vec()));
    assert_eq!(outcomes(&hub.run(0, &json!({}), &["late"], true).results), [("late", Outcome::Skipped)]);
    let late = hub.run(1, &json!({}), &["late"], false);
    assert_eq!((late.begin, outcomes(&late.results)), (None, vec![("late", Outcome::Skipped)]));
    let after = hub.run(600_000, &json!({}), &["a", "other"], false);
    assert_eq!(outcomes(&after.results), [("a", Outcome::Expired), ("other", Outcome::Skipped)]);
}

#[test]
fn of_a_cancelled_order_nothing_begins_also_if_the_command_comes_later() {
    let mut hub = Hub::new();
    hub.run(0, &json!({}), &["a"], false);
    let (control, _) = control(1, What::Cancel);
    assert_eq!(hub.orders.cancel(&control, &hub.jobs), ["j.2-0"]);
    let decision = hub.run(1, &json!({}), &["a", "b"], false);
    assert_eq!((decision.begin, outcomes(&decision.results)), (None, vec![("b", Outcome::Skipped)]));
}

#[test]
fn who_may_end_only_his_own_orders_does_not_end_anothers_before_it_comes() {
    let mut hub = Hub::new();
    let (alices, _) = control(1, What::Cancel);
    hub.orders.cancel_own(&Control { operator: "bob".into(), ..alices.clone() });
    assert!(hub.run(0, &json!({}), &["a"], false).begin.is_some());
    let mut hub = Hub::new();
    hub.orders.cancel_own(&alices);
    assert_eq!(outcomes(&hub.run(0, &json!({}), &["a"], false).results), [("a", Outcome::Skipped)]);
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
        assert!(decision.begin.is_none());
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
