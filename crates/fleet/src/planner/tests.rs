//! The coordinator's rules, one by one; the simulation has them all together.

use super::*;
use crate::at_ms;
use crate::fixture::{control, opened};
use crate::message::{Command, Missing, Order, Progress, Stage, What};
use infiniservice_hub_core::job::Outcome;
use serde_json::{Value, json};

/// Of every hub the machine `known-HUB` is known, and `gone` is away.
struct Known;

impl View for Known {
    fn hubs_away(&self) -> Vec<String> {
        vec!["gone".into()]
    }
    fn known(&self, _order: &Order, hub: &str) -> Vec<String> {
        vec![format!("known-{hub}")]
    }
}

/// A coordinator, and what it did last.
struct Bench {
    planner: Planner,
    effects: Vec<Effect>,
    ms: u64,
}

impl Bench {
    fn new(coordinator: &str, fields: &Value) -> Self {
        let mut planner = Planner::new(coordinator);
        planner.order(at_ms(0), opened(fields));
        planner.hub_back(at_ms(0), "h1");
        planner.hub_back(at_ms(0), "h2");
        Self { planner, effects: Vec::new(), ms: 0 }
    }

    /// Two hubs with these machines each, and their plan.
    fn running(coordinator: &str, fields: &Value, machines: usize) -> Self {
        let mut bench = Self::new(coordinator, fields);
        bench.plan("c1", machines, &[]);
        bench.turn(0);
        bench
    }

    fn plan(&mut self, by: &str, machines: usize, results: &[TargetResult]) {
        let vms = |hub: &str| (0..machines).map(|n| format!("{hub}-{n}")).collect();
        let part = |hub: &str| Part { hub: hub.into(), vms: vms(hub), missing: None };
        let hubs = vec!["h1".into(), "h2".into()];
        let plan = Plan { job: "j".into(), hubs, at_ms: 0, coordinator: by.into() };
        self.planner.planned(at_ms(self.ms), &plan, vec![part("h1"), part("h2")], results);
    }

    fn turn(&mut self, ms: u64) -> &mut Self {
        self.ms = ms;
        self.planner.turn(at_ms(ms), Duration::MAX, &Known);
        self.effects = self.planner.take();
        self
    }

    fn end(&mut self, vm: &str, outcome: Outcome) -> &mut Self {
        self.planner.result(&result(vm, outcome));
        self
    }

    fn control(&mut self, number: u64, what: What) -> &mut Self {
        let (control, signed) = control(number, what);
        self.planner.control(control, signed);
        self
    }

    /// The machines that were sent, with `!` where they were closed, and `cancel HUB`.
    fn sent(&self) -> Vec<String> {
        let mut sent = Vec::new();
        for effect in &self.effects {
            match effect {
                Effect::Send { command: Command::Run { targets, close, .. }, .. } => {
                    let mark = if *close { "!" } else { "" };
                    sent.extend(targets.iter().map(|vm| format!("{vm}{mark}")));
                }
                Effect::Send { hub, .. } => sent.push(format!("cancel {hub}")),
                _ => {}
            }
        }
        sent
    }

    fn words(&self) -> Vec<(&str, Outcome)> {
        let words = self.effects.iter().filter_map(|effect| match effect {
            Effect::Publish(result) => Some((result.vm.as_str(), result.outcome)),
            _ => None,
        });
        words.collect()
    }

    fn progress(&self) -> &Progress {
        let mut progress = self.effects.iter().filter_map(|effect| match effect {
            Effect::Write(progress) => Some(progress),
            _ => None,
        });
        progress.next_back().expect("a progress")
    }

    fn counts(&self) -> (u32, u32, u32) {
        let counts = self.planner.job("j").unwrap().counts();
        (counts.accepted, counts.sent, counts.sum() - counts.open())
    }
}

fn result(vm: &str, outcome: Outcome) -> TargetResult {
    let hub = vm.split_once('-').unwrap().0;
    serde_json::from_value(
        json!({"job": "j", "hub": hub, "vm": vm, "outcome": outcome, "ended_at_ms": 0, "wave": 0}),
    )
    .unwrap()
}

