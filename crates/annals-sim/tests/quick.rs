//! A few seconds of each proof: a first answer for whoever changes the store, and what mutation
//! testing runs for every mutant.
#![allow(missing_docs, reason = "tests say it by their names")]

use annals::Rules;
use annals_sim::{Count, Effort, prove, prove_faults, prove_rot};

fn sum(seeds: std::ops::Range<u64>, one: impl Fn(u64) -> Count) -> Count {
    let mut all = Count::default();
    for seed in seeds {
        all.add(one(seed));
        // The rest would say nothing new.
        if !all.is_clean() {
            break;
        }
    }
    all
}

#[test]
fn short_plans_survive_their_crashes() {
    let count = sum(0..24, |seed| prove(seed, Rules::ALL, Effort::SHORT));
    assert!(count.is_clean() && count.states > 5_000, "{count:#?}");
}

#[test]
fn long_plans_survive_their_crashes() {
    let count = sum(0..24, |seed| prove(seed, Rules::ALL, Effort::LONG));
    assert!(count.is_clean() && count.double > 1_000, "{count:#?}");
}

#[test]
fn what_rots_is_told() {
    let count = sum(0..24, |seed| prove_rot(seed, Rules::ALL, 24));
    assert!(count.is_clean() && count.states > 3_000, "{count:#?}");
}

#[test]
fn failing_operations_lose_nothing() {
    let count = sum(0..12, |seed| prove_faults(seed, Rules::ALL, 24, 7));
    assert!(count.is_clean() && count.states > 1_000, "{count:#?}");
}
