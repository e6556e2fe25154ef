//! `init`: a new store.

use super::Globals;
use crate::exit::{Failure, Outcome};
use crate::show::path_name;
use annals::Options;
use std::fs;
use std::path::PathBuf;

/// Make a new, empty store
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals init orders.annals")]
pub struct Args {
    /// The file to make
    file: PathBuf,
}

pub fn run(args: &Args, globals: &Globals) -> Outcome {
    let name = path_name(&args.file);
    if fs::symlink_metadata(&args.file).is_ok() {
        return Err(Failure::can_not(format!("'{name}' is there already; nothing was done")));
    }
    let store = Options::new().open(&args.file)?;
    store.close()?;
    globals.say(format_args!("made '{name}', a store with the id {}", store.id()));
    Ok(())
}
