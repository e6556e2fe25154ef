//! Write-back that fails: the memory under a disk is full, so the kernel can't write what a sync
//! asks for, says so once, and the next sync returns as if all were well.

use crate::disk::{FileSystem, Image, alone};
use crate::kill::{How, check};
use crate::ledger::{Death, Ledger};
use crate::outcome::{Keep, Outcome, Progress, Tally, in_parallel};
use crate::process::{Player, Program};
use crate::said::What;
use crate::writer::Part;
use annals_sim::Random;
use std::time::Duration;

/// Failures that one disk goes through.
const LIVES: u64 = 8;
/// Memory under a disk, before it is filled.
const MEMORY: u64 = 40 << 20;

#[derive(Default)]
struct Counts {
    disks: Tally,
    /// Writers whose store was poisoned, and how often; openings that found it so and went on.
    failed: Tally,
    poisoned: Tally,
    reopened: Tally,
    /// Disks that were given up: what failed was a table of the file system itself.
    given_up: Tally,
    landed: Tally,
    synced: Tally,
    faulted: Tally,
}

/// Lets write-back fail until so many writers were met by it.
pub fn eio(program: &Program, rounds: u64, seed: u64, keep: &Keep) -> Outcome {
    if let Err(why) = possible() {
        return Outcome::Skipped(why);
    }
    let (counts, progress) = (Counts::default(), Progress::new("failures", rounds));
    let violations = in_parallel(|| {
        alone()?;
        while counts.failed.get() < rounds {
            let nth = counts.disks.add(1);
            if nth > rounds * 4 {
                return Err("write-back does not fail here".to_owned());
            }
            let seed = seed.wrapping_add(nth);
            one_disk(program, rounds, seed, &counts, &progress, keep).map_err(|what| {
                format!("disk {seed}: {what}\n    again: annals-torture eio {LIVES} --seed {seed}")
            })?;
        }
        Ok(())
    });
    let figures = format!(
        "{} writers met by write-back that failed, stores poisoned {} times and opened again {} \
         times by the same writer, {} disks, {} of them given up with errors in their own tables, \
         {} commits acknowledged, {} of them as durable, {} \
         writers ended by a page that the disk did not give",
        counts.failed,
        counts.poisoned,
        counts.reopened,
        counts.disks,
        counts.given_up,
        counts.landed,
        counts.synced,
        counts.faulted,
    );
    progress.done(figures, violations)
}

/// Whether such a disk can be made, mounted and filled here; if not, why.
fn possible() -> Result<(), String> {
    let tried = std::thread::spawn(move || {
        alone()?;
        let image = Image::new(FileSystem::Ext4, MEMORY)?;
        let _disk = image.mount_by_pages()?;
        image.fill().map(drop).map_err(|error| format!("filling memory: {error}"))
    });
    tried.join().unwrap_or_else(|_| Err("trying it has panicked".to_owned()))
}

fn one_disk(
    program: &Program,
    rounds: u64,
    seed: u64,
    counts: &Counts,
    progress: &Progress,
    keep: &Keep,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let image = Image::new(FileSystem::Ext4, MEMORY)?;
    image.back_tables()?;
    let mut ledger = Ledger::new(Death::Power);
    for life in 1..=LIVES {
        if counts.failed.get() >= rounds {
            break;
        }
        let disk = image.mount_by_pages()?;
        let store = disk.store();
        let mut one = || -> Result<bool, String> {
            let said = |error: std::io::Error| error.to_string();
            if life > 1 {
                check(&store, seed, &mut ledger, How::random(&mut random))?;
            }
            let pace = Duration::from_micros(random.below(300) as u64);
            let part = Part { faulty: true, pace, ..Part::new(&store, seed, life) };
            let writer = Player::start(program, &part.words()).map_err(said)?;
            rest(&mut random, 20);
            let ballast = image.fill().map_err(said)?;
            rest(&mut random, 40);
            // For most there is room again while they are trying.
            if !random.one_in(4) {
                drop(ballast);
                rest(&mut random, 20);
            }
            let ended = writer.kill().map_err(said)?;
            count(&ended, &mut ledger, counts, progress)?;
            Ok(disk.errors()? == 0)
        };
        let is_whole = one().map_err(|what| {
            let what = format!("life {life}: {what}{}", ledger.last_words());
            format!("{what}\n    kept: {}", keep.file(&store, &format!("eio-{seed}-{life}")))
        })?;
        if !is_whole {
            counts.given_up.add(1);
            return Ok(());
        }
    }
    let disk = image.mount_by_pages()?;
    check(&disk.store(), seed, &mut ledger, How::Closing).map_err(|what| {
        format!("{what}\n    kept: {}", keep.file(&disk.store(), &format!("eio-{seed}-end")))
    })?;
    counts.landed.add(ledger.landed);
    counts.synced.add(ledger.synced);
    Ok(())
}

/// Takes in what the writer has said, and counts what has befallen it.
fn count(
    ended: &crate::process::Ended,
    ledger: &mut Ledger,
    counts: &Counts,
    progress: &Progress,
) -> Result<(), String> {
    if ended.tell_of_a_fault(ledger)? {
        counts.faulted.add(1);
    }
    let (mut times, mut again, mut is_poisoned) = (0, 0, false);
    for said in &ended.said {
        match said.what {
            What::Unknown if !is_poisoned => (times, is_poisoned) = (times + 1, true),
            What::Opened if is_poisoned => (again, is_poisoned) = (again + 1, false),
            What::Opened => is_poisoned = false,
            _ => {}
        }
    }
    counts.poisoned.add(times);
    counts.reopened.add(again);
    if times > 0 {
        counts.failed.add(1);
        progress.step();
    }
    Ok(())
}

/// Waits for some milliseconds.
fn rest(random: &mut Random, most: usize) {
    std::thread::sleep(Duration::from_micros(500 + random.below(most * 1_000) as u64));
}
