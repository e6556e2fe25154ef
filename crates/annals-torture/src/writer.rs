//! The writer: a process that opens a store and commits what is planned, says what it has begun and
//! what it was told, closes and opens again, until its plan is over or somebody ends it.

mod hand;
mod session;

use crate::plan::session_of;
use crate::said::{Said, What};
use annals::storage::Access;
use annals::{Error, ErrorKind, Options};
use annals_sim::Random;
use session::{End, Session};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What a writer is to do.
#[derive(Clone, Debug)]
pub struct Part {
    /// The store's file.
    pub store: PathBuf,
    /// What is planned for the store.
    pub seed: u64,
    /// Which of the store's writers it is; how it opens the store and in what order it does things
    /// follows from both.
    pub life: u64,
    /// How many steps it takes before it closes the store and ends; none: until it is killed.
    pub steps: Option<u64>,
    /// Whether the system may fail it: then errors are met, said, and tried again a few times.
    pub faulty: bool,
    /// Whether it waits for a tracer before it touches the store.
    pub traced: bool,
    /// Whether it commits by one thread only.
    pub alone: bool,
    /// How long it rests after each step.
    pub pace: Duration,
}

/// What a writer returns that has met what may not be.
pub(crate) const WRONG: u8 = 3;
/// After so many errors in a row the writer gives up.
const TRIES: u32 = 5;
/// A writer that takes longer with a plan that ends hangs.
#[cfg(target_os = "linux")]
const HANGS_AFTER: u32 = 60;

/// Plays the part.
pub fn write(part: &Part) -> ExitCode {
    if part.traced {
        nix::unistd::alarm::set(HANGS_AFTER);
        let stopped = nix::sys::ptrace::traceme()
            .and_then(|()| nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP));
        if let Err(error) = stopped {
            eprintln!("tracing is not possible here: {error}");
            return ExitCode::FAILURE;
        }
    }
    match live(part) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(WRONG)
        }
    }
}

fn live(part: &Part) -> Result<(), String> {
    let mut random = Random::new(part.seed ^ part.life.wrapping_mul(0xA076_1D64_78BD_642F));
    let mut steps = part.steps.unwrap_or(u64::MAX);
    let mut errors = 0;
    for opening in 1.. {
        Said::of(What::Opening, 0, 0).say();
        let (options, threads) = style(part, &mut random);
        let end = match options.open(&part.store) {
            Ok(store) => {
                let number = session_of(part.life, opening);
                Said::of(What::Opened, 0, number).say();
                let mut session = Session::new(part, store, number, &mut random);
                let end = session.run(threads, &mut steps)?;
                if session.has_landed {
                    errors = 0;
                }
                end
            }
            Err(error) => End::Failed(error),
        };
        match end {
            End::Closed if steps == 0 => {
                Said::of(What::Done, 0, 0).say();
                return Ok(());
            }
            End::Closed => {}
            End::Failed(error) => {
                tolerate(part, "the store", &error)?;
                errors += 1;
                if errors >= TRIES {
                    Said::of(What::GaveUp, 0, 0).say();
                    return Ok(());
                }
                std::thread::sleep(part.pace);
            }
        }
    }
    Ok(())
}

/// Errors of the system are met where it may fail; nothing else is, and damage never.
fn tolerate(part: &Part, whose: &str, error: &Error) -> Result<(), String> {
    let of_the_system =
        matches!(error.kind(), ErrorKind::Io | ErrorKind::Full | ErrorKind::OutcomeUnknown);
    if part.faulty && of_the_system {
        return Ok(());
    }
    Err(format!("{whose}: {:?} {error}", error.kind()))
}

/// How a session opens the store, and with how many threads it commits.
fn style(part: &Part, random: &mut Random) -> (Options, u8) {
    let milliseconds = |number: usize| Duration::from_millis(number as u64);
    let mut options = match random.below(4) {
        0 => Options::new(),
        1 => Options::new().segments(4_096, 65_536),
        _ => Options::new().segments(4_096, 8_192),
    };
    // An index in memory so small that runs are written and merged all the time, or of the usual
    // size.
    options = match random.below(5) {
        0 => options,
        1 => options.tail(2, u64::MAX),
        2 => options.tail(6, 2_048),
        3 => options.tail(20, u64::MAX),
        _ => options.tail(64, 16_384),
    };
    options = options.sync_within(milliseconds(1 + random.below(8)));
    options = options.idle(milliseconds(1 + random.below(20)));
    if random.one_in(4) {
        options = options.sync_bytes(4_096);
    }
    if random.one_in(8) {
        options = options.reserve(1 << 16);
    }
    if random.one_in(8) {
        options = options.pad_to_sector();
    }
    if random.one_in(8) {
        options = options.access(Access::Read);
    }
    if random.one_in(2) {
        options = options.without_keeper();
    }
    let threads = if random.one_in(3) { 2 + random.below(2) as u8 } else { 1 };
    (options, if part.alone { 1 } else { threads })
}
