//! What of that which was found is the log: in its place, not discarded, and fitting what follows.
//! Rules 3 to 5. Nothing here reads.

use super::scan::{Found, Stretch};
use crate::format::{
    Chain, Epoch, FIRST_EXTENT, FRAME_LEN, FrameHeader, FrameKind, SEGMENT_HEADER_LEN, SegmentRef,
    Slot, u64_of,
};
use crate::words::{LogOffset, Position};
use std::collections::{BTreeMap, HashMap};

/// A segment, as far as it is known and no other one begins in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Its first byte of the file.
    pub file_offset: u64,
    /// The byte of the file behind its last.
    pub file_end: u64,
    /// The log offset of its first byte.
    pub log_offset: LogOffset,
    /// The log offset where the next segment begins, if it is known.
    pub log_end: Option<LogOffset>,
    /// Whether its own header says so.
    pub has_header: bool,
}

/// What is known of a place in the log: how it goes on there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The place.
    pub at: LogOffset,
    /// The check of the frame before.
    pub chain: Option<Chain>,
    /// The position of the next event.
    pub next: Position,
}

/// Frames of the log behind one another, all in one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Which segment.
    pub room: usize,
    /// Where the first of them stands.
    pub start: LogOffset,
    /// Where the last of them has to end at the latest.
    pub cut: LogOffset,
    /// What follows; each of them has to fit it.
    pub behind: [Option<Edge>; 2],
}

/// What is of the log.
#[derive(Default)]
pub struct Log {
    /// Its segments, in the order of the file.
    pub rooms: Vec<Room>,
    /// Its frames, in the order of the log.
    pub pieces: Vec<Piece>,
    /// The same in the order of the log: log offset, and number in the list.
    by_log: Vec<(LogOffset, usize)>,
    /// Where frames stand that were discarded, and nothing else: names there are none of the log.
    pub discarded: Vec<(LogOffset, LogOffset)>,
    /// What the slots say of it, in the order of the log.
    pub marks: Vec<Edge>,
    /// The highest watermark: up to there the log was synced.
    pub watermark: LogOffset,
    /// Up to where what is whole is taken, whatever it follows: the watermark, or without a slot
    /// all of the log.
    pub proven: LogOffset,
}

/// Judges what was found, by these slots of the same store.
pub fn judge(found: &Found, slots: &[Slot]) -> Log {
    let rooms = rooms(found, slots);
    let marks = marks(slots);
    // Only what is in its place says something of this log.
    let mut epochs = Epochs::default();
    for slot in slots {
        epochs.slot(slot);
    }
    let mut placed = Vec::new();
    for stretch in &found.stretches {
        if let Some(room) = place(&rooms, (stretch.file_offset, stretch.start)) {
            epochs.frames(stretch);
            placed.push((stretch, room));
        }
    }
    for (file_offset, stub) in &found.stubs {
        if place(&rooms, (*file_offset, stub.at)).is_some() {
            epochs.state(stub.epoch, stub.watermark, stub.watermark);
        }
    }
    let limits = epochs.limits();
    placed.sort_by_key(|(stretch, _)| stretch.start);
    let (pieces, dropped) = fitting(&placed, &rooms, &marks, &limits);
    let discarded = without(dropped, &pieces);
    let watermark = epochs.watermark;
    let proven = if slots.is_empty() { LogOffset::new(u64::MAX) } else { watermark };
    let mut by_log: Vec<_> =
        rooms.iter().zip(0..).map(|(room, nth)| (room.log_offset, nth)).collect();
    by_log.sort_unstable();
    Log { rooms, pieces, by_log, discarded, marks, watermark, proven }
}

/// From the end of the log on, since what follows is known to be of it: the pieces that fit, and
/// the places of what does not.
fn fitting(
    placed: &[(&Stretch, usize)],
    rooms: &[Room],
    marks: &[Edge],
    limits: &HashMap<(u64, u64), LogOffset>,
) -> (Vec<Piece>, Vec<(LogOffset, LogOffset)>) {
    let (mut pieces, mut dropped) = (Vec::new(), Vec::new());
    let mut follows: Option<Edge> = None;
    for (stretch, nth) in placed.iter().rev() {
        let limit = limits.get(&stretch.epoch.number()).copied().unwrap_or(LogOffset::ZERO);
        let next = follows.map_or(stretch.end, |edge| edge.at.min(stretch.end));
        let Some(room) = rooms.get(*nth) else { continue };
        let cut = room.reach().min(limit).min(next);
        let mark = marks.get(marks.partition_point(|mark| mark.at < cut));
        let (room_number, behind) = (*nth, [follows, mark.copied()]);
        let piece = Piece { room: room_number, start: stretch.start, cut, behind };
        let (end, next, check) = stretch.first_frame;
        let is_end = stretch.frames == 1 && stretch.next_segment.is_some();
        if piece.fits(end, room.after(end, is_end), next, check) {
            let (at, chain) = (stretch.start, Some(stretch.before));
            follows = Some(Edge { at, chain, next: stretch.first });
            dropped.push((cut, stretch.end));
            pieces.push(piece);
        } else {
            dropped.push((stretch.start, stretch.end));
        }
    }
    pieces.reverse();
    (pieces, dropped)
}

