//! Crashes: every moment of a plan, several fates of its sectors, recovery, going on, crashing
//! again.

use crate::check;
use crate::crash::Moment;
use crate::disk::{Op, SimDisk};
use crate::plan::{self, Model};
use crate::random::Random;
use annals::Rules;
use std::sync::Arc;

/// How much is tried for a seed.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Steps of a plan.
    pub steps: usize,
    /// Random states for each moment of it.
    pub states: usize,
    /// Where at most so many sectors are unsynced, all their subsets instead.
    pub exhaustive: usize,
    /// One state in so many is gone on with and crashed again.
    pub again: usize,
}

/// What was tried and found.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// Crash states that were recovered and checked.
    pub states: u64,
    /// Crash states of what went on after a crash, those inside recovery included.
    pub double: u64,
    /// Healthy stores that were refused as corrupt.
    pub refused: u64,
    /// Other violations.
    pub violations: u64,
    /// Losses by rot that no surviving byte could have told.
    pub silent: u64,
    /// What the first few were, with what replays them.
    pub examples: Vec<String>,
}

impl Count {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.double += other.double;
        self.refused += other.refused;
        self.violations += other.violations;
        self.silent += other.silent;
        self.examples.extend(other.examples);
        self.examples.truncate(5);
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.refused == 0 && self.violations == 0
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.violations += 1;
        if self.examples.len() < 5 {
            self.examples.push(what);
        }
    }

    fn refusal(&mut self, what: String) {
        self.refused += 1;
        if self.examples.len() < 5 {
            self.examples.push(what);
        }
    }
}

/// How many commits may be there after a crash.
#[derive(Clone, Copy)]
struct Bounds {
    least: usize,
    most: usize,
}

/// Runs the plan of this seed under these rules, and crashes it at every moment.
pub fn prove(seed: u64, rules: Rules, effort: Effort) -> Count {
    let mut random = Random::new(seed);
    let mut count = Count::default();
    let start = plan::new_store(random.bits());
    let disk = SimDisk::journaling(start.clone());
    let run = plan::run(disk, Model::default(), effort.steps, rules, &mut random);
    if let Some(error) = run.error {
        // Without the whole rule a process that dies may already be refused.
        count.refusal(format!("seed {seed}: the plan itself stopped: {error}"));
    }
    if let Some(what) = run.wrong {
        count.violation(format!("seed {seed}: {what}"));
    }
    let journal = run.disk.take_journal();
    let mut moment = Moment::new(start);
    for (at, op) in journal.iter().enumerate() {
        if !moment.step(op) {
            continue;
        }
        let name = |state: &str| format!("seed {seed}, operation {at}, {state}");
        let power = Bounds { least: moment.durable_commits, most: moment.begun };
        let sectors = moment.unsynced();
        let subsets = if sectors <= effort.exhaustive { 1 << sectors } else { 0 };
        for subset in 0..subsets {
            let bytes = moment.subset_crash(subset);
            let name = name(&format!("subset {subset:#b} of {sectors}"));
            crashed(bytes, &run.model, power, rules, effort, &mut random, &name, &mut count);
        }
        for nth in 0..effort.states {
            let bytes = moment.random_crash(&mut random);
            let name = name(&format!("state {nth}"));
            crashed(bytes, &run.model, power, rules, effort, &mut random, &name, &mut count);
        }
        // The process dies, the machine does not: everything acknowledged is there.
        let death = Bounds { least: moment.acknowledged.max(power.least), most: moment.begun };
        let bytes = moment.cache.clone();
        let name = name("process death");
        crashed(bytes, &run.model, death, rules, effort, &mut random, &name, &mut count);
    }
    count
}

