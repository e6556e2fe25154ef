//! `diff`: where two stores part.

use super::Globals;
use super::same::difference;
use crate::exit::{Failure, Outcome};
use crate::line::{text_of, write_whole};
use crate::show::{Out, Progress, count, escaped};
use crate::stop;
use crate::store::looking;
use annals::{Cursor, DocumentRef, Documents, Keys, Read, Store};
use std::io::Write;
use std::path::PathBuf;

/// Find the first position where two stores part, and the first document in which they differ
///
/// Events are the same if everything that makes them is: stream, version, id, type, payload,
/// metadata, tags and the rest, but not when the store took them in (--recorded compares that too).
/// It ends with 0 if there is no difference, with 1 if there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals diff orders.annals backup.annals
  annals diff orders.annals restored.annals --recorded --json")]
pub struct Args {
    /// A store
    a: PathBuf,
    /// Another store
    b: PathBuf,
    /// Compare the times at which the stores took the events in, too
    #[arg(long)]
    recorded: bool,
    /// Leave documents out
    #[arg(long)]
    no_documents: bool,
    /// Say what differs as JSON
    #[arg(long)]
    json: bool,
}

/// What differs, for programs.
#[derive(Default, serde::Serialize)]
struct Parted {
    same: bool,
    /// The events that were compared before that.
    events_in_common: u64,
    /// The first position where they part; nothing if they don't.
    position: Option<u64>,
    /// What of the events there is not the same; `end` if one store has no event there.
    differs: Option<&'static str>,
    /// The first key, by name, of a document that is not the same.
    document: Option<String>,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    looking(&args.a, |a| looking(&args.b, |b| diff(args, globals, (a, b))))
}

fn diff(args: &Args, globals: &Globals, (a, b): (&Store, &Store)) -> Outcome {
    let mut out = globals.out();
    let mut parted = Parted::default();
    let (mut of_a, mut of_b) = (a.read_all(Read::new())?, b.read_all(Read::new())?);
    let mut progress = Progress::of_events("comparing", globals.quiet);
    let all = a.head()?.max(b.head()?).get();
    loop {
        let (is_a, is_b) = (of_a.advance()?, of_b.advance()?);
        if !is_a && !is_b {
            break;
        }
        let differs = match (of_a.event(), of_b.event()) {
            (Some(a), Some(b)) => difference(&a, &b, args.recorded)?,
            _ => Some("end"),
        };
        if differs.is_some() {
            let event = of_a.event().or_else(|| of_b.event());
            parted.position = event.map(|event| event.position.get());
            parted.differs = differs;
            break;
        }
        parted.events_in_common += 1;
        if parted.events_in_common.is_multiple_of(1_024) {
            progress.at(parted.events_in_common, all);
            if stop::is_asked() {
                return Err(Failure::interrupted("interrupted; not all was compared"));
            }
        }
    }
    drop(progress);
    if !args.no_documents {
        parted.document = first_document(a, b)?;
    }
    parted.same = parted.position.is_none() && parted.document.is_none();
    let same = parted.same;
    if args.json {
        out.json(&parted)?;
    } else {
        shown(&mut out, &parted, (&of_a, &of_b), globals)?;
    }
    out.flush()?;
    if same { Ok(()) } else { Err(Failure::problems("")) }
}

fn shown(out: &mut Out, parted: &Parted, (a, b): (&Cursor, &Cursor), globals: &Globals) -> Outcome {
    let common = count(parted.events_in_common, "event");
    if let (Some(position), Some(differs)) = (parted.position, parted.differs) {
        let what = match differs {
            "end" => "one of them ends".to_owned(),
            what => format!("the {what} is not the same"),
        };
        writeln!(out, "they part at position {position}, after {common} in common: {what}")?;
        for (name, event) in [("a", a.event()), ("b", b.event())] {
            match event {
                Some(event) => {
                    let mut line = Vec::new();
                    write_whole(&event, &mut line)?;
                    writeln!(out, "{name}: {}", escaped(text_of(&line)))?;
                }
                None => writeln!(out, "{name}: no event")?,
            }
        }
    }
    if let Some(key) = &parted.document {
        writeln!(out, "the document '{}' is not the same", escaped(key))?;
    }
    if parted.same && !globals.quiet {
        writeln!(out, "no difference: {common}")?;
    }
    Ok(())
}

/// The first key whose document is in one store only, or has another revision or value.
fn first_document(a: &Store, b: &Store) -> Outcome<Option<String>> {
    let (mut of_a, mut of_b) = (a.documents(Keys::all())?, b.documents(Keys::all())?);
    loop {
        if stop::is_asked() {
            return Err(Failure::interrupted("interrupted; not all was compared"));
        }
        let (a, b) = (next(&mut of_a)?, next(&mut of_b)?);
        let key = match (&a, &b) {
            (None, None) => return Ok(None),
            (Some(a), Some(b)) if is_same(a, b) => continue,
            (Some(a), Some(b)) => a.key.min(b.key),
            (Some(one), None) | (None, Some(one)) => one.key,
        };
        return Ok(Some(key.to_owned()));
    }
}

fn next(documents: &mut Documents) -> Result<Option<DocumentRef<'_>>, annals::Error> {
    documents.next_document()
}

fn is_same(a: &DocumentRef<'_>, b: &DocumentRef<'_>) -> bool {
    (a.key, a.revision, a.value) == (b.key, b.revision, b.value)
}