#[test]
fn all_hubs_are_asked_until_they_answer_and_one_that_does_not_is_missed() {
    let mut bench = Bench::new("c1", &json!({}));
    let asked = |bench: &Bench| bench.effects.iter().filter(|it| matches!(it, Effect::Ask { .. })).count();
    assert_eq!(asked(bench.turn(0)), 2);
    assert_eq!(bench.progress().state, Stage::Resolving);
    assert_eq!(asked(bench.turn(1000)), 0);
    bench.planner.resolved("j", Resolved { hub: "h1".into(), vms: vec!["a".into()] });
    assert_eq!(asked(bench.turn(2000)), 1);
    bench.turn(9999);
    assert!(!bench.effects.iter().any(|it| matches!(it, Effect::MakePlan { .. })));
    bench.turn(10_000);
    let Some(Effect::MakePlan { plan, parts }) =
        bench.effects.iter().find(|it| matches!(it, Effect::MakePlan { .. }))
    else {
        panic!("{:?}", bench.effects)
    };
    assert_eq!(plan.hubs, ["gone", "h1", "h2"]);
    assert_eq!(parts[2].vms, ["known-h2"]);
    let missing = |n: usize| parts[n].missing.as_ref().map(|missing| missing.outcome);
    assert_eq!([missing(0), missing(1), missing(2)], [Some(Outcome::Absent), None, Some(Outcome::Absent)]);
}

#[test]
fn a_hub_that_refuses_has_its_machines_refused_with_its_reason() {
    let mut bench = Bench::new("c1", &json!({}));
    bench.planner.refused("j", "h1", "no rule allows it", "NOT_ALLOWED", &Known);
    bench.planner.refused("j", "h2", "no rule allows it", "NOT_ALLOWED", &Known);
    bench.turn(0);
    let made = bench.effects.iter().find_map(|it| match it {
        Effect::MakePlan { plan, parts } => Some((plan.clone(), parts.clone())),
        _ => None,
    });
    let (plan, parts) = made.unwrap();
    let code = |part: &Part| part.missing.as_ref().and_then(|Missing { code, .. }| code.clone());
    assert!(parts.iter().skip(1).all(|part| code(part).as_deref() == Some("NOT_ALLOWED")));
    bench.planner.planned(at_ms(0), &plan, parts, &[]);
    bench.turn(10);
    let refused = Outcome::Refused;
    assert_eq!(
        bench.words(),
        [("known-gone", Outcome::Absent), ("known-h1", refused), ("known-h2", refused)]
    );
    assert_eq!((bench.progress().state, bench.progress().hubs_missing), (Stage::Finished, 3));
}

#[test]
fn waves_follow_each_other_and_no_more_run_than_may() {
    let fields = json!({"waves": ["canary:1", "3", "rest"], "max_concurrency": 2});
    let mut bench = Bench::running("c1", &fields, 4);
    assert_eq!((bench.sent(), bench.counts()), (vec!["h1-0".into()], (7, 1, 0)));
    assert_eq!(bench.end("h1-0", Outcome::Answered).turn(200).sent(), ["h1-1", "h2-0"]);
    assert_eq!(bench.progress().wave, 1);
    assert!(bench.turn(400).sent().is_empty());
    assert_eq!(bench.end("h2-0", Outcome::Failed).turn(600).sent(), ["h2-1"]);
    assert!(bench.end("h1-1", Outcome::Answered).turn(800).sent().is_empty(), "the wave has not ended");
    assert_eq!(bench.end("h2-1", Outcome::Answered).turn(1000).sent(), ["h1-2", "h2-2"]);
    for vm in ["h1-2", "h2-2", "h1-3", "h2-3"] {
        bench.end(vm, Outcome::Answered);
    }
    assert_eq!((bench.turn(1200).progress().state, bench.counts()), (Stage::Finished, (0, 0, 8)));
}

