//! A few minutes' worth of each proof, of which the command does hours.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::panic, reason = "tests say it by their names")]

use annals_torture::{
    FileSystem, Keep, Outcome, Program, Where, eio, faults, kill, powercut, soak, syscalls,
};
use std::io::Write;
use std::time::Duration;

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_annals-torture"))
}

fn keep() -> Keep {
    Keep::new(None)
}

/// Fails if something was wrong. What was counted, or why this machine can't, is said past the test
/// runner, which would keep it to itself.
fn holds(name: &str, outcome: &Outcome) {
    let said = match outcome {
        Outcome::Skipped(why) => format!("{name}: skipped: {why}\n"),
        Outcome::Done { figures, violations } if violations.is_empty() => {
            format!("{name}: {figures}\n")
        }
        Outcome::Done { violations, .. } => panic!("{name}: {violations:#?}"),
    };
    // Nobody to say it to is no failure of the store.
    let _ = std::io::stderr().write_all(said.as_bytes());
}

#[test]
fn killed_writers_lose_nothing_acknowledged() {
    holds("kill -9", &kill(&program(), 2_000, 1, &keep()));
}

#[test]
fn writers_killed_at_any_system_call_lose_nothing_acknowledged() {
    holds("kill at system calls", &syscalls(&program(), 0..3, 8, None, &keep()));
}

#[test]
fn failing_system_calls_lose_nothing_acknowledged() {
    holds("failing system calls", &faults(&program(), 0..3, 6, &Where::default(), &keep()));
}

#[test]
fn power_cuts_on_ext4_lose_nothing_durable() {
    holds("power cuts", &powercut(&program(), FileSystem::Ext4, 24, 1, &keep()));
}

#[test]
fn power_cuts_on_xfs_lose_nothing_durable() {
    holds("power cuts", &powercut(&program(), FileSystem::Xfs, 24, 1, &keep()));
}

#[test]
fn failed_write_back_loses_nothing_durable() {
    holds("failed write-back", &eio(&program(), 8, 1, &keep()));
}

#[test]
fn readers_and_copies_of_a_store_whose_writers_die_see_what_was_written() {
    let (time, pace) = (Duration::from_secs(8), Duration::from_micros(200));
    holds("soak", &soak(&program(), time, pace, 1, &keep()));
}