/// Recovers a crash state and checks it; once in a while goes on from there and crashes again.
#[expect(clippy::too_many_arguments, reason = "everything that a state is")]
fn crashed(
    bytes: Vec<u8>,
    model: &Model,
    bounds: Bounds,
    rules: Rules,
    effort: Effort,
    random: &mut Random,
    name: &str,
    count: &mut Count,
) {
    count.states += 1;
    let disk = SimDisk::new(bytes.clone());
    let seed = random.bits();
    let model = model.cut(bounds.most);
    let there = match recovered(&disk, &model, rules, seed, bounds) {
        Ok(there) => there,
        Err(Trouble::Refused(error)) => return count.refusal(format!("{name}: refused: {error}")),
        Err(Trouble::Wrong(what)) => return count.violation(format!("{name}: {what}")),
    };
    if effort.again > 0 && random.one_in(effort.again) {
        again(bytes, &model.cut(there), rules, seed, random, name, count);
    }
}

enum Trouble {
    Refused(annals::Error),
    Wrong(String),
}

/// Opens what a crash left and says how many commits are there.
fn recovered(
    disk: &SimDisk,
    model: &Model,
    rules: Rules,
    seed: u64,
    bounds: Bounds,
) -> Result<usize, Trouble> {
    let options = plan::options(rules, seed);
    let store = options.open_storage(Arc::new(disk.clone())).map_err(Trouble::Refused)?;
    let there = check::prefix(&store, model).map_err(Trouble::Wrong)?;
    if there < bounds.least {
        let least = bounds.least;
        return Err(Trouble::Wrong(format!(
            "{there} commits are there, {least} were acknowledged"
        )));
    }
    // What was recovered is as good as new.
    let report = store.verify().map_err(|error| Trouble::Wrong(error.to_string()))?;
    if !report.is_whole() && rules == Rules::ALL {
        return Err(Trouble::Wrong(format!("verify: {:?}", report.issues)));
    }
    if rules == Rules::ALL {
        check::retry(&store, model, there).map_err(Trouble::Wrong)?;
    }
    Ok(there)
}

/// Recovers once more with a journal, goes on a little, and crashes at random moments of that: in
/// recovery, and after it.
fn again(
    bytes: Vec<u8>,
    kept: &Model,
    rules: Rules,
    seed: u64,
    random: &mut Random,
    name: &str,
    count: &mut Count,
) {
    let disk = SimDisk::journaling(bytes.clone());
    let mut goes_on = Random::new(seed);
    let run = plan::run(disk, kept.clone(), 6, rules, &mut goes_on);
    if let Some(error) = run.error {
        return count.refusal(format!("{name}, going on: {error}"));
    }
    if let Some(what) = run.wrong {
        return count.violation(format!("{name}, going on: {what}"));
    }
    let journal = run.disk.take_journal();
    let mut moment = Moment::new(bytes);
    // Before the first note nothing was begun but what was kept; all of it, and no more, stays.
    (moment.begun, moment.acknowledged, moment.durable_commits) =
        (kept.commits.len(), kept.commits.len(), kept.commits.len());
    let every = 1 + journal.len() / 8;
    let mut left = random.below(every);
    for (at, op) in journal.iter().enumerate() {
        let differs = moment.step(op);
        left = left.saturating_sub(1);
        if !differs || left > 0 {
            continue;
        }
        left = 1 + random.below(every);
        count.double += 1;
        let bounds = Bounds { least: moment.durable_commits, most: moment.begun };
        let disk = SimDisk::new(moment.random_crash(random));
        let model = run.model.cut(bounds.most);
        match recovered(&disk, &model, rules, random.bits(), bounds) {
            Ok(_) => {}
            Err(Trouble::Refused(error)) => {
                count.refusal(format!("{name}, then operation {at}: refused: {error}"));
            }
            Err(Trouble::Wrong(what)) => {
                count.violation(format!("{name}, then operation {at}: {what}"))
            }
        }
    }
}

impl Op {
    /// Whether it is a note that everything so far is durable, at which rot is tried.
    pub(crate) fn is_durable_note(&self) -> bool {
        matches!(self, Self::Durable(_))
    }
}
