//! Five hundred hubs of two hundred machines: the same planner, without faults.

use crate::at_ms;
use crate::fixture::opened;
use crate::message::{Command, Order, Stage, TargetResult};
use crate::planner::{Effect, Planner, View};
use infiniservice_hub_core::job::Outcome;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

struct Nobody;

impl View for Nobody {
    fn hubs_away(&self) -> Vec<String> {
        Vec::new()
    }
    fn known(&self, _order: &Order, _hub: &str) -> Vec<String> {
        Vec::new()
    }
}

/// Lets a job run to its end over hubs that answer at once; how many commands were sent, and how many turns it took.
fn finish(planner: &mut Planner, machines: usize) -> (usize, usize) {
    let (mut sent, mut turns, mut ms) = (0, 0, 0);
    let mut ended = BTreeMap::<(String, String), u32>::new();
    loop {
        planner.turn(at_ms(ms), Duration::MAX, &Nobody);
        turns += 1;
        for effect in planner.take() {
            match effect {
                Effect::Ask { job, hub, .. } => {
                    let vms = (0..machines).map(|n| format!("{hub}-vm-{n:05}")).collect();
                    planner.resolved(&job, crate::Resolved { hub, vms });
                }
                Effect::MakePlan { plan, parts } => planner.planned(at_ms(ms), &plan, parts, &[]),
                Effect::Send { job, hub, command: Command::Run { targets, wave, .. } } => {
                    sent += 1;
                    for vm in targets {
                        *ended.entry((hub.clone(), vm.clone())).or_default() += 1;
                        planner.result(&answered(&job, &hub, vm, wave));
                    }
                }
                Effect::Write(progress) if progress.state == Stage::Finished => {
                    assert_eq!(progress.counts.answered as usize, ended.len());
                    assert!(ended.values().all(|times| *times == 1));
                    return (sent, turns);
                }
                _ => {}
            }
        }
        ms += 100;
    }
}

fn answered(job: &str, hub: &str, vm: String, wave: u32) -> TargetResult {
    TargetResult {
        job: job.to_owned(),
        hub: hub.to_owned(),
        vm,
        outcome: Outcome::Answered,
        code: None,
        text: None,
        result: None,
        started_at_ms: None,
        ended_at_ms: 0,
        wave,
        traceparent: None,
        coordinator: None,
    }
}

fn fleet(hubs: usize, fields: &serde_json::Value) -> Planner {
    let mut planner = Planner::new("c");
    planner.order(at_ms(0), opened(fields));
    (0..hubs).for_each(|n| planner.hub_back(at_ms(0), &format!("hub-{n:03}")));
    planner
}

#[test]
fn a_hundred_thousand_machines_on_five_hundred_hubs_end_with_one_command_a_hub() {
    let mut planner = fleet(500, &json!({}));
    let (sent, _) = finish(&mut planner, 200);
    assert_eq!(planner.job("j").unwrap().counts().answered, 100_000);
    assert_eq!(sent, 500);
}

#[test]
fn in_waves_and_with_few_at_one_time_all_of_them_end_too() {
    let waves = json!({"waves": ["canary:1", "1%", "10%", "rest"], "max_concurrency": 2000});
    let mut planner = fleet(500, &waves);
    let (sent, turns) = finish(&mut planner, 200);
    assert_eq!(planner.job("j").unwrap().counts().answered, 100_000);
    // Each turn sends a hub one command.
    assert!(sent <= turns * 500 && turns < 80, "{sent} commands in {turns} turns");
}
