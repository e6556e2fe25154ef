//! What `annals` does, a verb in each file.

pub mod append;
pub mod bench;
pub mod browse;
pub mod copies;
pub mod diff;
pub mod documents;
pub mod dump;
pub mod export;
pub mod import;
pub mod init;
pub mod names;
pub mod read;
pub mod replay;
pub mod report;
pub mod salvage;
mod same;
mod select;
pub mod shell;
pub mod stats;
pub mod tail;
pub mod verify;

use crate::show::{Colour, Out};

/// What each verb can be told.
#[derive(Debug, clap::Args)]
pub struct Globals {
    /// Say nothing but errors, and show no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t)]
    pub color: Colour,
}

impl Globals {
    /// Standard output.
    pub fn out(&self) -> Out {
        Out::stdout(self.color)
    }

    /// Says how it went, to whoever called.
    pub fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            crate::show::said(text);
        }
    }
}
