//! Ten thousand hours of faults, and the proof that the simulator would notice a broken link.

use super::subject::Mutation;
use super::{Life, live};

const HOURS_A_LIFE: u64 = 50;
const LIVES: u64 = 200;

/// Runs the lives of these seeds.
fn lives(seeds: impl Iterator<Item = u64>) -> Life {
    let mut sum = Life::default();
    for seed in seeds {
        sum += live(seed, HOURS_A_LIFE, None).unwrap_or_else(|violation| panic!("{violation}"));
    }
    sum
}

#[test]
fn ten_thousand_hours_of_faults_break_no_invariant() {
    let half = std::thread::spawn(|| lives((0..LIVES).filter(|seed| seed % 2 == 1)));
    let mut all = lives((0..LIVES).filter(|seed| seed % 2 == 0));
    all += half.join().expect("the other half of the lives");
    assert!(all.faults > 100_000 && all.commands > 400_000, "{all:?}");
    assert!(all.cut > 100 && all.refused > 100, "the bound is reached: {all:?}");
    assert!(
        all.batches > 10_000 && all.extras > 100_000,
        "batches, output and streams are part of it: {all:?}"
    );
    assert!(all.compressed > 10_000 && all.garbled > 100, "compressed lines and damaged ones: {all:?}");
    assert!(all.bulk_lines > 10_000 && all.bulk_falls > 100, "a second port, and one not read: {all:?}");
    assert!(all.left_out > 1000, "a host that does not read gets less: {all:?}");
    println!("{} simulated hours: {all:?}", LIVES * HOURS_A_LIFE);
}

#[test]
fn one_seed_is_one_life() {
    assert_eq!(live(42, 20, None).expect("holds"), live(42, 20, None).expect("holds"));
}

#[test]
fn every_broken_link_is_caught() {
    for mutation in Mutation::ALL {
        let caught = (0..20).find_map(|seed| live(seed, 50, Some(mutation)).err());
        let violation = caught.unwrap_or_else(|| panic!("{mutation:?} went unnoticed"));
        println!("{mutation:?}: {}", violation.what);
    }
}
