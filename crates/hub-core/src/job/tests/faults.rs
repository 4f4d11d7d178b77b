//! Connections that break, agents that start anew and hubs that are killed, for many hours and at every record.

use super::world::World;
use crate::job::{Job, Outcome, Target};
use std::collections::BTreeSet;
use std::time::Duration;

/// Whatever may go wrong in one step.
fn trouble(world: &mut World, calm: u64) {
    let vms: Vec<_> = world.guests.0.keys().cloned().collect();
    let vm = &vms[world.rng.below(vms.len() as u64) as usize];
    match world.rng.below(calm) {
        0 => lose(world, vm),
        1 if world.rng.one_in(3) => world.guests.0.get_mut(vm).unwrap().restart(),
        2 if world.rng.one_in(3) => {
            world.guests.0.get_mut(vm).unwrap().restart();
            world.connect(vm);
        }
        3 => world.connect(vm),
        _ => {}
    }
    for vm in &vms {
        // The worst moment for it: with answers under way.
        if !world.guests.0[vm].outgoing.is_empty() && world.rng.one_in(calm) {
            lose(world, vm);
        }
        let guest = &world.guests.0[vm];
        if guest.connection.is_none() && guest.away_until <= world.now && world.rng.one_in(30) {
            world.connect(vm);
        }
    }
}

/// The connection breaks, for a moment or for longer than ids are remembered.
fn lose(world: &mut World, vm: &str) {
    let outage = if world.rng.one_in(4) { world.rng.below(3000) } else { 0 };
    let guest = world.guests.0.get_mut(vm).unwrap();
    guest.disconnect();
    guest.away_until = world.now + Duration::from_secs(outage);
}

fn outcomes(world: &World) -> BTreeSet<Outcome> {
    let all = world.planner.jobs().flat_map(Job::targets);
    all.filter_map(Target::outcome).collect()
}

#[test]
fn for_a_hundred_hours_each_machine_ends_once_and_nothing_is_done_twice() {
    let mut seen = BTreeSet::new();
    for seed in 0..5 {
        let (mut world, mut jobs) = (World::new(seed, 9), 0);
        while world.now.as_secs() < 20 * 3600 {
            if world.rng.one_in(400) {
                jobs += 1;
                world.submit(&format!("j-{jobs}"));
            }
            if world.rng.one_in(1500) {
                let job = format!("j-{}", 1 + world.rng.below(jobs + 1));
                world.planner.cancel(world.now(), &job, "bob");
            }
            trouble(&mut world, 60);
            world.step();
            if world.rng.one_in(500) {
                let bytes = world.rng.below(2000) as usize;
                world.kill(bytes);
            } else if !world.rng.one_in(4) {
                world.sync();
            }
        }
        assert!(jobs > 50, "{jobs}");
        seen.extend(outcomes(&world));
    }
    assert_eq!(seen, Outcome::ALL.into(), "the simulation does not reach every outcome");
}

/// A short run with much trouble. `kill` is the record at whose end, or in whose midst, the hub is killed.
fn short_run(seed: u64, kill: Option<(usize, bool)>) -> usize {
    let mut world = World::new(seed, 5);
    for vm in world.guests.0.keys().cloned().collect::<Vec<_>>() {
        world.connect(&vm);
    }
    let mut killed = false;
    for step in 0..20_000 {
        if step < 3 {
            world.submit(&format!("j-{step}"));
        }
        if step == 40 {
            world.planner.cancel(world.now(), "j-1", "bob");
        }
        trouble(&mut world, 12);
        world.step();
        if let Some((record, torn)) = kill.filter(|(record, _)| !killed && world.records > *record) {
            let before = world.records - world.unsynced.len();
            let mut lines = world.unsynced.iter().take((record + 1).saturating_sub(before));
            let whole: usize = lines.clone().map(String::len).sum();
            let cut = lines.next_back().map_or(0, |line| if torn { line.len() / 2 } else { 0 });
            world.kill(whole - cut);
            killed = true;
        }
        world.sync();
        if step > 40 && world.all_finished() {
            break;
        }
    }
    assert!(world.all_finished() && (killed || kill.is_none()));
    let records = world.records;
    world.kill(0);
    assert!(world.all_finished());
    records
}

#[test]
fn a_hub_that_is_killed_at_any_record_or_in_its_midst_goes_on_as_if_it_had_not_been() {
    for seed in 100..106 {
        let records = short_run(seed, None);
        assert!(records > 20, "{records}");
        // Up to the kill, a run is that of the same seed.
        for record in 0..records {
            short_run(seed, Some((record, false)));
            short_run(seed, Some((record, true)));
        }
    }
}