#[test]
fn a_canary_that_does_not_answer_ends_the_job() {
    for outcome in [Outcome::Failed, Outcome::Expired, Outcome::Absent] {
        let mut bench = Bench::running("c1", &json!({"waves": ["canary:1", "rest"]}), 2);
        bench.end("h1-0", outcome).turn(200);
        assert_eq!((bench.sent().len(), bench.words().len(), bench.counts()), (0, 3, (0, 0, 4)));
        assert!(bench.progress().stopped_by_failures && bench.progress().state == Stage::Finished);
    }
}

#[test]
fn with_more_failures_than_allowed_no_further_machine_begins_and_what_runs_goes_on() {
    let mut bench = Bench::running("c1", &json!({"max_concurrency": 2, "max_failures": 1}), 3);
    bench.end("h1-0", Outcome::Failed).turn(200);
    assert_eq!(bench.sent(), ["h1-1"]);
    bench.end("h2-0", Outcome::Unknown).turn(400);
    assert_eq!((bench.sent().len(), bench.counts()), (0, (0, 1, 5)));
    assert_eq!(bench.words().len(), 3);
    assert_eq!(bench.end("h1-1", Outcome::Answered).turn(600).progress().state, Stage::Finished);
}

#[test]
fn a_job_is_paused_resumed_and_cancelled_by_the_newest_word() {
    let mut bench = Bench::running("c1", &json!({"max_concurrency": 1}), 2);
    bench.control(5, What::Pause).end("h1-0", Outcome::Answered);
    assert_eq!((bench.turn(200).sent().len(), bench.progress().state), (0, Stage::Paused));
    bench.control(4, What::Resume);
    assert!(bench.turn(400).sent().is_empty(), "an older word changes nothing");
    assert_eq!(bench.control(6, What::Resume).turn(600).sent(), ["h2-0"]);
    bench.control(7, What::Cancel).control(8, What::Resume).turn(800);
    assert_eq!(bench.sent(), ["cancel h2", "h2-0"]);
    assert_eq!(bench.words(), [("h1-1", Outcome::Skipped), ("h2-1", Outcome::Skipped)]);
    assert_eq!(bench.progress().cancelled_by.as_deref(), Some("alice"));
    // Until it is heard how it ended.
    assert_eq!(bench.turn(40_000).sent(), ["cancel h2", "h2-0"]);
    assert_eq!(bench.end("h2-0", Outcome::Answered).turn(41_000).progress().state, Stage::Finished);
}

#[test]
fn the_first_result_counts_and_another_one_is_told() {
    let mut bench = Bench::running("c1", &json!({}), 1);
    bench.end("h1-0", Outcome::Answered).end("h1-0", Outcome::Answered);
    assert!(!bench.turn(200).effects.iter().any(|it| matches!(it, Effect::Tell(_))));
    bench.end("h1-0", Outcome::Failed).end("h1-9", Outcome::Failed).turn(400);
    let told: Vec<_> = bench.effects.iter().filter(|it| matches!(it, Effect::Tell(_))).collect();
    assert!(matches!(
        told[..],
        [Effect::Tell(Told::OtherResult { .. }), Effect::Tell(Told::NoTarget { .. })]
    ));
    assert_eq!(bench.planner.job("j").unwrap().counts().answered, 1);
}

#[test]
fn what_is_not_heard_is_sent_again_less_and_less_often() {
    let mut bench = Bench::running("c1", &json!({"not_after_ms": at_ms(0).wall_ms() + 86_400_000}), 1);
    let mut times = Vec::new();
    for second in 1..2000 {
        if !bench.turn(second * 1000).sent().is_empty() {
            times.push(second);
        }
    }
    assert_eq!(times, [30, 60, 120, 240, 480, 960, 1560]);
    bench.planner.hub_gone("h1");
    bench.planner.hub_back(at_ms(2_000_000), "h1");
    assert_eq!(bench.turn(2_001_000).sent(), ["h1-0"]);
}

