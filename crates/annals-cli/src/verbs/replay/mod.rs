//! `replay`: events, handed to a program.

mod checkpoint;
mod program;

use self::checkpoint::Checkpoint;
use self::program::Program;
use super::Globals;
use super::select::Select;
use crate::exit::{Failure, LOCKED, Outcome};
use crate::line::write_whole;
use crate::show::{Progress, count, thousands};
use crate::stop;
use crate::store::{looking, to_write};
use annals::{Options, Position, Store};
use std::path::PathBuf;

/// Hand events to a program, on its standard input, a line of JSON each
///
/// Without a checkpoint the program gets all of them, and then the end of its input.
///
/// With a checkpoint it acknowledges: after each batch comes an empty line, and the program answers
/// `ok` with a line on its standard output when it has done what the events ask for. Only then is
/// the checkpoint moved, so the next run goes on behind what was acknowledged; whatever was not,
/// comes again. A checkpoint is a position: for other events, take another name.
///
/// It ends with 1 if the program fails, answers anything else, or answers unasked. A program that
/// is given up then sees the end of its input, and has five seconds to end.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals replay orders.annals --run 'jq -c .data.total' --type OrderPlaced
  annals replay orders.annals --run ./to-warehouse --checkpoint warehouse
  annals replay orders.annals --run ./to-warehouse --checkpoint-file warehouse.json --batch 1000")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// The program, as the shell is told
    #[arg(short, long, value_name = "COMMAND")]
    run: String,
    /// The name of the checkpoint, which is kept in the store: nobody else may be writing to it
    #[arg(long, value_name = "NAME", conflicts_with = "checkpoint_file")]
    checkpoint: Option<String>,
    /// A checkpoint in a file of its own: also while another process writes to the store
    #[arg(long, value_name = "FILE")]
    checkpoint_file: Option<PathBuf>,
    /// Events in a batch, at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    batch: u64,
    #[command(flatten)]
    select: Select,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let Some(name) = &args.checkpoint else {
        return looking(&args.file, |store| {
            let path = args.checkpoint_file.as_deref();
            replay(args, globals, store, path.map(|path| Checkpoint::in_file(store, path)))
        });
    };
    let store = to_write(&Options::new(), &args.file).map_err(|failure| match failure {
        Failure::Ended(LOCKED, message) => {
            let message = format!("{message}, and so does `replay --checkpoint-file`");
            Failure::Ended(LOCKED, message)
        }
        other => other,
    })?;
    let checkpoint = Checkpoint::in_store(&store, name);
    replay(args, globals, &store, Some(checkpoint))
}

fn replay(
    args: &Args,
    globals: &Globals,
    store: &Store,
    checkpoint: Option<Checkpoint>,
) -> Outcome {
    let seen = checkpoint.as_ref().map(Checkpoint::get).transpose()?.unwrap_or_default();
    let view = store.view()?;
    let head = view.head();
    if seen > head {
        let what = format!("the checkpoint is at position {seen}, but the store ends at {head}");
        return Err(Failure::can_not(format!("{what}: it is of another store, or newer")));
    }
    args.select.check_names(&view)?;
    let mut cursor = args.select.cursor_after(&view, seen)?;
    // Whatever is asked for: what comes later is not passed over.
    let end = args.select.end(&view)?;
    let reached = |at: Position| at.min(end).max(seen);
    // What is wrong with its place is found before the program has done anything.
    checkpoint.iter().try_for_each(|checkpoint| checkpoint.set(seen))?;
    let mut progress = Progress::of_events("replaying", globals.quiet);
    let mut program = Program::start(&args.run, checkpoint.is_some())?;
    let (mut line, mut handed, mut in_batch) = (Vec::new(), 0_u64, 0);
    let acknowledged = |program: &mut Program, at: Position| -> Outcome {
        if let Some(checkpoint) = &checkpoint {
            program.acknowledges(at)?;
            checkpoint.set(at)?;
        }
        Ok(())
    };
    let (mut last, mut read) = (seen, Ok(()));
    loop {
        let event = match cursor.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => {
                last = reached(cursor.marker());
                break;
            }
            Err(error) => {
                // What could be read before is the program's.
                read = Err(error);
                break;
            }
        };
        line.clear();
        write_whole(&event, &mut line)?;
        line.push(b'\n');
        if !program.takes(&line)? {
            break;
        }
        (last, handed, in_batch) = (event.position, handed + 1, in_batch + 1);
        progress.at(last.get(), head.get());
        if in_batch == args.batch {
            in_batch = 0;
            acknowledged(&mut program, last)?;
        }
        if stop::is_asked() {
            program.finish()?;
            return Err(Failure::interrupted("interrupted"));
        }
    }
    if in_batch > 0 {
        acknowledged(&mut program, last)?;
    }
    drop(progress);
    program.finish()?;
    if stop::is_asked() {
        return Err(Failure::interrupted("interrupted"));
    }
    if let Some(checkpoint) = checkpoint {
        // Behind the last event that is asked for there may be others.
        checkpoint.set(last)?;
        let at = thousands(last.get());
        globals
            .say(format_args!("{} handed on; the checkpoint is at {at}", count(handed, "event")));
    }
    Ok(read?)
}
