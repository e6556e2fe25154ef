//! Rot: a durable sector becomes garbage. Nothing acknowledged may vanish without a word.

use crate::check;
use crate::clock;
use crate::count::Count;
use crate::crash::Moment;
use crate::disk::{SECTOR, SimDisk};
use crate::model::Model;
use crate::plan::{Plan, Style};
use crate::play::play;
use crate::random::Random;
use annals::Rules;
use std::sync::Arc;

/// Plays the plan of this seed, and lets sectors of what it left rot, at several moments.
///
/// `refused` is not counted here: that is what should happen.
pub fn prove_rot(seed: u64, rules: Rules, steps: usize) -> Count {
    clock::begin();
    let mut random = Random::new(seed);
    let mut count = Count::default();
    let plan = Plan::new(steps, &mut random);
    let style = plan.style;
    let start = style.new_store(random.bits());
    // Written under the whole rule, but for what is written at all; then read under the rule that
    // is tried.
    let written = Rules { stub: rules.stub, ..Rules::ALL };
    let disk = SimDisk::journaling(start.clone());
    let played = play(disk, Model::default(), &plan, written, random.bits());
    let journal = played.disk.take_journal();
    let mut moment = Moment::new(start, 0, style.tearing());
    for (at, op) in journal.iter().enumerate() {
        moment.step(op);
        if !op.is_durable_note() || moment.durable_commits == 0 {
            continue;
        }
        let power = (moment.durable_only(), moment.durable_commits, "power cut");
        let death = (moment.cache.clone(), moment.acknowledged.max(power.1), "process death");
        for (bytes, least, what) in [power, death] {
            let model = played.model.cut(moment.begun);
            for sector in rotten_sectors(&bytes, &mut random) {
                let rotten = rot(&bytes, sector, &mut random);
                count.states += 1;
                let told =
                    judge((&bytes, rotten, sector), &model, least, style, rules, &mut random);
                match told {
                    Ok(Told::Enough) => {}
                    Ok(Told::Nothing) => count.silent += 1,
                    Err(wrong) => {
                        count
                            .violation(format!("operation {at}, {what}, sector {sector}: {wrong}"));
                    }
                }
            }
        }
    }
    count
}

/// The slots' first sectors, and some of those that are not empty.
fn rotten_sectors(bytes: &[u8], random: &mut Random) -> Vec<usize> {
    let used: Vec<usize> = bytes
        .chunks(SECTOR)
        .enumerate()
        .filter(|(_, sector)| sector.iter().any(|byte| *byte != 0))
        .map(|(nth, _)| nth)
        .collect();
    let slots = [4_096 / SECTOR, 8_192 / SECTOR];
    slots.into_iter().chain((0..6).map(|_| used[random.below(used.len())])).collect()
}

fn rot(bytes: &[u8], sector: usize, random: &mut Random) -> Vec<u8> {
    let mut rotten = bytes.to_vec();
    let end = ((sector + 1) * SECTOR).min(rotten.len());
    let place = &mut rotten[sector * SECTOR..end];
    match random.below(3) {
        0 => place.fill(0),
        1 => place.iter_mut().for_each(|byte| *byte = random.byte()),
        _ => {
            let bit = random.below(SECTOR * 8);
            place[bit / 8] ^= 1 << (bit % 8);
        }
    }
    rotten
}

/// What a rotten store has told.
enum Told {
    /// Everything is there, or the damage is reported.
    Enough,
    /// Something is missing, and no surviving byte could have told.
    Nothing,
}

/// Whether what was acknowledged is there, or its loss is reported, or was never promised.
fn judge(
    (healthy, rotten, sector): (&[u8], Vec<u8>, usize),
    model: &Model,
    least: usize,
    style: Style,
    rules: Rules,
    random: &mut Random,
) -> Result<Told, String> {
    let options = style.options(rules, random.bits());
    let Ok(store) = options.open_storage(Arc::new(SimDisk::scratch(rotten))) else {
        return Ok(Told::Enough);
    };
    match check::prefix(&store, model) {
        // An error while reading is a word, too.
        Err(what) if what.contains("corrupt") => Ok(Told::Enough),
        Err(what) => Err(what),
        Ok(there) if there >= least => Ok(Told::Enough),
        Ok(there) if !is_proven(healthy, sector, there) => Ok(Told::Nothing),
        Ok(there) => Err(format!("{there} commits are there, {least} were acknowledged, no word")),
    }
}

/// Whether the bytes outside of this sector prove that the first commit that is missing was synced:
/// a slot, a frame or a stub says so.
///
/// This reads the fields where FORMAT.md has them, without any of the store's code.
fn is_proven(healthy: &[u8], sector: usize, there: usize) -> bool {
    let field = |at: usize| {
        let bytes = healthy.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    let spared = |at: usize, length: usize| {
        let touched = at / SECTOR..=(at + length - 1) / SECTOR;
        !touched.contains(&sector)
    };
    let slots = [4_096, 8_192].into_iter().filter(|at| spared(*at, 4_096)).map(|at| field(at + 96));
    let mut evidence = slots.max().unwrap_or(0);
    let mut frames = Vec::new();
    for at in (4 * 4_096..healthy.len()).step_by(8) {
        match healthy.get(at..at + 4) {
            Some(b"ANFR") => {
                frames.push(field(at + 8));
                if spared(at, 96) {
                    evidence = evidence.max(field(at + 72));
                }
            }
            Some(b"ANEN") if spared(at, 96) => evidence = evidence.max(field(at + 72)),
            Some(b"ANST") if spared(at, 48) => evidence = evidence.max(field(at + 32)),
            _ => {}
        }
    }
    // The first that is missing, in the order of the log.
    frames.sort_unstable();
    frames.get(there).is_some_and(|missing| evidence > *missing)
}
