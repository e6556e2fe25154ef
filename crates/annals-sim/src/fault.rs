//! Faults: operations that fail, a sync that fails and then lies.

use crate::check;
use crate::count::Count;
use crate::disk::{Fault, FaultPlan, Op, SimDisk};
use crate::model::Model;
use crate::plan::Plan;
use crate::play::{End, Played, play};
use crate::random::Random;
use annals::Rules;
use std::sync::Arc;

/// Each way to fail, and how often: once, or from then on.
const FAULTS: [(Fault, usize); 7] = [
    (Fault::Io, 1),
    (Fault::Io, usize::MAX),
    (Fault::NoSpace, 1),
    (Fault::NoSpace, usize::MAX),
    // An interruption without end is not a fault but a hang of the device.
    (Fault::Interrupted, 1),
    (Fault::Short, 1),
    (Fault::Short, usize::MAX),
];

/// Operations of a recovery, about.
const RECOVERY: usize = 40;

/// Plays the plan of this seed with each of its operations failing once, and from then on, in each
/// way; then the process is started again, the machine perhaps cut off. Only every `stride`-th
/// operation fails: 1 for all.
pub fn prove_faults(seed: u64, rules: Rules, steps: usize, stride: usize) -> Count {
    let mut random = Random::new(seed);
    let steps = 1 + random.below(steps);
    let plan = Plan::new(steps, &mut random);
    let faulty = Faulty { plan, rules, start: Vec::new(), seed: random.bits() };
    let start = faulty.plan.style.new_store(seed);
    let faulty = Faulty { start, ..faulty };

    let mut count = Count::default();
    let all = faulty.operations();
    for at in (seed as usize % stride.max(1)..all).step_by(stride.max(1)) {
        for (fault, times) in FAULTS {
            let faults = FaultPlan { at, times, fault, reads: true };
            for keeps_cache in [false, true] {
                count.states += 1;
                if let Err(what) = faulty.run(faults, keeps_cache) {
                    count.violation(format!("{faults:?}, cache {keeps_cache}: {what}"));
                }
            }
        }
    }
    count
}

/// A plan on a disk that is going to fail.
struct Faulty {
    plan: Plan,
    rules: Rules,
    start: Vec<u8>,
    seed: u64,
}

impl Faulty {
    /// How many operations the plan has without faults.
    fn operations(&self) -> usize {
        let disk = SimDisk::new(self.start.clone());
        let never = FaultPlan { at: usize::MAX, times: 0, fault: Fault::Io, reads: true };
        disk.set_faults(Some(never));
        self.play(disk).disk.operations()
    }

    fn play(&self, disk: SimDisk) -> Played {
        play(disk, Model::default(), &self.plan, self.rules, self.seed)
    }

    fn run(&self, faults: FaultPlan, keeps_cache: bool) -> Result<(), String> {
        let disk = SimDisk::journaling(self.start.clone());
        disk.set_faults(Some(faults));
        if keeps_cache {
            disk.keep_cache();
        }
        let played = self.play(disk);
        let journal = played.disk.take_journal();
        let durable = journal.iter().rev().find_map(|op| match op {
            Op::Durable(commits) => Some(*commits),
            _ => None,
        });
        let durable = durable.unwrap_or(0);
        played.disk.set_faults(None);
        if let Some(End::Wrong(what)) = played.end {
            return Err(what);
        }

        // The process is started again on the same machine: the cache may hold what the device
        // never got.
        let disk = played.disk.kill();
        drop(played.store);
        let disk = self.fail_again(disk, faults);
        let store = self.open(&disk)?;
        let there = check::prefix(&store, &played.model)?;
        if there < durable {
            return Err(format!("{there} commits are there, {durable} were durable"));
        }
        // What is shown now was made durable by recovery: a power cut takes none of it.
        let after = self.open(&SimDisk::scratch(disk.durable()))?;
        let seen = check::prefix(&after, &played.model)?;
        if seen != there {
            return Err(format!("{there} commits were recovered, a power cut left {seen}"));
        }
        check::retry(&after, &played.model, seen)
    }

    /// Now and then recovery meets a fault too, and the process dies once more.
    fn fail_again(&self, disk: SimDisk, before: FaultPlan) -> SimDisk {
        let mut random = Random::new(self.seed ^ before.at as u64);
        if !random.one_in(3) {
            return disk;
        }
        let (fault, times) = FAULTS[random.below(FAULTS.len())];
        disk.set_faults(Some(FaultPlan { at: random.below(RECOVERY), times, fault, reads: true }));
        // It may go wrong or not.
        let opened = self.open(&disk);
        disk.set_faults(None);
        let next = disk.kill();
        drop(opened);
        next
    }

    fn open(&self, disk: &SimDisk) -> Result<annals::Store, String> {
        let options = self.plan.style.options(self.rules, self.seed ^ 7);
        let opened = options.open_storage(Arc::new(disk.clone()));
        opened.map_err(|error| format!("refused after a fault: {error}"))
    }
}
