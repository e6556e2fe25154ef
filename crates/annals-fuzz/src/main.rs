//! The targets without a fuzzer: single inputs, and stretches from a seed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use annals_fuzz::stretch::Stretch;
use annals_fuzz::targets::{TARGETS, Target, target};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
annals-fuzz: what the fuzzers run, without a fuzzer

    annals-fuzz TARGET FILE...                           runs the target on each file
    annals-fuzz TARGET --seed S [--from N] [--count N]   on inputs of a seed, the healthy ones first
    annals-fuzz seeds FOLDER                             writes healthy inputs to FOLDER/TARGET/
    annals-fuzz list                                     the names of the targets

Exit code: 0 all is well, 1 a find, 2 wrong use.
Example: annals-fuzz lies --seed 7 --count 10000
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Some(true)
        }
        ["seeds", folder] => Some(write_seeds(Path::new(folder))),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [name, "--seed", rest @ ..] => target(name).and_then(|it| stretch(&it, rest)),
        [name, files @ ..] if !files.is_empty() => target(name).map(|it| replay(&it, files)),
        _ => None,
    };
    match done {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprint!("{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Runs a target on one input; `false` if it panics.
fn run(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

fn replay(target: &Target, files: &[&str]) -> bool {
    let mut well = true;
    for file in files {
        let Ok(input) = std::fs::read(file) else {
            eprintln!("{file} can't be read");
            return false;
        };
        let start = Instant::now();
        let done = run(target, &input);
        let result = if done { "well" } else { "A FIND" };
        println!("{}: {file}: {} bytes, {:?}, {result}", target.name, input.len(), start.elapsed());
        well &= done;
    }
    well
}

/// The seed, then `--from N` and `--count N`; nothing if these are not what is said.
fn stretch(target: &Target, words: &[&str]) -> Option<bool> {
    let (seed, mut rest) = words.split_first()?;
    let (mut from, mut count) = (0_u64, 10_000_u64);
    while let [option, number, more @ ..] = rest {
        match *option {
            "--from" => from = number.parse().ok()?,
            "--count" => count = number.parse().ok()?,
            _ => return None,
        }
        rest = more;
    }
    if !rest.is_empty() {
        return None;
    }
    let inputs = Stretch::new(target, seed.parse().ok()?);
    let start = Instant::now();
    let mut finds = 0_u64;
    let mut longest = (start.elapsed(), from);
    for nth in from..from.saturating_add(count) {
        let input = inputs.input(nth);
        let begun = Instant::now();
        if !run(target, &input) {
            finds += 1;
            println!("A FIND: {} --seed {seed} --from {nth} --count 1", target.name);
            match keep(target, &format!("stretch-{seed}-{nth}"), &input) {
                Ok(file) => println!("  kept as {}", file.display()),
                Err(error) => println!("  it could not be kept: {error}"),
            }
        }
        longest = longest.max((begun.elapsed(), nth));
    }
    let rate = u128::from(count) * 1_000_000 / start.elapsed().as_micros().max(1);
    println!(
        "{}: {count} inputs, {finds} finds, {rate} a second; the longest {:?}, input {}",
        target.name, longest.0, longest.1
    );
    Some(finds == 0)
}

/// Writes a find to where the fuzzers write theirs.
fn keep(target: &Target, name: &str, input: &[u8]) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/artifacts");
    let folder = folder.join(target.name);
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    std::fs::write(&file, input)?;
    Ok(file)
}

fn write_seeds(folder: &Path) -> bool {
    for target in TARGETS {
        let inputs = (target.seeds)();
        if let Err(error) = write_inputs(&folder.join(target.name), &inputs) {
            eprintln!("{}: {error}", folder.display());
            return false;
        }
        let bytes: usize = inputs.iter().map(Vec::len).sum();
        println!("{}: {} inputs, {bytes} bytes", target.name, inputs.len());
    }
    true
}

fn write_inputs(folder: &Path, inputs: &[Vec<u8>]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut inputs = inputs.iter().enumerate();
    inputs.try_for_each(|(nth, input)| std::fs::write(folder.join(format!("seed-{nth}")), input))
}
