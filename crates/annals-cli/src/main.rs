//! `annals`: looks into a log of events, replays it, mends it, moves it.

// The floors of the house, from the ground up: each uses only what stands above it here.
mod show;

mod exit;

mod stop;

mod line;
mod output;
mod store;

mod input;

mod verbs;

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    stop::on_ctrl_c();
    cli::run()
}
