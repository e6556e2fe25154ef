//! What the words of the command mean.

use annals_torture::{
    FileSystem, Keep, Outcome, Part, Program, Reading, Way, Where, check_file, eio, faults, kill,
    powercut, read, soak, syscalls, write,
};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
annals-torture: stores on the real kernel, and everything that may befall their writers

    annals-torture kill ROUNDS           SIGKILL at any moment
    annals-torture syscalls PLANS        SIGKILL at each system call of a plan
    annals-torture faults PLANS          each system call that has to do with a file fails, by six
                                         faults, once and from then on
    annals-torture powercut FS ROUNDS    a disk is switched off, FS being ext4 or xfs
    annals-torture eio ROUNDS            write-back fails, and the next sync lies
    annals-torture soak SECONDS          one writer, four readers, each killed at random; copies
    annals-torture check FILE SEED       looks at a store that was kept, as it would be looked at

PLANS is FIRST..END, or one plan to replay it.
    --seed N      the first store's plan (kill, powercut, eio, soak; default 1)
    --steps N     steps of a plan (syscalls, faults; default 20)
    --at N        only at the system call with this number (syscalls, faults)
    --way WAY     only in this way: eio-once, eio-on, enospc-once … short-on (faults)
    --pace N      microseconds that the writer rests after each step (soak; default 200)
    --in FOLDER   where stores lie that are no disks' (default: where temporary files are, and in
                  memory), and where those are kept that something is wrong with

Exit code: 0 no violation, 1 violations, 2 wrong use, 77 skipped, since this machine can't.
Example: annals-torture kill 100000
";

/// What is said behind the first words.
#[derive(Default)]
struct Flags {
    seed: Option<u64>,
    steps: Option<u64>,
    only: Where,
    pace: Option<u64>,
    folder: Option<PathBuf>,
}

/// Steps of a plan, and microseconds between those of a soak, unless told.
const STEPS: u64 = 20;
const PACE: u64 = 200;

pub(super) fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [] | ["help" | "--help" | "-h"] = words.as_slice() {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let wrong_use = || {
        eprint!("{HELP}");
        ExitCode::from(2)
    };
    if let ["writer", rest @ ..] = words.as_slice() {
        return Part::of(rest).map_or_else(wrong_use, |part| write(&part));
    }
    if let ["reader", rest @ ..] = words.as_slice() {
        return Reading::of(rest).map_or_else(wrong_use, |reading| read(&reading));
    }
    outcome(&words).map_or_else(wrong_use, |outcome| outcome.say())
}

fn outcome(words: &[&str]) -> Option<Outcome> {
    let first = words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len());
    let (words, flags) = words.split_at_checked(first)?;
    let Flags { seed, steps, only, pace, folder } = Flags::of(flags)?;
    let (seed, steps, keep) = (seed.unwrap_or(1), steps.unwrap_or(STEPS), Keep::new(folder));
    let program = Program::own().ok()?;
    Some(match words {
        ["kill", rounds] => kill(&program, rounds.parse().ok()?, seed, &keep),
        ["syscalls", plans] => syscalls(&program, range(plans)?, steps, only.at, &keep),
        ["faults", plans] => faults(&program, range(plans)?, steps, &only, &keep),
        ["powercut", system, rounds] => {
            let system: FileSystem = system.parse().ok()?;
            powercut(&program, system, rounds.parse().ok()?, seed, &keep)
        }
        ["eio", rounds] => eio(&program, rounds.parse().ok()?, seed, &keep),
        ["soak", seconds] => {
            let time = Duration::from_secs(seconds.parse().ok()?);
            let pace = Duration::from_micros(pace.unwrap_or(PACE));
            soak(&program, time, pace, seed, &keep)
        }
        ["check", file, seed] => check_file(Path::new(file), seed.parse().ok()?),
        _ => return None,
    })
}

impl Flags {
    fn of(words: &[&str]) -> Option<Self> {
        let mut flags = Self::default();
        for pair in words.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--seed" => flags.seed = Some(value.parse().ok()?),
                "--steps" => flags.steps = Some(value.parse().ok()?),
                "--at" => flags.only.at = Some(value.parse().ok()?),
                "--way" => flags.only.way = Some(value.parse::<Way>().ok()?),
                "--pace" => flags.pace = Some(value.parse().ok()?),
                "--in" => flags.folder = Some(PathBuf::from(value)),
                _ => return None,
            }
        }
        Some(flags)
    }
}

fn range(plans: &str) -> Option<Range<u64>> {
    match plans.split_once("..") {
        Some((first, end)) => Some(first.parse().ok()?..end.parse().ok()?),
        None => plans.parse().ok().map(|plan: u64| plan..plan.saturating_add(1)),
    }
}
