//! Power cuts: a disk is switched off while a writer works on it, mounted again, looked at, gone on
//! with.

use crate::disk::{Cut, Disk, FileSystem, Image, alone};
use crate::kill::{How, check};
use crate::ledger::{Death, Ledger};
use crate::outcome::{Keep, Outcome, Progress, Tally, in_parallel};
use crate::process::{Player, Program};
use crate::writer::Part;
use annals_sim::Random;
use std::time::Duration;

/// Power cuts that one disk goes through.
const CUTS: u64 = 12;
/// Memory that a disk may take.
const MEMORY: u64 = 256 << 20;

#[derive(Default)]
struct Counts {
    cuts: Tally,
    disks: Tally,
    /// Commits that were acknowledged, as durable, and that the cuts took away.
    landed: Tally,
    synced: Tally,
    lost: Tally,
    /// Writers that a page killed that the disk could not give any more.
    faulted: Tally,
}

/// Cuts the power so many times.
pub fn powercut(
    program: &Program,
    system: FileSystem,
    rounds: u64,
    seed: u64,
    keep: &Keep,
) -> Outcome {
    if let Err(why) = possible(system) {
        return Outcome::Skipped(why);
    }
    let (counts, progress) = (Counts::default(), Progress::new("power cuts", rounds));
    let violations = in_parallel(|| {
        alone()?;
        while counts.cuts.get() < rounds {
            let seed = seed.wrapping_add(counts.disks.add(1));
            let done = one_disk(program, system, rounds, seed, &counts, &progress, keep);
            done.map_err(|what| {
                let again = format!("annals-torture powercut {system} {CUTS} --seed {seed}");
                format!("{system}, disk {seed}: {what}\n    again: {again}")
            })?;
        }
        Ok(())
    });
    let figures = format!(
        "{} power cuts on {} {system} disks, {} commits acknowledged, {} of them as durable, {} \
         that were not durable lost, {} writers ended by a page that the disk did not give",
        counts.cuts, counts.disks, counts.landed, counts.synced, counts.lost, counts.faulted,
    );
    progress.done(figures, violations)
}

/// Whether such a disk can be made, mounted and switched off here; if not, why.
fn possible(system: FileSystem) -> Result<(), String> {
    // In a thread of its own, whose mounts nobody sees.
    let tried = std::thread::spawn(move || {
        alone()?;
        let image = Image::new(system, MEMORY)?;
        let disk = image.mount("")?;
        disk.cut(Cut::Nothing)
    });
    tried.join().unwrap_or_else(|_| Err("trying it has panicked".to_owned()))
}

/// A disk with a store, through several power cuts.
fn one_disk(
    program: &Program,
    system: FileSystem,
    rounds: u64,
    seed: u64,
    counts: &Counts,
    progress: &Progress,
    keep: &Keep,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let image = Image::new(system, MEMORY)?;
    let options = match (system, random.below(4)) {
        (FileSystem::Ext4, 0) => ",data=writeback",
        (FileSystem::Ext4, 1) => ",data=journal",
        _ => "",
    };
    let mut ledger = Ledger::new(Death::Power);
    for life in 1..=CUTS {
        if counts.cuts.add(1) >= rounds {
            counts.cuts.take_back();
            break;
        }
        let disk = image.mount(options)?;
        let mut one = || -> Result<(), String> {
            if life > 1 {
                look(&disk, seed, &mut ledger, How::random(&mut random), counts)?;
            }
            let part = Part { faulty: true, ..Part::new(&disk.store(), seed, life) };
            let writer =
                Player::start(program, &part.words()).map_err(|error| error.to_string())?;
            std::thread::sleep(moment(&mut random));
            writer.take().into_iter().try_for_each(|said| ledger.hear(said))?;
            ledger.switch_off();
            disk.cut(how(&mut random))?;
            // What the store makes of a disk that is gone.
            std::thread::sleep(Duration::from_micros(random.below(4_000) as u64));
            let ended = writer.kill().map_err(|error| error.to_string())?;
            if ended.tell_of_a_fault(&mut ledger)? {
                counts.faulted.add(1);
            }
            Ok(())
        };
        let done = one();
        done.map_err(|what| {
            let what = format!("life {life}: {what}{}", ledger.last_words());
            kept(what, &disk, &format!("{system}-{seed}-{life}"), keep)
        })?;
        drop(disk);
        progress.step();
    }
    let disk = image.mount(options)?;
    look(&disk, seed, &mut ledger, How::Closing, counts)
        .map_err(|what| kept(what, &disk, &format!("{system}-{seed}-end"), keep))?;
    drop(disk);
    counts.landed.add(ledger.landed);
    counts.synced.add(ledger.synced);
    image.check()
}

/// Looks at a store that was mounted again; counts what was lost, as it may be.
fn look(
    disk: &Disk,
    seed: u64,
    ledger: &mut Ledger,
    how: How,
    counts: &Counts,
) -> Result<(), String> {
    let before = ledger.acknowledged();
    check(&disk.store(), seed, ledger, how)?;
    let lost = before.saturating_sub(ledger.acknowledged());
    counts.lost.add(lost);
    Ok(())
}

fn kept(what: String, disk: &Disk, name: &str, keep: &Keep) -> String {
    format!("{what}\n    kept: {}", keep.file(&disk.store(), name))
}

/// When the power is cut, after the writer's start.
fn moment(random: &mut Random) -> Duration {
    let most = [4_000, 20_000, 80_000, 250_000][random.below(4)];
    Duration::from_micros(500 + random.below(most) as u64)
}

/// Mostly nothing is written that is not on its way; that loses the most.
fn how(random: &mut Random) -> Cut {
    match random.below(8) {
        0 => Cut::Flushed,
        1 | 2 => Cut::Journal,
        _ => Cut::Nothing,
    }
}
