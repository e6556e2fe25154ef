//! `export`: events as lines for others.

use super::Globals;
use super::select::Select;
use crate::exit::{Failure, Outcome};
use crate::input::{Packing, pack};
use crate::line::{Format, Headers};
use crate::output;
use crate::show::{Harmless, Progress, count, path_name};
use crate::stop;
use crate::store::looking;
use annals::{Cursor, Store};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write events as lines: JSON Lines that `import` reads, CloudEvents, or a CSV of their headers
///
/// JSON Lines have what makes an event, in the order of positions: imported into an empty store
/// they make the same events, at the same positions, unless an id is there twice. Documents are
/// not exported; `backup` copies all.
///
/// A payload or metadata that is JSON stands in `data` or `metadata` byte for byte; other text is
/// in `data_text`, other bytes are in `data_base64`. `recorded` is there where it is not the same
/// as `time`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals export orders.annals > orders.jsonl
  annals export orders.annals -o orders.jsonl.zst
  annals export orders.annals --category order --since 2026-01-01 -o orders.jsonl.gz
  annals export orders.annals --format cloudevents | curl ...
  annals export orders.annals --format csv -o orders.csv")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Where to write; packed if the name ends in .gz or .zst. Standard output, as -, unless told
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    force: bool,
    /// As what
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
    #[command(flatten)]
    select: Select,
}

/// As what events are exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
enum Shape {
    /// JSON Lines, an object for each event
    #[default]
    Jsonl,
    /// CloudEvents 1.0 in their JSON format, one on each line
    Cloudevents,
    /// CSV of everything but payload and metadata
    Csv,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    looking(&args.file, |store| export(args, globals, store))
}

fn export(args: &Args, globals: &Globals, store: &Store) -> Outcome {
    let head = store.head()?.get();
    let cursor = args.select.cursor(store, false)?;
    let progress = Progress::of_events("exporting", globals.quiet);
    let format = match args.format {
        Shape::Jsonl => Some(Format::Jsonl),
        Shape::Cloudevents => Some(Format::Cloudevents),
        Shape::Csv => None,
    };
    let mut export = Export { store: store.id(), cursor, head, progress, events: 0 };
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    match output {
        Some(path) => to_file(path, (&args.file, args.force), |out| export.write(format, out))?,
        None => {
            let mut out = globals.out();
            if out.is_terminal() {
                return export.shown(format, &mut out);
            }
            export.write(format, &mut out)?;
            out.flush()?;
        }
    }
    let events = export.events;
    // Nothing of how far it was is shown any more.
    drop(export);
    if let Some(path) = output {
        globals.say(format_args!("{} to {}", count(events, "event"), path_name(path)));
    }
    Ok(())
}

/// What is exported, and how far it is.
struct Export {
    store: annals::Uuid,
    cursor: Cursor,
    head: u64,
    progress: Progress,
    events: u64,
}

impl Export {
    /// Hands each event to `write`.
    fn each(&mut self, mut write: impl FnMut(&annals::Event<'_>) -> Outcome) -> Outcome {
        while let Some(event) = self.cursor.next_event()? {
            write(&event)?;
            self.events += 1;
            if self.events.is_multiple_of(1_024) {
                self.progress.at(event.position.get(), self.head);
                if stop::is_asked() {
                    return Err(Failure::interrupted("interrupted; what was written is not all"));
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, format: Option<Format>, out: &mut dyn Write) -> Outcome {
        match format {
            Some(format) => self.lines(format, out),
            None => self.headers(out),
        }
    }

    fn lines(&mut self, format: Format, out: &mut dyn Write) -> Outcome {
        let (store, mut line) = (self.store, Vec::new());
        self.each(|event| {
            line.clear();
            format.write(event, store, &mut line)?;
            line.push(b'\n');
            Ok(out.write_all(&line)?)
        })
    }

    fn headers(&mut self, out: &mut dyn Write) -> Outcome {
        let mut rows = Headers::new(out).map_err(of_csv)?;
        self.each(|event| rows.write(event)?.map_err(of_csv))?;
        Ok(rows.finish()?)
    }

    /// To a terminal, where nothing may act.
    fn shown(mut self, format: Option<Format>, out: &mut crate::show::Out) -> Outcome {
        let (store, mut line) = (self.store, Vec::new());
        match format {
            Some(format) => self.each(|event| {
                line.clear();
                format.write(event, store, &mut line)?;
                Ok(out.json_line(&line)?)
            })?,
            None => {
                self.headers(&mut Harmless::new(&mut *out))?;
            }
        }
        Ok(out.flush()?)
    }
}

fn of_csv(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Failure::can_not(format!("writing CSV failed: {other:?}")),
    }
}

/// Lets `write` make a file of a store, packed as its name says.
fn to_file(
    path: &Path,
    (store, force): (&Path, bool),
    write: impl FnOnce(&mut dyn Write) -> Outcome,
) -> Outcome {
    output::check_other(path, store)?;
    output::to_file(path, force, |file| {
        let failed =
            |error| Failure::io(format_args!("writing '{}' failed", path_name(path)), &error);
        let packed = BufWriter::with_capacity(1 << 16, file);
        let mut packer = pack(Packing::by_name(path), packed).map_err(failed)?;
        {
            // Small writes would each be packed by themselves.
            let mut lines = BufWriter::with_capacity(1 << 16, &mut packer);
            write(&mut lines)?;
            lines.flush().map_err(failed)?;
        }
        packer.finish().and_then(|mut out| out.flush()).map_err(failed)
    })
}