impl Log {
    /// Whether a frame stands here that was discarded.
    pub fn is_discarded(&self, at: LogOffset) -> bool {
        let behind = self.discarded.partition_point(|(start, _)| *start <= at);
        let before = behind.checked_sub(1).and_then(|nth| self.discarded.get(nth));
        before.is_some_and(|(_, end)| at < *end)
    }

    /// Whether nothing of it is left, and no slot to say what it was.
    pub fn is_gone(&self) -> bool {
        let has_header = self.rooms.iter().any(|room| room.has_header);
        self.marks.is_empty() && self.pieces.is_empty() && !has_header
    }

    /// The byte of the file where this log offset is, if a segment is known that has it.
    pub fn file_offset_of(&self, at: LogOffset) -> Option<u64> {
        let behind = self.by_log.partition_point(|(log_offset, _)| *log_offset <= at);
        let (_, nth) = self.by_log.get(behind.checked_sub(1)?)?;
        self.rooms.get(*nth)?.file_offset_of(at)
    }
}

impl Piece {
    /// Whether a frame belongs here.
    pub fn takes(&self, room: &Room, header: &FrameHeader, check: Chain) -> bool {
        let (end, is_end) = (header.end(), header.kind != FrameKind::Commit);
        self.fits(end, room.after(end, is_end), header.next(), check)
    }

    /// Whether a frame fits what follows: it ends at `end`, the log goes on at `after` with the
    /// position `next`.
    fn fits(&self, end: LogOffset, after: LogOffset, next: Position, check: Chain) -> bool {
        end <= self.cut
            && self.behind.iter().flatten().all(|edge| {
                let meets = after == edge.at;
                let chained = edge.chain.is_none_or(|chain| chain == check);
                next <= edge.next && (!meets || (next == edge.next && chained))
            })
    }
}

impl Room {
    /// The log offset behind its last byte that is there.
    fn reach(&self) -> LogOffset {
        self.log_offset.plus(self.file_end.saturating_sub(self.file_offset))
    }

    /// Where the log goes on behind a frame that ends here.
    pub fn after(&self, end: LogOffset, is_end_record: bool) -> LogOffset {
        match self.log_end.filter(|_| is_end_record) {
            Some(log_end) => log_end.plus(u64_of(SEGMENT_HEADER_LEN)),
            None => end,
        }
    }

    /// The byte of the file where this log offset is, if it is in the segment.
    pub fn file_offset_of(&self, at: LogOffset) -> Option<u64> {
        let inside = at >= self.log_offset && at < self.reach();
        inside.then(|| self.file_offset.saturating_add(at.since(self.log_offset)))
    }
}

/// What of these places no piece has, in the order of the log.
fn without(
    mut dropped: Vec<(LogOffset, LogOffset)>,
    pieces: &[Piece],
) -> Vec<(LogOffset, LogOffset)> {
    dropped.sort_unstable();
    let mut left = Vec::new();
    let mut behind = LogOffset::ZERO;
    for (start, end) in dropped {
        // Of several at one place each byte counts once.
        let mut at = start.max(behind);
        let first = pieces.partition_point(|piece| piece.cut <= at);
        for piece in pieces.iter().skip(first).take_while(|piece| piece.start < end) {
            if at < piece.start {
                left.push((at, piece.start));
            }
            at = at.max(piece.cut);
        }
        if at < end {
            left.push((at, end));
        }
        behind = behind.max(end);
    }
    left
}

/// Who says of a segment where it is; the first of them is believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Witness {
    Own,
    Slot,
    Behind,
    EndRecord,
    /// The log of every store begins at the same byte.
    Beginning,
}

struct Claim {
    witness: Witness,
    length: Option<u64>,
    log_offset: LogOffset,
}

/// All segments that something says are there.
fn rooms(found: &Found, slots: &[Slot]) -> Vec<Room> {
    let mut claims: BTreeMap<u64, Claim> = BTreeMap::new();
    let mut claim = |witness: Witness, place: SegmentRef| {
        let length = Some(place.extent.length);
        let new = Claim { witness, length, log_offset: place.log_offset };
        let known = claims.get(&place.extent.file_offset);
        if known.is_none_or(|known| witness < known.witness) {
            claims.insert(place.extent.file_offset, new);
        }
    };
    for header in &found.segments {
        claim(Witness::Own, header.own);
        header.before.into_iter().for_each(|before| claim(Witness::Behind, before));
    }
    let named = slots.iter().flat_map(|slot| &slot.segments);
    named.for_each(|place| claim(Witness::Slot, *place));
    let (witness, log_offset) = (Witness::Beginning, LogOffset::ZERO);
    claims.entry(FIRST_EXTENT).or_insert(Claim { witness, length: None, log_offset });
    // What is known by now says where an end record leads.
    let known = laid_out(&claims);
    for stretch in found.stretches.iter().filter(|stretch| stretch.next_segment.is_some()) {
        let Some(file_offset) = stretch.next_segment else { continue };
        let here = (stretch.file_offset, stretch.start);
        let log_end = place(&known, here).and_then(|nth| known.get(nth)?.log_end);
        if let Some(log_offset) = log_end {
            let (witness, length) = (Witness::EndRecord, None);
            claims.entry(file_offset).or_insert(Claim { witness, length, log_offset });
        }
    }
    if claims.len() == known.len() {
        return known;
    }
    let mut rooms = laid_out(&claims);
    // Of one that only an end record names, its own end record tells where it ends.
    for stretch in &found.stretches {
        let next = stretch.next_segment.and_then(|next| claims.get(&next));
        if let Some(nth) = place(&rooms, (stretch.file_offset, stretch.start))
            && let Some(room) = rooms.get_mut(nth)
            && let Some(next) = next
        {
            room.log_end = room.log_end.or(Some(next.log_offset));
        }
    }
    rooms
}

