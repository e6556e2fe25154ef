//! The proof, as far as it goes in a few minutes. The full run is a command: see README, 'How it is
//! tested'.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::expect_used,
    reason = "tests that say what they counted"
)]

use annals::Rules;
use annals_sim::{Ablation, Count, Effort, prove, prove_faults, prove_rot};

fn sum(seeds: std::ops::Range<u64>, one: impl Fn(u64) -> Count + Sync) -> Count {
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let one = &one;
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..workers)
            .map(|nth| {
                let seeds = seeds.clone();
                scope.spawn(move || {
                    let mut count = Count::default();
                    seeds
                        .filter(|seed| seed % workers == nth)
                        .for_each(|seed| count.add(one(seed)));
                    count
                })
            })
            .collect();
        let mut all = Count::default();
        parts.into_iter().for_each(|part| all.add(part.join().expect("no proof panics")));
        all
    })
}

#[test]
fn no_crash_loses_what_was_acknowledged() {
    let mut count = sum(0..2_000, |seed| prove(seed, Rules::ALL, Effort::SHORT));
    count.add(sum(0..1_400, |seed| prove(seed, Rules::ALL, Effort::LONG)));
    println!("{} crash states, {} double crashes", count.states, count.double);
    assert!(count.is_clean(), "{count:#?}");
    assert!(count.states >= 1_000_000 && count.double >= 100_000, "{count:?}");
}

#[test]
fn no_rot_goes_unnoticed() {
    let count = sum(0..200, |seed| prove_rot(seed, Rules::ALL, 24));
    println!("{} rotten sectors", count.states);
    assert!(count.is_clean(), "{count:#?}");
}

#[test]
fn no_fault_loses_what_was_acknowledged() {
    let count = sum(0..40, |seed| prove_faults(seed, Rules::ALL, 24, 7));
    println!("{} faults", count.states);
    assert!(count.is_clean(), "{count:#?}");
}

#[test]
fn without_any_part_of_the_rule_something_is_lost() {
    for ablation in Ablation::ALL {
        let (states, losses) = ablation.run(40);
        println!("{}: {losses} of {states} ({:?})", ablation.name, ablation.loss);
        assert!(losses > 0, "{} is not missed in {states} states", ablation.name);
    }
}
