//! What the example is called with.

use std::ffi::OsString;
use std::path::PathBuf;

/// How it is used.
pub const HELP: &str = "\
Loads a log of flights into an event store, opens it again, verifies it, replays it and counts.

Usage: cargo run --release --example flights -- [FILE] [--store PATH] [--threads N] [--queries]

  FILE          JSON Lines, one event each; unpacked if the name ends in .gz or .zst.
                Without it: the sample of 4,000 events that comes with the project.
  --store PATH  The store to make, where no file is yet.
                Without it: flights.annals in the current directory. If a store from an
                earlier run is there, it is replaced; any other file is left alone.
  --threads N   Loads by N threads at once, 256 at the most: each event in a commit of its own,
                at its version in its stream, if its thread has seen all of its flight. Then
                reads FILE again and checks that the store has every line once, in order.
  --queries     Reads FILE again and asks for the events of each tag and each correlation id:
                there have to be as many as there are lines.
  -h, --help    This text.

It ends with 0 if all went well, 1 if not (the message says which line of FILE is wrong, and
what was expected there), 2 if it was called wrongly or something is where the store should go.
";

/// The most threads.
const THREADS: usize = 256;

/// What was asked for.
pub struct Args {
    /// The log.
    pub file: PathBuf,
    /// Where the store is to be.
    pub store: Option<PathBuf>,
    /// How many threads load it; if nothing is said, this one, in commits of many events.
    pub threads: Option<usize>,
    /// Whether it is asked for each tag and correlation id.
    pub queries: bool,
}

impl Args {
    /// What was asked for; nothing if it was help.
    pub fn parse(mut given: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let (mut file, mut store, mut threads, mut queries) = (None, None, None, false);
        while let Some(argument) = given.next() {
            match argument.to_str() {
                Some("-h" | "--help") => return Ok(None),
                Some("--store") => match given.next() {
                    Some(path) => store = Some(PathBuf::from(path)),
                    None => return Err("--store was given without a path".to_owned()),
                },
                Some("--threads") => threads = Some(number(given.next())?),
                Some("--queries") => queries = true,
                Some(option) if option.starts_with('-') => {
                    return Err(format!("there is no option {option}"));
                }
                _ if file.is_some() => return Err("more than one file was given".to_owned()),
                _ => file = Some(PathBuf::from(argument)),
            }
        }
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/flights-sample.jsonl.gz");
        let file = file.unwrap_or_else(|| sample.into());
        Ok(Some(Self { file, store, threads, queries }))
    }
}

fn number(given: Option<OsString>) -> Result<usize, String> {
    let number = given.as_ref().and_then(|given| given.to_str()?.parse().ok());
    let number = number.filter(|number| (1..=THREADS).contains(number));
    number.ok_or_else(|| format!("--threads needs a number from 1 to {THREADS}"))
}
