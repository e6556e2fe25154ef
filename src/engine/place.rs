//! A commit gets its place, and the log room for it. Under the writer's lock.

use super::core::Core;
use super::flow::InFlight;
use super::guard::over;
use super::slots::Before;
use super::writer::{WriteSide, Writer};
use crate::format::{Epoch, FRAME_LEN, FrameHeader, FrameKind, u64_of};
use crate::index::Sources;
use crate::log::{Draft, Place};
use crate::threads::atomic::Ordering;
use crate::words::{
    AppendError, Appended, Durability, Error, Limit, LogOffset, Position, Timestamp,
};

impl WriteSide {
    /// Gives a commit whose guards hold its place. The guards looked up the versions of its streams
    /// and the newest records of its documents.
    pub(super) fn place(
        &self,
        core: &Core,
        writer: &mut Writer,
        sources: &Sources,
        draft: &mut Draft,
        (now, needs_sync): (Timestamp, bool),
    ) -> Result<Appended, AppendError> {
        let first = writer.next;
        let next = first
            .forward(draft.events())
            .ok_or_else(|| over(Limit::Positions, first.get().saturating_add(draft.events())))?;
        let last = next.previous();
        if !writer.has_room {
            self.take_room_again(core, writer.end)?;
            writer.has_room = true;
        }
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
        let key = &core.identity.key;
        let placed = draft.place(&place, key);
        let end = writer.end.plus(u64_of(placed.bytes.len()));
        writer.pending.add(writer.segment, writer.end, placed.bytes, end);
        (writer.end, writer.next, writer.chain, writer.recorded) =
            (end, next, placed.chain, recorded);
        self.recorded.store(recorded.micros(), Ordering::Relaxed);
        if let Some(table) = sources.active() {
            let parts = draft.parts();
            let (names, segment) = (parts.names, writer.segment_number);
            table.append(names, segment, parts.events, parts.documents, parts.terms);
        }
        if self.is_full(sources, writer.mark()) {
            self.freeze(core, writer, sources);
        } else {
            self.note_lag(sources, writer.mark());
        }
        core.flow.lock().push(InFlight { end, head: last, needs_sync });
        Ok(appended(draft, (first, last)))
    }

    /// The newest table takes in no more: it waits to become a run.
    ///
    /// Names are written again from here on, so whoever scans the tail after a crash finds all
    /// that it refers to within it.
    fn freeze(&self, core: &Core, writer: &mut Writer, sources: &Sources) {
        if let Some(table) = sources.active() {
            table.heads(|stream, version| writer.heads.keep(stream, version));
        }
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
    fn make_room(&self, core: &Core, writer: &mut Writer, draft: &mut Draft) -> Result<(), Error> {
        let end_record = u64_of(FRAME_LEN);
        let left = |writer: &Writer| writer.segment.log_end().since(writer.end);
        if draft.len_here() + end_record <= left(writer) {
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
            writer.pending.add(writer.segment, writer.end, &end, next.first_frame());
            writer.segment = next;
            writer.end = next.first_frame();
            writer.segment_number = writer.segment_number.wrapping_add(1);
            draft.forget_references();
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
            padding: 0,
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
    pub(super) fn after_commit(
        &self,
        core: &Core,
        end: LogOffset,
        durability: Durability,
    ) -> Result<(), Error> {
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
        // Room is prepared with the syncs of commits, where there are some.
        let carried = durability != Durability::Buffered && self.settings.reserve == 0;
        if first || buffered || much || (!carried && self.is_room_due(end)) {
            call.ring();
        }
        Ok(())
    }
}

/// What a commit has become that was placed.
fn appended(draft: &Draft, (first, last): (Position, Position)) -> Appended {
    let written = draft.streams.iter().filter(|stream| stream.events > 0);
    let versions = written.map(|stream| (draft.stream(stream).text.to_owned(), stream.last));
    let documents = draft.document_entries();
    let revisions = documents.map(|entry| (entry.key.text.to_owned(), entry.place.revision));
    Appended {
        first,
        last,
        versions: versions.collect(),
        revisions: revisions.collect(),
        replayed: false,
    }
}
