//! System calls that fail: each that has to do with a file, by each fault, once and from then on.

use crate::base::Base;
use crate::kill::How;
use crate::outcome::{Keep, Outcome, Progress, in_parallel};
use crate::process::Program;
use crate::trace::{Call, Deed};
use annals_sim::Random;
use nix::errno::Errno;
use nix::libc;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What becomes of a system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// It fails like this.
    Fails(Errno),
    /// It reads or writes half of what it was asked to.
    Short,
}

/// How often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    Once,
    /// From then on all calls that have to do with a file; interrupted is every other one, or
    /// nobody would ever get anywhere.
    FromThenOn,
}

/// One way in which a system call may fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    fault: Fault,
    reach: Reach,
}

/// The faults, as they are called.
const FAULTS: [(&str, Fault); 6] = [
    ("eio", Fault::Fails(Errno::EIO)),
    ("enospc", Fault::Fails(Errno::ENOSPC)),
    ("edquot", Fault::Fails(Errno::EDQUOT)),
    ("erofs", Fault::Fails(Errno::EROFS)),
    ("eintr", Fault::Fails(Errno::EINTR)),
    ("short", Fault::Short),
];
const REACHES: [(&str, Reach); 2] = [("once", Reach::Once), ("on", Reach::FromThenOn)];

impl Way {
    /// All of them.
    fn all() -> Vec<Self> {
        let faults = FAULTS.iter().map(|(_, fault)| *fault);
        let both = |fault| REACHES.iter().map(move |(_, reach)| Self { fault, reach: *reach });
        faults.flat_map(both).collect()
    }

