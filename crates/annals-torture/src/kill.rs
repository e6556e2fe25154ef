//! Writers that are killed at any moment: while they make a store, open and recover it, commit,
//! write runs, close it.

use crate::check::{Found, look};
use crate::ledger::{Death, Ledger};
use crate::outcome::{Keep, Outcome, Progress, Tally, in_parallel};
use crate::process::{Player, Program};
use crate::said::What;
use crate::writer::Part;
use annals::{Options, Store};
use annals_sim::Random;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Lives of writers on one store.
const LIVES: u64 = 16;

/// How many were killed where.
#[derive(Default)]
struct Counts {
    rounds: Tally,
    opening: Tally,
    open: Tally,
    closing: Tally,
    landed: Tally,
    synced: Tally,
}

/// Kills writers, so many times, on new stores every so often.
///
/// Every other store lies in memory where the machine has such a place: what a killed process
/// leaves is in the page cache, wherever the file is.
pub fn kill(program: &Program, rounds: u64, seed: u64, keep: &Keep) -> Outcome {
    let (counts, progress) = (Counts::default(), Progress::new("kills", rounds));
    let stores = AtomicU64::new(0);
    let violations = in_parallel(|| {
        while counts.rounds.get() < rounds {
            let nth = stores.fetch_add(1, Ordering::Relaxed);
            let place = keep.folder(nth % 2 == 1).map_err(|error| error.to_string())?;
            let path = place.path().join("a.annals");
            let seed = seed.wrapping_add(nth);
            let lived = lives(program, &path, seed, rounds, &counts, &progress);
            lived.map_err(|(life, what)| {
                let kept = keep.file(&path, &format!("kill-{seed}-{life}"));
                let again = format!("annals-torture kill {} --seed {seed}", LIVES * 20);
                format!("store {seed}, life {life}: {what}\n    kept: {kept}\n    again: {again}")
            })?;
        }
        Ok(())
    });
    let figures = format!(
        "{} kills ({} opening or making the store, {} with it open, {} closing it), {} commits \
         acknowledged, {} of them as durable",
        counts.rounds, counts.opening, counts.open, counts.closing, counts.landed, counts.synced,
    );
    progress.done(figures, violations)
}

/// Writers on one store, each killed; in the end it is closed, opened and looked at again.
fn lives(
    program: &Program,
    path: &Path,
    seed: u64,
    rounds: u64,
    counts: &Counts,
    progress: &Progress,
) -> Result<(), (u64, String)> {
    let mut ledger = Ledger::new(Death::Process);
    let mut random = Random::new(seed);
    for life in 1..=LIVES {
        if counts.rounds.add(1) >= rounds {
            counts.rounds.take_back();
            break;
        }
        let mut one = || -> Result<(), String> {
            let said = |error: std::io::Error| error.to_string();
            let writer =
                Player::start(program, &Part::new(path, seed, life).words()).map_err(said)?;
            std::thread::sleep(moment(&mut random));
            let ended = writer.kill().map_err(said)?;
            ended.tell(&mut ledger)?;
            match ledger.phase {
                What::Opened => &counts.open,
                What::Closing => &counts.closing,
                _ => &counts.opening,
            }
            .add(1);
            check(path, seed, &mut ledger, How::random(&mut random))
        };
        let done = one();
        done.map_err(|what| (life, what + &ledger.last_words()))?;
        progress.step();
    }
    counts.landed.add(ledger.landed);
    counts.synced.add(ledger.synced);
    check(path, seed, &mut ledger, How::Closing).map_err(|what| (LIVES + 1, what))
}

/// When a writer is killed, after its start: mostly soon, sometimes later.
fn moment(random: &mut Random) -> Duration {
    let most = [1_000, 3_000, 6_000, 20_000][random.below(4)];
    Duration::from_micros(300 + random.below(most) as u64)
}

/// How a store is looked at that somebody has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// Only to look: the next writer recovers it.
    Looking,
    /// A copy is opened to write: the next writer recovers the store.
    Copied,
    /// It is opened to write, and left as a second crash right after the recovery would leave it.
    Recovered,
    /// It is opened to write and closed, and then it is a closed store.
    Closing,
}

impl How {
    pub(crate) fn random(random: &mut Random) -> Self {
        [Self::Looking, Self::Copied, Self::Recovered, Self::Closing][random.below(4)]
    }
}

/// Holds the store to what is known of it.
pub(crate) fn check(path: &Path, seed: u64, ledger: &mut Ledger, how: How) -> Result<(), String> {
    let there = path.try_exists().map_err(|error| error.to_string())?;
    if !there {
        let none_wanted = !ledger.expects_a_store();
        return none_wanted.then_some(()).ok_or_else(|| "the store is gone".to_owned());
    }
    let other = path.with_extension("copy");
    let found = match how {
        How::Looking => look_at(path, seed, ledger, false)?.0,
        How::Copied => {
            copy(path, &other)?;
            let found = look_at(&other, seed, ledger, true)?.0;
            std::fs::remove_file(&other).map_err(|error| error.to_string())?;
            found
        }
        How::Recovered => {
            let (found, store) = look_at(path, seed, ledger, true)?;
            copy(path, &other)?;
            drop(store);
            replace(&other, path).map_err(|error| format!("replacing it: {error}"))?;
            found
        }
        How::Closing => {
            let (found, store) = look_at(path, seed, ledger, true)?;
            store.close().map_err(|error| format!("closing it: {error:?}"))?;
            drop(store);
            let (_, store) = look_at(path, seed, ledger, false)?;
            let ending = store.recovery_report().ending;
            if ending != annals::Ending::Closed {
                return Err(format!("was closed, but is found as {ending:?}"));
            }
            found
        }
    };
    ledger.judge(&found)
}

fn look_at(
    path: &Path,
    seed: u64,
    ledger: &Ledger,
    to_write: bool,
) -> Result<(Found, Store), String> {
    let options = Options::new().without_keeper();
    let opened = if to_write { options.open(path) } else { options.open_read_only(path) };
    let store = opened.map_err(|error| format!("opening it ({to_write}): {error:?}"))?;
    let report = store.recovery_report();
    let found = look(&store, seed, ledger.head()).map_err(|what| {
        format!("opened to {}: {report}: {what}", if to_write { "write" } else { "look" })
    })?;
    Ok((found, store))
}

/// Puts a file in the place of another, for good.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    File::open(from)?.sync_all()?;
    std::fs::rename(from, to)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::copy(from, to).map(drop).map_err(|error| format!("copying it: {error}"))
}
