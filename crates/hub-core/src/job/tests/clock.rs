//! A host's clock that is set: what is under way goes by the monotonic clock.

use super::rules::{ANN, fleet, request};
use crate::fleet::Fleet;
use crate::job::*;
use crate::{State, at};
use infiniservice_protocol::clock::Now;
use serde_json::json;
use std::time::{Duration, SystemTime};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// At this second, with a clock that was set ahead or back by a year.
fn set(second: u64, ahead: bool) -> Now {
    let wall: SystemTime = at(second).wall;
    Now { wall: if ahead { wall + YEAR } else { wall - YEAR }, ..at(second) }
}

#[test]
fn a_clock_that_is_set_by_a_year_ends_no_job_and_repeats_nothing() {
    for ahead in [true, false] {
        let machines = fleet(&["web"]);
        machines.away("later");
        let mut planner = Planner::default();
        let wanted = request("restart", json!({"not_after_secs": 600}));
        planner.submit(at(0), "j", ANN, wanted, vec!["web".into(), "later".into()], &machines).unwrap();
        planner.turn(at(0), &machines);
        planner.take();
        for second in [1, 60, 500] {
            planner.tick(set(second, ahead), &machines);
            assert!(planner.take().1.is_empty(), "nothing is written again");
        }
        assert_eq!(planner.job("j").unwrap().counts().sum(), 2);
        assert!(planner.job("j").unwrap().finished_at().is_none(), "{ahead}");
        planner.tick(set(601, ahead), &machines);
        assert_eq!(planner.job("j").unwrap().counts().accepted, 0, "its time is over by the monotonic clock");
    }
}

#[test]
fn a_clock_that_is_set_changes_no_machines_state() {
    let mut fleet = Fleet::default();
    fleet.claim(at(0), "web", "/web").unwrap();
    fleet.with(at(0), "web", |machine| (machine.connected(at(0)), vec![]));
    fleet.with(at(1), "web", |machine| (machine.spoke(at(1)), vec![]));
    for (second, ahead) in [(2, true), (3, false), (80, true), (90, false)] {
        fleet.tick(set(second, ahead));
        assert_eq!(fleet.get("web").unwrap().machine.state(), State::Up);
    }
    fleet.tick(set(91, false));
    assert_eq!(fleet.get("web").unwrap().machine.state(), State::Silent);
}
