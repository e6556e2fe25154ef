//! What can be asked for, and how it ends.

use crate::exit::{self, Failure, Outcome};
use crate::show::said;
use crate::verbs::{self, Globals};
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Looks into a log of events, replays it, mends it, moves it.
///
/// A store is one file, such as `orders.annals`. Verbs that only look work beside a program that is
/// writing to it. What is written for programs is JSON, a value a line; on a terminal the same is
/// shown as a table.
#[derive(Debug, Parser)]
#[command(name = "annals", version, after_long_help = exit::CODES)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(verbs::init::Args),
    Import(verbs::import::Args),
    Export(verbs::export::Args),
    Read(verbs::read::Args),
}

/// Does what was asked for.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are what was asked for; nobody may listen any more.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::CAN_NOT } else { 0 });
        }
    };
    match cli.verb.run(&cli.globals) {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(Failure::Ended(code, message)) => {
            if !message.is_empty() {
                said(format_args!("annals: {message}"));
            }
            ExitCode::from(code)
        }
    }
}

impl Verb {
    fn run(self, globals: &Globals) -> Outcome {
        match self {
            Self::Init(args) => verbs::init::run(&args, globals),
            Self::Import(args) => verbs::import::run(&args, globals),
            Self::Export(args) => verbs::export::run(&args, globals),
            Self::Read(args) => verbs::read::run(&args, globals),
        }
    }
}

/// The command with all its verbs.
#[expect(dead_code, reason = "completions and man page come with their verb")]
pub fn command() -> clap::Command {
    Cli::command()
}
