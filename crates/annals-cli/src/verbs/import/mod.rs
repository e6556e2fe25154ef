//! `import`: lines that become events.
//!
//! Two readings. The first looks at every line, and nothing is done if one is wrong; the second
//! appends, a commit for each block of lines. Blocks are the same whenever the same input is read,
//! and every event has an id: what is there is found, and an import that was killed goes on.

mod append;
mod check;

use self::append::Appending;
use super::Globals;
use crate::exit::{CAN_NOT, Failure, Outcome};
use crate::input::Source;
use crate::line::Format;
use crate::show::{bytes, count, path_name, per_second, thousands};
use crate::store::opened;
use annals::{Clock, Durability, Options, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// Append the events of lines: JSON Lines, or CloudEvents
///
/// Each line is an object:
///
///   stream, type        the names; these two have to be there
///   id                  a UUID; a line without one gets one that follows from its number and text:
///                       the same line at the same place of another input is the same event
///   time                when it happened: 2013-01-31T18:00:00Z (RFC 3339)
///   data                the payload, any JSON, kept byte for byte; or data_text, a string whose
///                       text is the payload; or data_base64
///   metadata            likewise; or metadata_text, or metadata_base64
///   tags                an array of strings
///   correlation_id, causation_id
///                       UUIDs; where they are missing, correlationId and causationId in metadata
///   kind                domain, integration, trigger or fat
///   schema_version      a number; 1 unless told
///   recorded            when another store took it in; for --as-recorded
///   position, version   passed over: an event gets its own
///
/// Nothing is appended if a line is wrong; each that is gets named. An event whose id is there
/// already is not appended again: the same input may be imported as often as one likes, and an
/// import that was interrupted goes on where it was. The store is made if it is not there.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  annals import orders.annals orders.jsonl
  annals import flights.annals flights-2013.jsonl.zst --as-recorded
  curl ... | annals import orders.annals - --format cloudevents"
)]
pub struct Args {
    /// The store
    file: PathBuf,
    /// The lines: a file, packed by gzip or Zstandard or not at all, or - for standard input
    input: PathBuf,
    /// As what they are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The times of the input become the times at which the store took the events in: `recorded`,
    /// or `time` where there is none. The lines have to be in the order of these times
    #[arg(long)]
    as_recorded: bool,
    /// Leave out the lines that are wrong, and name them
    #[arg(long)]
    skip_bad: bool,
    /// Say what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What an import has done.
#[derive(Default, serde::Serialize)]
struct Done {
    /// Events that were appended.
    imported: u64,
    /// Events that were there already.
    already_there: u64,
    /// Lines that were left out.
    skipped: u64,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let began = Instant::now();
    let clock = Told::default();
    let options = Options::new().durability(Durability::Buffered);
    let options = if args.as_recorded { options.clock(clock.clone()) } else { options };
    let source = Source::open(&args.input, globals.quiet)?;
    let name = path_name(&args.file);
    // Whoever else writes to it is met before anything long is done. A new store is made when all
    // lines have been looked at.
    let is_there = args.file.try_exists().unwrap_or(true);
    let open = || opened(&args.file, options.open(&args.file));
    let store = if is_there { Some(open()?) } else { None };
    let of = check::Lines { source: &source, format: args.format, as_recorded: args.as_recorded };
    if !args.skip_bad {
        check::all(&of, globals)?;
    }
    let store = match store {
        Some(store) => store,
        None => open()?,
    };
    let mut appending = Appending::new(&store, &of, (clock, args.skip_bad), globals);
    let appended = appending.run();
    let done = appending.finish();
    // What was appended is there, whatever ended it.
    let closed = store.close();
    let appended = appended.and_then(|()| Ok(closed?));
    appended.map_err(|failure| match failure {
        // A full disk, say. Of others it has been said.
        Failure::Ended(CAN_NOT, what) if done.imported > 0 => {
            let events = count(done.imported, "event");
            Failure::can_not(format!(
                "{what}; before that {events} were imported, which stay: the same command goes on"
            ))
        }
        other => other,
    })?;
    if args.json {
        let mut out = globals.out();
        out.json(&done)?;
        std::io::Write::flush(&mut out)?;
        return Ok(());
    }
    let mut also = String::new();
    if done.already_there > 0 {
        also += &format!("; {} were there already", thousands(done.already_there));
    }
    if done.skipped > 0 {
        also += &format!("; {} left out", count(done.skipped, "line"));
    }
    let (took, size) = (began.elapsed(), std::fs::metadata(&args.file).map_or(0, |it| it.len()));
    globals.say(format_args!(
        "{} imported into '{name}' ({}) in {:.1} s, {} a second{also}",
        count(done.imported, "event"),
        bytes(size),
        took.as_secs_f64(),
        thousands(per_second(done.imported + done.already_there, took)),
    ));
    Ok(())
}

/// A clock that says what it was told.
#[derive(Clone, Default)]
struct Told(Arc<AtomicI64>);

impl Told {
    fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::Relaxed);
    }
}

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}