    /// What becomes of the call with the number `nth` of those that have to do with a file, if this
    /// befalls the one with the number `at`.
    fn deed(self, call: Call, nth: u64, at: u64) -> Deed {
        let befalls = match (self.reach, self.fault) {
            (Reach::Once, _) => nth == at,
            (Reach::FromThenOn, Fault::Fails(Errno::EINTR)) => {
                nth >= at && (nth - at).is_multiple_of(2)
            }
            (Reach::FromThenOn, _) => nth >= at,
        };
        match self.fault {
            Fault::Fails(_) | Fault::Short if !befalls => Deed::Go,
            // Whatever it returns, a descriptor is closed.
            Fault::Fails(error) if call.number == libc::SYS_close => Deed::Lie(error),
            Fault::Fails(error) => Deed::Fail(error),
            Fault::Short if can_be_short(call) => Deed::Short,
            Fault::Short => Deed::Go,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = FAULTS.iter().find(|(_, fault)| *fault == self.fault);
        let reach = REACHES.iter().find(|(_, reach)| *reach == self.reach);
        let (fault, reach) = (fault.map_or("", |it| it.0), reach.map_or("", |it| it.0));
        write!(f, "{fault}-{reach}")
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::all().into_iter();
        all.find(|way| way.to_string() == text).ok_or_else(|| format!("no fault is called {text}"))
    }
}

/// Whether a call has to do with a file. What a program says, memory and threads have not.
fn is_io(call: Call) -> bool {
    /// What a map of no file says.
    const NO_FILE: u64 = libc::MAP_ANONYMOUS as u64;
    let of_a_file = call.arguments[0] > 2;
    match call.number {
        libc::SYS_read
        | libc::SYS_write
        | libc::SYS_pread64
        | libc::SYS_pwrite64
        | libc::SYS_fsync
        | libc::SYS_fdatasync
        | libc::SYS_fallocate
        | libc::SYS_ftruncate
        | libc::SYS_fstat
        | libc::SYS_lseek
        | libc::SYS_fadvise64
        | libc::SYS_flock
        | libc::SYS_fcntl
        | libc::SYS_close => of_a_file,
        libc::SYS_mmap => call.arguments[3] & NO_FILE == 0,
        libc::SYS_openat
        | libc::SYS_statx
        | libc::SYS_newfstatat
        | libc::SYS_rename
        | libc::SYS_renameat2
        | libc::SYS_link
        | libc::SYS_linkat
        | libc::SYS_unlink
        | libc::SYS_unlinkat => true,
        _ => false,
    }
}

/// Whether a call moves bytes, more than one.
fn can_be_short(call: Call) -> bool {
    let moves = [libc::SYS_read, libc::SYS_write, libc::SYS_pread64, libc::SYS_pwrite64];
    moves.contains(&call.number) && call.arguments[2] > 1
}

/// Where and how system calls are to fail: everywhere, unless told.
#[derive(Clone, Debug, Default)]
pub struct Where {
    /// Only at the call with this number.
    pub at: Option<u64>,
    /// Only in this way.
    pub way: Option<Way>,
}

/// Makes each system call of each plan fail that has to do with a file, in each way.
pub fn faults(
    program: &Program,
    plans: Range<u64>,
    steps: u64,
    only: &Where,
    keep: &Keep,
) -> Outcome {
    if cfg!(not(target_arch = "x86_64")) {
        return Outcome::Skipped("system calls are made to fail on x86-64 only".to_owned());
    }
    let progress = Progress::new("plans", plans.end.saturating_sub(plans.start));
    let (mut indexes, runs) = (0, AtomicU64::new(0));
    let mut violations = Vec::new();
    for seed in plans {
        let (calls, base) = match begin(program, seed, steps, keep) {
            Ok(begun) => begun,
            Err(error) => {
                violations.push(format!("plan {seed}, without a fault: {error}"));
                continue;
            }
        };
        indexes += calls.len() as u64;
        let cases = cases(&calls, only);
        let next = AtomicUsize::new(0);
        violations.extend(in_parallel(|| {
            while let Some((at, way)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let how = How::random(&mut Random::new(seed ^ at));
                let mut count = 0;
                let fail = |call: Option<Call>| {
                    let Some(call) = call.filter(|call| is_io(*call)) else { return Deed::Go };
                    count += 1;
                    way.deed(call, count - 1, *at)
                };
                let traced = base.run(program, true, keep, how, fail)?;
                runs.fetch_add(1, Ordering::Relaxed);
                traced.wrong.as_ref().map_err(|what| {
                    let kept = keep.file(&traced.store(), &format!("faults-{seed}-{at}-{way}"));
                    let words = format!("{seed} --steps {steps} --at {at} --way {way}");
                    let again = format!("annals-torture faults {words}");
                    let from = base.words();
                    let whose = calls.get(*at as usize).map_or(0, |call| call.number);
                    let place = format!("plan {seed}, from {from}, at call {at} ({whose}), {way}");
                    format!("{place}: {what}\n    kept: {kept}\n    again: {again}")
                })?;
            }
            Ok(())
        }));
        progress.step();
    }
    let figures = format!(
        "{indexes} system calls that have to do with a file, {} runs in which one failed, or all \
         from one on, by 6 faults",
        runs.into_inner(),
    );
    progress.done(figures, violations)
}

/// The plan's beginning, and the calls it makes that have to do with a file, if none fails.
fn begin(
    program: &Program,
    seed: u64,
    steps: u64,
    keep: &Keep,
) -> Result<(Vec<Call>, Base), String> {
    let base = Base::new(program, seed, steps, keep)?;
    let mut calls = Vec::new();
    let note = |call: Option<Call>| {
        calls.extend(call.filter(|call| is_io(*call)));
        Deed::Go
    };
    base.run(program, true, keep, How::Closing, note)?.wrong?;
    Ok((calls, base))
}

/// What is to be tried: each call in each way. That one which moves no bytes is short for once
/// changes nothing.
fn cases(calls: &[Call], only: &Where) -> Vec<(u64, Way)> {
    let once_short = Way { fault: Fault::Short, reach: Reach::Once };
    let mut cases = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        for way in Way::all() {
            let is_meant = only.at.is_none_or(|only| only == at as u64)
                && only.way.is_none_or(|only| only == way);
            if is_meant && (way != once_short || can_be_short(*call)) {
                cases.push((at as u64, way));
            }
        }
    }
    cases
}
