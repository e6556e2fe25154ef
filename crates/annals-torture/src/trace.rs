//! A tracer: it stops a writer at each of its system calls and decides what becomes of it.
//!
//! `strace` could do most of it, but counts the calls of each thread for itself, is several times
//! slower, and can't make a write short: that takes the call's own arguments.

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// A system call that is about to be made: its number, and its first arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) number: i64,
    pub(crate) arguments: [u64; 4],
}

/// What becomes of a system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// It is made.
    Go,
    /// It is not, and the process is killed.
    Kill,
    /// It is not made, and fails.
    Fail(Errno),
    /// It is made, and fails all the same.
    Lie(Errno),
    /// It is made with half of its length.
    Short,
}

/// Follows a writer that waits for its tracer, to its end, which it returns. `each` decides about
/// each system call of all its threads.
///
/// The thread that calls this has to be the one that has started the process.
///
/// # Errors
/// Tracing is not possible here.
pub(crate) fn trace(
    process: u32,
    each: impl FnMut(Option<Call>) -> Deed,
    looks: bool,
) -> nix::Result<ExitStatus> {
    let leader = Pid::from_raw(process as i32);
    // Of this thread's children and of those only, threads included.
    let of_mine = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    match waitpid(leader, Some(of_mine))? {
        WaitStatus::Stopped(..) => {}
        WaitStatus::Exited(_, code) => return Ok(ExitStatus::from_raw(code << 8)),
        _ => return Err(Errno::ECHILD),
    }
    let options =
        Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(leader, options)?;
    let mut tracer = Tracer { leader, looks, failing: HashMap::new(), each };
    let mut failed = tracer.go_on(leader, None).err();
    loop {
        let status = waitpid(Pid::from_raw(-1), Some(of_mine))?;
        let ended = match status {
            WaitStatus::Exited(thread, code) if thread == leader => code << 8,
            WaitStatus::Signaled(thread, signal, _) if thread == leader => signal as i32,
            status => {
                if let Err(error) = tracer.stopped(status)
                    && failed.is_none()
                {
                    failed = Some(error);
                    kill(leader, Signal::SIGKILL)?;
                }
                continue;
            }
        };
        return failed.map_or(Ok(ExitStatus::from_raw(ended)), Err);
    }
}

/// Somebody who follows a process.
struct Tracer<F> {
    leader: Pid,
    /// Whether it looks which call it is.
    looks: bool,
    /// What calls that are under way are to return.
    failing: HashMap<Pid, Errno>,
    each: F,
}

impl<F: FnMut(Option<Call>) -> Deed> Tracer<F> {
    /// A thread has stopped, or has ended.
    fn stopped(&mut self, status: WaitStatus) -> nix::Result<()> {
        let done = match status {
            WaitStatus::PtraceSyscall(thread) => self.at_call(thread),
            // A thread that begins is stopped once.
            WaitStatus::Stopped(thread, Signal::SIGSTOP) => self.go_on(thread, None),
            WaitStatus::Stopped(thread, signal) => self.go_on(thread, Some(signal)),
            WaitStatus::PtraceEvent(thread, ..) => self.go_on(thread, None),
            _ => Ok(()),
        };
        match done {
            // It was killed while it was stopped: its end is told later.
            Err(Errno::ESRCH) => Ok(()),
            done => done,
        }
    }

    /// A thread is about to make a call, or has made it.
    fn at_call(&mut self, thread: Pid) -> nix::Result<()> {
        if ptrace::syscall_info(thread)?.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            if let Some(error) = self.failing.remove(&thread) {
                registers::fail(thread, error)?;
            }
            return self.go_on(thread, None);
        }
        let call = if self.looks { registers::call(thread)? } else { None };
        match (self.each)(call) {
            Deed::Go => {}
            Deed::Kill => return kill(self.leader, Signal::SIGKILL),
            Deed::Fail(error) => {
                registers::skip(thread)?;
                self.failing.insert(thread, error);
            }
            Deed::Lie(error) => drop(self.failing.insert(thread, error)),
            Deed::Short => registers::shorten(thread)?,
        }
        self.go_on(thread, None)
    }

    /// Lets a thread go on, to its next call or to the end of this one.
    fn go_on(&self, thread: Pid, signal: Option<Signal>) -> nix::Result<()> {
        ptrace::syscall(thread, signal)
    }
}

/// Where a system call has its number, its arguments and its result.
#[cfg(target_arch = "x86_64")]
mod registers {
    use super::{Call, Errno, Pid, ptrace};

    pub(super) fn call(thread: Pid) -> nix::Result<Option<Call>> {
        let registers = ptrace::getregs(thread)?;
        let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
        Ok(Some(Call { number: registers.orig_rax as i64, arguments }))
    }

    /// No call has this number, so none is made.
    pub(super) fn skip(thread: Pid) -> nix::Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        registers.orig_rax = u64::MAX;
        ptrace::setregs(thread, registers)
    }

    pub(super) fn shorten(thread: Pid) -> nix::Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        registers.rdx = registers.rdx.div_ceil(2);
        ptrace::setregs(thread, registers)
    }

    pub(super) fn fail(thread: Pid, error: Errno) -> nix::Result<()> {
        let mut registers = ptrace::getregs(thread)?;
        registers.rax = (-(error as i64)) as u64;
        ptrace::setregs(thread, registers)
    }
}

/// On other processors calls can be counted, and writers killed at them, but not made to fail.
#[cfg(not(target_arch = "x86_64"))]
mod registers {
    use super::{Call, Errno, Pid};

    pub(super) fn call(_: Pid) -> nix::Result<Option<Call>> {
        Ok(None)
    }

    pub(super) fn skip(_: Pid) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }

    pub(super) fn shorten(_: Pid) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }

    pub(super) fn fail(_: Pid, _: Errno) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }
}