/// Each as long as it says, or up to where the next begins.
fn laid_out(claims: &BTreeMap<u64, Claim>) -> Vec<Room> {
    let starts = claims.keys().skip(1).copied().chain([u64::MAX]);
    claims
        .iter()
        .zip(starts)
        .map(|((file_offset, claim), next)| {
            let said = claim.length.map(|length| file_offset.saturating_add(length));
            Room {
                file_offset: *file_offset,
                file_end: said.map_or(next, |end| end.min(next)),
                log_offset: claim.log_offset,
                log_end: claim.length.map(|length| claim.log_offset.plus(length)),
                has_header: claim.witness == Witness::Own,
            }
        })
        .collect()
}

/// The segment that puts this log offset at this byte of the file.
fn place(rooms: &[Room], (file_offset, at): (u64, LogOffset)) -> Option<usize> {
    let behind = rooms.partition_point(|room| room.file_offset <= file_offset);
    let nth = behind.checked_sub(1)?;
    let room = rooms.get(nth)?;
    let first = room.log_offset.plus(u64_of(SEGMENT_HEADER_LEN));
    (room.file_offset_of(at) == Some(file_offset) && at >= first).then_some(nth)
}

/// What the slots say of places in the log.
fn marks(slots: &[Slot]) -> Vec<Edge> {
    let mut marks = Vec::new();
    for slot in slots {
        for mark in [slot.proof, slot.index] {
            marks.push(Edge { at: mark.at, chain: Some(mark.chain), next: mark.next });
        }
        let run = |run: &crate::format::RunRef| Edge { at: run.end, chain: None, next: run.next };
        marks.extend(slot.runs.iter().map(run));
    }
    marks.sort_by_key(|mark| (mark.at, mark.chain.is_none()));
    marks
}

/// What is known of the epochs.
#[derive(Default)]
struct Epochs {
    found: HashMap<(u64, u64), EpochFound>,
    /// The highest watermark.
    watermark: LogOffset,
}

/// What is known of an epoch.
struct EpochFound {
    /// Whether a slot names it.
    is_named: bool,
    /// Frames of it.
    frames: u64,
    /// It began here, or before.
    begin: LogOffset,
}

impl Epochs {
    /// Something of this epoch states a watermark, and that the epoch had begun at a place.
    fn state(&mut self, epoch: Epoch, watermark: LogOffset, begin: LogOffset) -> &mut EpochFound {
        self.watermark = self.watermark.max(watermark);
        let unknown = || EpochFound { is_named: false, frames: 0, begin };
        let known = self.found.entry(epoch.number()).or_insert_with(unknown);
        known.begin = known.begin.min(begin);
        known
    }

    fn slot(&mut self, slot: &Slot) {
        self.state(slot.epoch, slot.watermark, slot.proof.at).is_named = true;
    }

    /// A frame's watermark is not above its place, so it says more than that of where its epoch
    /// began.
    fn frames(&mut self, stretch: &Stretch) {
        let (lowest, highest) = stretch.watermarks;
        self.state(stretch.epoch, highest, lowest).frames += stretch.frames;
    }

    /// Of each epoch that can be of the log, where its frames have to end at the latest: where a
    /// newer one had begun.
    fn limits(&self) -> HashMap<(u64, u64), LogOffset> {
        // Of those with the same counter: the one that a slot names, else the one with more frames.
        let mut chosen = BTreeMap::new();
        for (&(counter, salt), epoch) in &self.found {
            let this = (epoch.is_named, epoch.frames, salt, epoch.begin);
            let best = chosen.entry(counter).or_insert(this);
            *best = (*best).max(this);
        }
        let mut limit = LogOffset::new(u64::MAX);
        let mut limits = HashMap::with_capacity(chosen.len());
        for (counter, (.., salt, begin)) in chosen.into_iter().rev() {
            limits.insert((counter, salt), limit);
            limit = limit.min(begin);
        }
        limits
    }
}

const _: () = assert!(FRAME_LEN > SEGMENT_HEADER_LEN, "no frame fits before a segment's first");
