//! One event after another into what keeps the output, and the checkpoint with it.

use super::policy::{Conduct, Progress};
use crate::toolkit::on_error::Verdict;
use crate::toolkit::{OnError, Port, Received, ToolError};
use crate::{Position, Query, Read};
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

/// Keeps an output, and how far it reaches, and changes both at once.
pub(super) trait Target: Send {
    fn name(&self) -> &str;

    fn query(&self) -> Query;

    /// Up to where what is committed reaches.
    fn position(&self) -> Position;

    /// How many events it says to have passed over.
    fn skipped(&self) -> u64;

    /// Takes in an event, without committing it.
    fn apply(&mut self, port: &Port, event: &Received<'_>) -> Result<(), ToolError>;

    /// Commits what was taken in, and that it reaches up to here.
    fn commit(
        &mut self,
        port: &Port,
        position: Position,
        skipped: u64,
        conduct: &Conduct,
    ) -> Result<(), ToolError>;

    /// Whether what was taken in is to be committed before there is more.
    fn is_full(&self) -> bool {
        false
    }

    /// Drops what was taken in since the last commit.
    fn roll_back(&mut self);
}

/// Who is asked between batches, and where something is waited for, whether to go on.
pub(super) trait Watch {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()>;

    /// Waits for so long, or until it is not to go on.
    fn pause(&mut self, pause: Duration) -> ControlFlow<()> {
        thread::sleep(pause);
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(Progress) -> ControlFlow<()>> Watch for F {
    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// A checkpoint that nothing was applied for is written when it has moved so far: what was not
/// wanted is looked for again after a restart, by the index.
const APART: u64 = 10_000;

/// How the advance ended, if not by an error.
pub(super) enum Advance {
    /// Everything up to the end was looked at.
    Done(Progress),
    /// Who watches did not want more; what was applied is committed.
    Cancelled(Progress),
}

/// Takes in everything up to `to`, in batches, each committed with its checkpoint. An event that
/// can't be applied is dealt with as `on_error` says; what stands before it is committed.
/// Everything up to `looked` is known to hold nothing more than the checkpoint says.
///
/// # Errors
/// The store's, and that of an event before which it stops.
pub(super) fn advance(
    port: &Port,
    target: &mut dyn Target,
    looked: Position,
    to: Position,
    conduct: &Conduct,
    on_error: &OnError,
    watch: &mut dyn Watch,
) -> Result<Advance, ToolError> {
    let mut walk = Walk { port, target, looked, conduct, events: 0 };
    // An event that fails ends a stretch; the next one ends before it, and then it stands alone.
    let mut end = to;
    let mut attempts = 1;
    loop {
        let failed = match walk.stretch(end, to, watch)? {
            Stretch::Whole if end == to => return Ok(Advance::Done(walk.progress(to))),
            Stretch::Whole => {
                end = to;
                continue;
            }
            Stretch::Cancelled => return Ok(Advance::Cancelled(walk.progress(to))),
            Stretch::Failed(failed) => failed,
        };
        if failed.is_behind_others {
            end = failed.before;
            continue;
        }
        match on_error.after(attempts) {
            Verdict::Stop => return Err(failed.error),
            Verdict::Skip => walk.skip(failed.position)?,
            Verdict::Again(pause) => {
                if watch.pause(pause).is_break() {
                    return Ok(Advance::Cancelled(walk.progress(to)));
                }
                attempts += 1;
                continue;
            }
        }
        attempts = 1;
    }
}

struct Walk<'a> {
    port: &'a Port,
    target: &'a mut dyn Target,
    /// There is nothing between the checkpoint and here.
    looked: Position,
    conduct: &'a Conduct,
    /// Applied and committed.
    events: u64,
}

/// How a stretch of the log ended.
enum Stretch {
    Whole,
    Cancelled,
    Failed(Failed),
}

/// An event that could not be applied; nothing of its batch is.
struct Failed {
    position: Position,
    /// The position before it.
    before: Position,
    /// Whether others of its batch stand before it, which are to be committed first.
    is_behind_others: bool,
    error: ToolError,
}

impl Walk<'_> {
    /// Takes in what stands behind the checkpoint, up to `end`.
    fn stretch(
        &mut self,
        end: Position,
        to: Position,
        watch: &mut dyn Watch,
    ) -> Result<Stretch, ToolError> {
        let Self { port, target, looked, conduct, events: total } = self;
        let read = Read::new().after(target.position().max(*looked)).to(end);
        let mut events = port.query(&target.query(), read)?;
        let name = target.name().to_owned();
        let (mut in_batch, skipped) = (0, target.skipped());
        while let Some(event) = events.next_event()? {
            let position = event.position;
            let applied = port.publish(&event, &name, &mut || target.apply(port, &event));
            if let Err(error) = applied {
                target.roll_back();
                let before = Position::new(position.get().saturating_sub(1));
                let is_behind_others = in_batch > 0;
                return Ok(Stretch::Failed(Failed { position, before, is_behind_others, error }));
            }
            in_batch += 1;
            if in_batch >= conduct.batch || target.is_full() {
                target.commit(port, position, skipped, conduct)?;
                *total += std::mem::take(&mut in_batch);
                let progress = Progress { position, to, events: *total, skipped };
                if watch.progress(progress).is_break() {
                    return Ok(Stretch::Cancelled);
                }
            }
        }
        let reached = events.marker().max(target.position());
        *looked = reached;
        let moved = reached.get().saturating_sub(target.position().get());
        if in_batch > 0 || moved >= APART {
            target.commit(port, reached, skipped, conduct)?;
            *total += in_batch;
        }
        let progress = Progress { position: reached, to, events: *total, skipped };
        Ok(if watch.progress(progress).is_break() { Stretch::Cancelled } else { Stretch::Whole })
    }

    /// Passes over an event.
    fn skip(&mut self, position: Position) -> Result<(), ToolError> {
        let skipped = self.target.skipped() + 1;
        self.target.commit(self.port, position, skipped, self.conduct)
    }

    fn progress(&self, to: Position) -> Progress {
        let (events, skipped) = (self.events, self.target.skipped());
        Progress { position: self.looked.max(self.target.position()), to, events, skipped }
    }
}
