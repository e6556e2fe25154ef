//! The commit path: guards, place, index, write, sync; all in the caller's thread.

use super::core::Core;
use super::flow::InFlight;
use super::slots::Before;
use super::writer::{Engine, WriteSide, Writer};
use crate::format::{Epoch, FRAME_LEN, FrameHeader, FrameKind, TermHash, TermKind, u64_of};
use crate::index::Sources;
use crate::log::{Draft, Place};
use crate::words::{
    AppendError, Appended, Commit, Conflict, Durability, Error, Limit, LimitExceeded, LogOffset,
    Position, Timestamp, Version,
};
use std::sync::atomic::Ordering;

/// How often a buffered commit looks whether its file is still there, in microseconds of recorded
/// time.
const LOOK_EVERY: i64 = 100_000;

/// What was decided under the writer's lock.
enum Decision {
    /// It has its place; its frame ends here.
    Placed(LogOffset, Appended),
    /// It is refused, by what is in the log before this offset.
    Refused(LogOffset, Conflict),
}

impl Engine {
    /// Appends a commit: all of it or nothing.
    pub fn commit(&self, commit: &Commit) -> Result<Appended, AppendError> {
        let result = self.place_and_settle(commit);
        self.core.bell.call();
        result
    }

    fn place_and_settle(&self, commit: &Commit) -> Result<Appended, AppendError> {
        let side = self.write_side()?;
        commit.check()?;
        let core = &*self.core;
        core.flow.lock().check_writable()?;
        let durability = commit.durability.unwrap_or(side.settings.durability);
        let mut draft = Draft::new(commit, &core.identity.key)?;
        side.keep_up(core);
        let now = side.settings.clock.now();
        if durability != Durability::Buffered || side.is_time_to_look(now) {
            side.check_there(core)?;
        }
        let decision = side.decide(core, &mut draft, durability, now)?;
        let (Decision::Placed(end, _) | Decision::Refused(end, _)) = decision;
        side.settle(core, end)?;
        match decision {
            Decision::Refused(_, conflict) => Err(AppendError::Conflict(conflict)),
            Decision::Placed(end, appended) => {
                if durability == Durability::Strict {
                    side.mark(core, end)?;
                }
                side.after_commit(core, end)?;
                Ok(appended)
            }
        }
    }
}

impl WriteSide {
    fn is_time_to_look(&self, now: Timestamp) -> bool {
        let last = self.recorded.load(Ordering::Relaxed);
        now.micros().saturating_sub(last) >= LOOK_EVERY || now.micros() < last
    }

    /// Checks the guards against everything placed so far, and gives the commit its place.
    fn decide(
        &self,
        core: &Core,
        draft: &mut Draft,
        durability: Durability,
        now: Timestamp,
    ) -> Result<Decision, AppendError> {
        let mut guard = self.writer();
        let writer = &mut *guard;
        core.flow.lock().check_writable()?;
        let sources = core.index.sources();
        let versions = versions(core, writer, &sources, draft)?;
        for (stream, current) in draft.streams.iter().zip(&versions) {
            if !stream.expected.allows(*current) {
                let conflict = Conflict {
                    stream: stream.name().to_owned(),
                    expected: stream.expected,
                    current: *current,
                };
                return Ok(Decision::Refused(writer.end, conflict));
            }
        }
        let mut after = Vec::with_capacity(versions.len());
        for (stream, current) in draft.streams.iter().zip(&versions) {
            let given = u64_of(stream.events);
            let version = current
                .forward(given)
                .ok_or_else(|| over(Limit::Versions, current.get().saturating_add(given)))?;
            if given > 0 {
                after.push((stream.name().to_owned(), version));
            }
        }
        let first = writer.next;
        let next = first
            .forward(draft.events())
            .ok_or_else(|| over(Limit::Positions, first.get().saturating_add(draft.events())))?;
        let last = next.previous();
        let epoch = self.begin_epoch(core, writer)?;
        self.make_room(core, writer, draft)?;
        // Nothing can fail from here on.
        let recorded = writer.recorded.max(now);
        let place = Place {
            at: writer.end,
            segment: writer.segment.log_offset,
            epoch,
            before: writer.chain,
            first,
            recorded,
            watermark: core.watermark(),
        };
        let placed = draft.place(&place, &mut writer.names, &versions, &core.identity.key);
        let end = writer.end.plus(u64_of(placed.bytes.len()));
        writer.pending.add(writer.segment.file_offset(writer.end), placed.bytes, end);
        (writer.end, writer.next, writer.chain, writer.recorded) =
            (end, next, placed.chain, recorded);
        self.recorded.store(recorded.micros(), Ordering::Relaxed);
        if let Some(table) = sources.active() {
            table.extend(draft.entries(&draft.tags()));
        }
        if self.is_full(&sources, writer.mark()) {
            self.freeze(core, writer, &sources);
        } else {
            self.note_lag(&sources, writer.mark());
        }
        let needs_sync = durability != Durability::Buffered;
        core.flow.lock().push(InFlight { end, head: last, needs_sync });
        Ok(Decision::Placed(end, Appended { first, last, versions: after }))
    }

