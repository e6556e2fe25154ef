//! `stats`: the numbers of a store.

use super::Globals;
use crate::exit::Outcome;
use crate::show::{Out, Style, bytes, escaped, moment, thousands};
use crate::store::to_look;
use annals::{FileExtent, FileMap, FilePart, Store};
use std::io::{self, Write};
use std::path::PathBuf;

/// Show the numbers of a store: events, streams, bytes, times
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals stats orders.annals
  annals stats orders.annals --json | jq .bytes")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Say them as JSON
    #[arg(long)]
    json: bool,
}

/// The numbers, for programs.
#[derive(serde::Serialize)]
struct Numbers {
    id: annals::Uuid,
    events: u64,
    streams: u64,
    head: u64,
    durable: u64,
    first: Option<String>,
    last: Option<String>,
    bytes: Bytes,
    segments: u64,
    runs: u64,
    /// Events that no run has yet.
    tail_events: u64,
    /// How the store had been left.
    left: String,
}

#[derive(serde::Serialize)]
struct Bytes {
    file: u64,
    /// Of all payloads together.
    payload: u64,
    log: u64,
    index: u64,
    /// Room that is there for more: free extents, and what is left in segments; nothing if the file
    /// is too damaged to tell.
    free: Option<u64>,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let store = to_look(&args.file)?;
    let numbers = Numbers::of(&store)?;
    let mut out = globals.out();
    if args.json {
        out.json(&numbers)?;
    } else {
        numbers.write(&mut out)?;
    }
    Ok(out.flush()?)
}

impl Numbers {
    fn of(store: &Store) -> Result<Self, annals::Error> {
        let (stats, summary) = (store.stats()?, store.summary()?);
        // Of a damaged file there may be no map.
        let free = match store.map() {
            Ok(map) => Some(free(&map)),
            Err(error) if error.kind() == annals::ErrorKind::Corrupt => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            id: store.id(),
            events: stats.events,
            streams: stats.streams,
            head: stats.head.get(),
            durable: stats.durable.get(),
            first: summary.first.map(|it| moment(it.recorded)),
            last: summary.last.map(|it| moment(it.recorded)),
            bytes: Bytes {
                file: stats.file_bytes,
                payload: summary.payload_bytes,
                log: stats.log_bytes,
                index: stats.index.run_bytes,
                free,
            },
            segments: stats.segments,
            runs: stats.index.runs,
            tail_events: stats.index.tail_events,
            left: store.recovery_report().why.clone(),
        })
    }

    fn write(&self, out: &mut Out) -> io::Result<()> {
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "none yet".to_owned());
        let size = |number: u64| format!("{} ({})", thousands(number), bytes(number));
        for (name, value) in [
            ("id", self.id.to_string()),
            ("events", thousands(self.events)),
            ("streams", thousands(self.streams)),
            ("head", thousands(self.head)),
            ("durable", thousands(self.durable)),
            ("first", time(&self.first)),
            ("last", time(&self.last)),
            ("file bytes", size(self.bytes.file)),
            ("  payloads", size(self.bytes.payload)),
            ("  log", size(self.bytes.log)),
            ("  index", size(self.bytes.index)),
            ("  free", self.bytes.free.map_or_else(|| "unknown".to_owned(), size)),
            ("segments", thousands(self.segments)),
            ("runs", thousands(self.runs)),
            ("in no run yet", thousands(self.tail_events)),
            ("left", escaped(&self.left).into_owned()),
        ] {
            out.styled(Style::Head, format_args!("{name:<14}"))?;
            writeln!(out, " {value}")?;
        }
        Ok(())
    }
}

/// Bytes of a file in which nothing stands.
fn free(map: &FileMap) -> u64 {
    let of = |extent: &FileExtent| match extent.part {
        FilePart::Free | FilePart::Unnamed => extent.length,
        FilePart::Segment { used, .. } => extent.length.saturating_sub(used),
        _ => 0,
    };
    map.extents.iter().map(of).sum()
}
