//! Writers that are killed at a system call: at each that a plan makes, from the first touch of the
//! store to the last.

use crate::base::Base;
use crate::kill::How;
use crate::outcome::{Keep, Outcome, Progress, in_parallel};
use crate::process::Program;
use crate::trace::Deed;
use annals_sim::Random;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Kills writers at each of their system calls, of each plan; or only at the one with the number
/// `at`.
pub fn syscalls(
    program: &Program,
    plans: Range<u64>,
    steps: u64,
    at: Option<u64>,
    keep: &Keep,
) -> Outcome {
    let progress = Progress::new("plans", plans.end.saturating_sub(plans.start));
    let kills = AtomicU64::new(0);
    let mut violations = Vec::new();
    for seed in plans {
        let base = match Base::new(program, seed, steps, keep) {
            Ok(base) => base,
            Err(error) => {
                violations.push(format!("plan {seed}, its beginning: {error}"));
                continue;
            }
        };
        let next = AtomicU64::new(at.unwrap_or(0));
        let end = AtomicU64::new(at.map_or(u64::MAX, |at| at + 1));
        violations.extend(in_parallel(|| {
            loop {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= end.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let how = How::random(&mut Random::new(seed ^ nth));
                let mut count = 0;
                let traced = base.run(program, false, keep, how, |_| {
                    count += 1;
                    if count > nth { Deed::Kill } else { Deed::Go }
                })?;
                if traced.was_killed {
                    kills.fetch_add(1, Ordering::Relaxed);
                } else {
                    end.fetch_min(nth, Ordering::Relaxed);
                }
                traced.wrong.as_ref().map_err(|what| {
                    let kept = keep.file(&traced.store(), &format!("syscalls-{seed}-{nth}"));
                    let words = format!("{seed} --steps {steps} --at {nth}");
                    let again = format!("annals-torture syscalls {words}");
                    let from = base.words();
                    let place = format!("plan {seed}, from {from}, at system call {nth}");
                    format!("{place}: {what}\n    kept: {kept}\n    again: {again}")
                })?;
            }
        }));
        progress.step();
    }
    let figures = format!("{} kills, one at each system call", kills.into_inner());
    progress.done(figures, violations)
}