#[test]
fn what_was_never_sent_expires_and_what_was_is_unknown_if_it_is_a_change() {
    let mut bench = Bench::running("c1", &json!({"max_concurrency": 1}), 1);
    assert_eq!(bench.turn(600_000).words(), [("h2-0", Outcome::Expired)]);
    bench.turn(600_000 + 300_000 + GRACE_MS - 1);
    assert_eq!(bench.counts(), (0, 1, 1));
    bench.turn(600_000 + 300_000 + GRACE_MS);
    assert_eq!((bench.words(), bench.progress().state), (vec![("h1-0", Outcome::Unknown)], Stage::Finished));
    // The hub's own word, when it comes after all, counts.
    bench.end("h1-0", Outcome::Answered);
    assert_eq!(bench.planner.job("j").unwrap().counts().answered, 1);
    let read = json!({"message": {"type": "SafeCommand", "command_type": {"action": "ServiceList"}}});
    let mut bench = Bench::running("c1", &read, 1);
    let late = 600_000 + 3_600_000 * 2 + GRACE_MS;
    assert!(bench.turn(late).words().iter().all(|(_, outcome)| *outcome == Outcome::Expired));
}

#[test]
fn the_machines_of_a_hub_that_is_away_take_no_places_and_come_first_when_it_is_back() {
    let mut bench = Bench::new("c1", &json!({"max_concurrency": 2}));
    bench.planner.hub_gone("h1");
    bench.plan("c1", 3, &[]);
    assert_eq!(bench.turn(0).sent(), ["h2-0", "h2-1"]);
    bench.planner.hub_back(at_ms(100), "h1");
    bench.end("h2-0", Outcome::Answered);
    assert_eq!(bench.turn(200).sent(), ["h1-0"]);
}

#[test]
fn another_coordinator_sends_again_first_what_was_sent_and_knows_what_has_ended() {
    let mut bench = Bench::new("c2", &json!({"max_concurrency": 2}));
    bench.plan("c1", 3, &[result("h1-0", Outcome::Answered), result("h1-1", Outcome::Failed)]);
    assert_eq!(bench.turn(0).sent(), ["h2-0", "h2-1"]);
}

#[test]
fn another_coordinator_asks_the_hubs_of_a_job_that_is_over_what_began() {
    let begin = || {
        let mut bench = Bench::new("c2", &json!({"max_failures": 0}));
        bench.plan("c1", 1, &[]);
        bench
    };
    let mut bench = begin();
    assert_eq!(bench.control(1, What::Cancel).turn(0).sent(), ["cancel h1", "h1-0", "cancel h2", "h2-0"]);
    assert!(bench.words().is_empty());
    let mut bench = begin();
    assert_eq!(bench.end("h1-0", Outcome::Failed).turn(0).sent(), ["h2-0!"]);
    assert!(bench.words().is_empty());
}

#[test]
fn without_a_lease_nothing_is_done() {
    let mut bench = Bench::new("c1", &json!({}));
    bench.plan("c1", 1, &[]);
    bench.planner.turn(at_ms(500), Duration::from_millis(500), &Known);
    assert!(bench.planner.take().is_empty());
}

#[test]
fn an_order_that_means_nothing_is_finished_and_says_so() {
    let mut bench = Bench::new("c1", &json!({}));
    bench.plan("c1", 0, &[]);
    bench.turn(0);
    assert_eq!(bench.progress().state, Stage::Finished);
    assert!(bench.progress().why.as_ref().unwrap().contains("no machine"));
    assert!(bench.turn(1000).effects.is_empty());
    // Until somebody has written it.
    assert_eq!(bench.turn(6000).effects.len(), 1);
    bench.planner.forget("j");
    assert_eq!(bench.planner.wake(), None);
}

#[test]
fn who_waits_is_woken_for_each_thing_that_time_alone_brings() {
    let mut bench = Bench::running("c1", &json!({"max_concurrency": 1}), 1);
    let mut turns = 0;
    while bench.planner.job("j").unwrap().stage() != Stage::Finished {
        let wake = u64::try_from(bench.planner.wake().unwrap().as_millis()).unwrap();
        assert!(wake > bench.ms, "at {} it would be woken at {wake}", bench.ms);
        bench.turn(wake);
        turns += 1;
    }
    assert_eq!(bench.ms, 600_000 + 300_000 + GRACE_MS);
    assert!(turns < 500, "{turns}");
}