    /// The newest table takes in no more: it waits to become a run.
    ///
    /// Names are written again from here on, so whoever scans the tail after a crash finds all
    /// that it refers to within it.
    fn freeze(&self, core: &Core, writer: &mut Writer, sources: &Sources) {
        if let Some(table) = sources.active() {
            table.heads(|stream, version| writer.heads.keep(stream, version));
        }
        writer.names.clear();
        core.index.freeze(writer.mark());
        self.call.ring();
    }

    /// The epoch of what is written; the first commit after a clean open begins one, on the device,
    /// before it writes.
    fn begin_epoch(&self, core: &Core, writer: &mut Writer) -> Result<Epoch, Error> {
        if let Some(epoch) = writer.epoch {
            return Ok(epoch);
        }
        let mut slots = self.slots.lock();
        let counter = slots.newest.epoch.counter + 1;
        let epoch = Epoch { counter, salt: self.settings.random(counter.wrapping_add(16)) };
        let proof = writer.mark();
        slots.write(core, writer.recorded, Before::Nothing, |slot| {
            slot.epoch = epoch;
            slot.proof = proof;
            slot.clean = false;
        })?;
        writer.epoch = Some(epoch);
        Ok(epoch)
    }

    /// Makes the current segment one in which the commit has room, and an end record after it.
    fn make_room(&self, core: &Core, writer: &mut Writer, draft: &Draft) -> Result<(), Error> {
        let end_record = u64_of(FRAME_LEN);
        let left = |writer: &Writer| writer.segment.log_end().since(writer.end);
        if draft.len_with(&writer.names) + end_record <= left(writer) {
            return Ok(());
        }
        let mut slots = self.slots.lock();
        // All the room there has to be is there before anything moves.
        let alone = draft.len_alone() + end_record;
        self.prepare_for(core, &mut slots, alone, writer.recorded)?;
        loop {
            let Some(next) = slots.prepared.pop_front() else {
                return Err(Error::outcome_unknown());
            };
            let end = self.end_record(core, writer, next.extent.file_offset)?;
            writer.pending.add(writer.segment.file_offset(writer.end), &end, next.first_frame());
            writer.segment = next;
            writer.end = next.first_frame();
            writer.names.clear();
            let mut state = core.flow.lock();
            state.segments = state.segments.with(next);
            drop(state);
            if alone <= left(writer) {
                self.note_room(&slots, next);
                return Ok(());
            }
        }
    }

    /// The frame that closes the current segment, at the writer's end.
    fn end_record(
        &self,
        core: &Core,
        writer: &mut Writer,
        next_segment: u64,
    ) -> Result<[u8; FRAME_LEN], Error> {
        let header = FrameHeader {
            kind: FrameKind::End { next_segment },
            at: writer.end,
            epoch: writer.epoch.ok_or_else(Error::outcome_unknown)?,
            length: u32::try_from(FRAME_LEN).unwrap_or(u32::MAX),
            records: 0,
            events: 0,
            records_check: 0,
            first: writer.next,
            recorded: writer.recorded,
            before: writer.chain,
            watermark: core.watermark(),
        };
        let (bytes, chain) = header.encode(&core.identity.key);
        writer.chain = chain;
        Ok(bytes)
    }

    /// What is due after a commit that ends here: a sync of what was buffered, or a call for the
    /// keeper.
    fn after_commit(&self, core: &Core, end: LogOffset) -> Result<(), Error> {
        let (written, unsynced) = {
            let state = core.flow.lock();
            (state.written, state.written.since(state.synced))
        };
        if unsynced >= self.settings.sync_bytes {
            self.sync_to(core, written)?;
        }
        let call = &self.call;
        let first = !call.unmarked.swap(true, Ordering::Relaxed);
        let buffered = unsynced > 0 && !call.timing.swap(true, Ordering::Relaxed);
        let much = unsynced >= self.settings.sync_bytes / 2;
        if first || buffered || much || end.get() >= call.prepare_at.load(Ordering::Relaxed) {
            call.ring();
        }
        Ok(())
    }
}

/// The version of each stream that a commit names, by everything placed so far.
fn versions(
    core: &Core,
    writer: &Writer,
    sources: &Sources,
    draft: &Draft,
) -> Result<Vec<Version>, Error> {
    let streams = draft.streams.iter().map(|stream| stream.hash.of(TermKind::Stream));
    let streams: Vec<TermHash> = streams.collect();
    let newest = sources.active().map(|table| table.known(&streams)).unwrap_or_default();
    let mut versions = Vec::with_capacity(streams.len());
    for ((stream, hash), known) in draft.streams.iter().zip(&streams).zip(newest) {
        versions.push(match (known, writer.heads.get(*hash)) {
            (Some(known), _) => Version::new(known.base.saturating_add(known.count)),
            (None, Some(version)) => version,
            (None, None) => match sources.version(stream.hash, Position::MAX) {
                Ok(version) => version,
                Err(error) => {
                    core.ask_again(error, |sources| sources.version(stream.hash, Position::MAX))?
                }
            },
        });
    }
    Ok(versions)
}

fn over(limit: Limit, given: u64) -> AppendError {
    AppendError::Limit(LimitExceeded { limit, allowed: limit.allowed(), given })
}
