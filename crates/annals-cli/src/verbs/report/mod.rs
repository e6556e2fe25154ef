//! `report`: a page to look at.

mod bins;
mod gather;
mod map;
mod page;
mod pass;
mod sizes;
mod top;

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::output;
use crate::show::{bytes, count, path_name};
use crate::stop;
use crate::store::to_look;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make a page to look at: what is in a store, and where in its file
///
/// One HTML file with all that it shows: it opens offline, runs no script, and loads nothing from
/// anywhere. Of streams, types, categories, tags and documents it shows those with the most, and
/// sums up the others. It has the names that are in the store, and none of the payloads.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals report orders.annals -o report.html
  annals report orders.annals -o report.html --force
  annals report orders.annals -o - | ssh host 'cat > report.html'")]
pub struct Args {
    /// The store
    file: PathBuf,
    /// Where to write; - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let store = to_look(&args.file)?;
    let make = || {
        let name = args.file.file_name().unwrap_or(args.file.as_os_str());
        let facts = gather::gather(&store, name.to_string_lossy().into_owned(), globals.quiet)?;
        if stop::is_asked() {
            return Err(Failure::interrupted("interrupted; no page was written"));
        }
        Ok((page::page(&facts).into_string(), facts.stats.events))
    };
    if args.output == Path::new("-") {
        let mut out = globals.out();
        out.write_all(make()?.0.as_bytes())?;
        return Ok(out.flush()?);
    }
    output::check_other(&args.output, &args.file)?;
    let path = path_name(&args.output);
    let mut said = String::new();
    output::to_file(&args.output, args.force, |file| {
        let (page, events) = make()?;
        let size = u64::try_from(page.len()).unwrap_or(u64::MAX);
        said = format!("{} on a page of {}", count(events, "event"), bytes(size));
        file.write_all(page.as_bytes())
            .map_err(|error| Failure::io(format_args!("writing '{path}' failed"), &error))
    })?;
    globals.say(format_args!("{said} in '{path}'"));
    Ok(())
}
