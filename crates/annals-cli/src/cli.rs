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
    Append(verbs::append::Args),
    Import(verbs::import::Args),
    Export(verbs::export::Args),
    Read(verbs::read::Args),
    Tail(verbs::tail::Args),
    Browse(verbs::browse::Args),
    Streams(verbs::names::Streams),
    Types(verbs::names::Types),
    Tags(verbs::names::Tags),
    Documents(verbs::documents::Args),
    Stats(verbs::stats::Args),
    Verify(verbs::verify::Args),
    Salvage(verbs::salvage::Args),
    Backup(verbs::copies::Backup),
    Compact(verbs::copies::Compact),
    Diff(verbs::diff::Args),
    Replay(verbs::replay::Args),
    Report(verbs::report::Args),
    Dump(verbs::dump::Args),
    Bench(verbs::bench::Args),
    Completions(verbs::shell::Completions),
    Man(verbs::shell::Man),
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
            Self::Append(args) => verbs::append::run(&args, globals),
            Self::Import(args) => verbs::import::run(&args, globals),
            Self::Export(args) => verbs::export::run(&args, globals),
            Self::Read(args) => verbs::read::run(&args, globals),
            Self::Tail(args) => verbs::tail::run(&args, globals),
            Self::Browse(args) => verbs::browse::run(&args, globals),
            Self::Streams(args) => verbs::names::streams(&args, globals),
            Self::Types(args) => verbs::names::types(&args, globals),
            Self::Tags(args) => verbs::names::tags(&args, globals),
            Self::Documents(args) => verbs::documents::run(&args, globals),
            Self::Stats(args) => verbs::stats::run(&args, globals),
            Self::Verify(args) => verbs::verify::run(&args, globals),
            Self::Salvage(args) => verbs::salvage::run(&args, globals),
            Self::Backup(args) => verbs::copies::backup(&args, globals),
            Self::Compact(args) => verbs::copies::compact(&args, globals),
            Self::Diff(args) => verbs::diff::run(&args, globals),
            Self::Replay(args) => verbs::replay::run(&args, globals),
            Self::Report(args) => verbs::report::run(&args, globals),
            Self::Dump(args) => verbs::dump::run(&args, globals),
            Self::Bench(args) => verbs::bench::run(&args, globals),
            Self::Completions(args) => verbs::shell::completions(&args, Cli::command(), globals),
            Self::Man(args) => verbs::shell::man(&args, Cli::command(), globals),
        }
    }
}
