//! The long runs, and the replay of a single seed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use annals::Rules;
use annals_sim::{
    Ablation, Count, Effort, Sweep, SweepCount, Thoroughness, prove, prove_faults, prove_rot,
};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const HELP: &str = "\
annals-sim: crashes, rots and faults against a simulated disk

    annals-sim crash  [SEEDS]   power cuts and process deaths at every moment of a plan, and again
    annals-sim small  [SEEDS]   the same of short plans, where unsynced sectors meet every fate
    annals-sim rot    [SEEDS]   durable sectors become garbage
    annals-sim fault  [SEEDS]   operations fail, once and from then on; a failed sync lies
    annals-sim ablate [SEEDS]   the rule with each part switched off: every part has to be missed
    annals-sim shrink crash|small SEED   leaves out of a failing plan what it fails without
    annals-sim sweep  [IMAGES [N]]  each bit and byte of two stores flipped, each sector replaced

SEEDS is FIRST..END, or one seed to replay it (default 0..1000). So is IMAGES (default all); with N
one in so many of them.
Exit code: 0 no violation, 1 violations, 2 wrong use.
Example: annals-sim crash 0..100000
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, seeds) = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["sweep"] => return sweep(0..u64::MAX, 1),
        ["sweep", images, every] => match (parse(images), every.parse()) {
            (Some(images), Ok(every @ 1..)) => return sweep(images, every),
            _ => ("", None),
        },
        [what] => (*what, Some(0..1_000)),
        ["shrink", what, seed] => return shrunk(what, seed),
        [what, seeds] => (*what, parse(seeds)),
        _ => ("", None),
    };
    let Some(seeds) = seeds else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    let count = match what {
        "sweep" => return sweep(seeds, 1),
        "crash" => run(seeds, &|seed| prove(seed, Rules::ALL, Effort::LONG)),
        "small" => run(seeds, &|seed| prove(seed, Rules::ALL, Effort::SHORT)),
        "rot" => run(seeds, &|seed| prove_rot(seed, Rules::ALL, 24)),
        "fault" => run(seeds, &|seed| prove_faults(seed, Rules::ALL, 24, 1)),
        "ablate" => return ablate(seeds.end),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    println!(
        "{} states, {} double crashes, {} refused, {} violations, {} losses no byte could tell",
        count.states, count.double, count.refused, count.violations, count.silent
    );
    count.examples.iter().for_each(|example| println!("  {example}"));
    if count.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(seeds: &str) -> Option<Range<u64>> {
    match seeds.split_once("..") {
        Some((first, end)) => Some(first.parse().ok()?..end.parse().ok()?),
        None => seeds.parse().ok().map(|seed: u64| seed..seed.saturating_add(1)),
    }
}

fn sweep(images: Range<u64>, every: u64) -> ExitCode {
    let sweep = Sweep::default();
    sweep.samples().for_each(|sample| println!("{sample}"));
    let all = images.end.min(sweep.images()).saturating_sub(images.start);
    let one = |nth| sweep.one(images.start + nth * every, Thoroughness::Full);
    let said = |count: &SweepCount| format!("{} tried", count.images);
    let count = on_all(0..all.div_ceil(every), &one, SweepCount::add, said);
    println!(
        "{} images, {} told, {} harmless, {} losses no byte could tell, {} violations",
        count.images, count.told, count.harmless, count.silent, count.violations
    );
    count.examples.iter().for_each(|example| println!("  {example}"));
    if count.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Proves each of the seeds. Of several that fail, each gives one example.
fn run(seeds: Range<u64>, one: &(dyn Fn(u64) -> Count + Sync)) -> Count {
    let most = if seeds.end - seeds.start > 1 { 1 } else { usize::MAX };
    let named = |seed| {
        let mut count = one(seed);
        let named = |what| format!("seed {seed}: {what}");
        count.examples = count.examples.into_iter().take(most).map(named).collect();
        count
    };
    let said = |count: &Count| format!("{} states, {} double", count.states, count.double);
    on_all(seeds, &named, Count::add, said)
}

/// Tries all of these numbers on all processors, saying every few seconds how far it is.
fn on_all<C: Default + Send>(
    numbers: Range<u64>,
    one: &(dyn Fn(u64) -> C + Sync),
    add: fn(&mut C, C),
    said: fn(&C) -> String,
) -> C {
    let next = AtomicU64::new(numbers.start);
    let all = Mutex::new((C::default(), Instant::now()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let count = one(number);
                    let Ok(mut all) = all.lock() else { break };
                    add(&mut all.0, count);
                    if all.1.elapsed().as_secs() >= 10 {
                        all.1 = Instant::now();
                        eprintln!("{number} of {}: {}", numbers.end, said(&all.0));
                    }
                }
            });
        }
    });
    all.into_inner().map(|(count, _)| count).unwrap_or_default()
}

fn shrunk(what: &str, seed: &str) -> ExitCode {
    let effort = match what {
        "crash" => Effort::LONG,
        _ => Effort::SHORT,
    };
    let Ok(seed) = seed.parse() else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    match annals_sim::shrink(seed, Rules::ALL, effort) {
        Some(left) => {
            println!("{left}");
            ExitCode::FAILURE
        }
        None => {
            println!("seed {seed} holds");
            ExitCode::SUCCESS
        }
    }
}

fn ablate(seeds: u64) -> ExitCode {
    let mut missed = true;
    for ablation in Ablation::ALL {
        let (states, losses) = ablation.run(seeds);
        println!("{}: {losses} of {states} ({:?})", ablation.name, ablation.loss);
        missed &= losses > 0;
    }
    if missed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
