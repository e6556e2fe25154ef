//! Faults: operations that fail, a sync that fails and then lies.

use crate::check;
use crate::disk::{Fault, FaultPlan, Op, SimDisk};
use crate::plan::{self, Model};
use crate::prove::Count;
use crate::random::Random;
use annals::Rules;
use std::sync::Arc;

/// Runs the plan of this seed with each of its operations failing once, and from then on, in each
/// way; then the process is started again, the machine perhaps cut off.
pub fn prove_faults(seed: u64, rules: Rules, steps: usize, stride: usize) -> Count {
    let mut count = Count::default();
    let start = plan::new_store(seed);
    let all = counted(&start, seed, steps, rules);
    let mut at = seed as usize % stride.max(1);
    while at < all {
        for fault in [Fault::Io, Fault::NoSpace, Fault::Interrupted, Fault::Short] {
            for times in [1, usize::MAX] {
                if times > 1 && fault == Fault::Interrupted {
                    // An interruption without end is not a fault but a hang of the device.
                    continue;
                }
                let faults = FaultPlan { at, times, fault, reads: true };
                for keeps_cache in [false, true] {
                    count.states += 1;
                    if let Err(what) = one(&start, seed, steps, rules, faults, keeps_cache) {
                        count.violation(format!(
                            "seed {seed}, {faults:?}, cache {keeps_cache}: {what}"
                        ));
                    }
                }
            }
        }
        at += stride.max(1);
    }
    count
}

/// How many operations the plan has without faults.
fn counted(start: &[u8], seed: u64, steps: usize, rules: Rules) -> usize {
    let disk = SimDisk::new(start.to_vec());
    disk.set_faults(Some(FaultPlan { at: usize::MAX, times: 0, fault: Fault::Io, reads: true }));
    let run = plan::run(disk, Model::default(), steps, rules, &mut Random::new(seed));
    run.disk.operations()
}

fn one(
    start: &[u8],
    seed: u64,
    steps: usize,
    rules: Rules,
    faults: FaultPlan,
    keeps_cache: bool,
) -> Result<(), String> {
    let disk = SimDisk::journaling(start.to_vec());
    disk.set_faults(Some(faults));
    if keeps_cache {
        disk.keep_cache();
    }
    let run = plan::run(disk, Model::default(), steps, rules, &mut Random::new(seed));
    let journal = run.disk.take_journal();
    let last = |pick: fn(&Op) -> Option<usize>| journal.iter().rev().find_map(pick).unwrap_or(0);
    let durable = last(|op| match op {
        Op::Durable(commits) => Some(*commits),
        _ => None,
    });
    run.disk.set_faults(None);
    if let Some(what) = run.wrong {
        return Err(what);
    }

    // The process is started again on the same machine: the cache may hold what the device never
    // got.
    let disk = run.disk.kill();
    drop(run.store);
    let open = |disk: &SimDisk| {
        let opened = plan::options(rules, seed ^ 7).open_storage(Arc::new(disk.clone()));
        opened.map_err(|error| format!("refused after a fault: {error}"))
    };
    let store = open(&disk)?;
    let there = check::prefix(&store, &run.model)?;
    if there < durable {
        return Err(format!("{there} commits are there, {durable} were durable"));
    }
    // What is shown now was made durable by recovery: a power cut takes none of it.
    let after = SimDisk::new(disk.durable());
    let after = open(&after)?;
    let seen = check::prefix(&after, &run.model)?;
    if seen != there {
        return Err(format!("{there} commits were recovered, a power cut left {seen}"));
    }
    check::retry(&after, &run.model, seen)?;
    debug_assert!(!disk.cached().is_empty(), "the disk is in use to the end");
    Ok(())
}
