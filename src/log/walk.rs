//! Walking over the log, frame by frame, believing nothing.

use super::{Rules, SegmentList, Window, check_frame};
use crate::format::{
    Epoch, FRAME_LEN, FileKey, FrameHeader, FrameKind, Mark, NAME_HEAD_LEN, NameRecord, Record,
    index, u64_of,
};
use crate::words::{Limit, LogOffset, Position, Timestamp, Version};
use std::collections::HashMap;
use std::io;

/// An event that a walk met.
pub struct Met<'a> {
    /// Its position.
    pub position: Position,
    /// Where its record stands.
    pub at: LogOffset,
    /// Its stream.
    pub stream: &'a str,
    /// Its number in the stream.
    pub version: Version,
}

/// Who is told of what a walk meets.
pub trait Visitor {
    /// The events of a commit whose checks are right, in their order. `false` says that it can't be
    /// all the same, such as a version that does not follow: the walk ends before it.
    fn commit(&mut self, events: &[Met<'_>]) -> bool;
}

impl<F: FnMut(&[Met<'_>]) -> bool> Visitor for F {
    fn commit(&mut self, events: &[Met<'_>]) -> bool {
        self(events)
    }
}

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// There is no valid frame here.
    NoFrame,
    /// The log goes on in a segment that is not in the list.
    UnknownSegment,
    /// The slot's mark for the beginning of its epoch is not what the log has there.
    MarkMissed,
}

/// A walk over the log from a mark on.
pub struct Walk<'a> {
    key: FileKey,
    segments: &'a SegmentList,
    window: Window,
    rules: Rules,
    /// Where this epoch begins, and which it is.
    proof: Mark,
    epoch: Epoch,
    /// The next frame's place: what the walk believes.
    pub here: Mark,
    /// The highest watermark in the frames that it met.
    pub watermark: LogOffset,
    /// The last recorded time that it met.
    pub recorded: Timestamp,
    /// The commits that it met.
    pub commits: u64,
    last_epoch: u64,
    proof_met: bool,
    names: HashMap<u32, String>,
    names_of: Option<LogOffset>,
    seen: Vec<Seen>,
}

struct Seen {
    position: Position,
    at: LogOffset,
    stream: u32,
    version: Version,
}

/// Names kept at the most: those of a segment of usual size.
const NAMES: usize = 1 << 20;

impl<'a> Walk<'a> {
    /// A walk from `start`; from `proof` on it asks for frames of `epoch`.
    pub fn new(
        key: FileKey,
        segments: &'a SegmentList,
        window: Window,
        rules: Rules,
        (start, proof, epoch): (Mark, Mark, Epoch),
    ) -> Self {
        Self {
            key,
            segments,
            window,
            rules,
            proof,
            epoch,
            here: start,
            watermark: LogOffset::ZERO,
            recorded: Timestamp::from_micros(i64::MIN),
            commits: 0,
            last_epoch: 0,
            // A walk that starts later has the epoch's beginning behind it.
            proof_met: start.at > proof.at,
            names: HashMap::new(),
            names_of: None,
            seen: Vec::new(),
        }
    }

    /// Goes on as long as there are valid frames, but not past `limit`; says why it ended, or
    /// nothing if that is why.
    pub fn run(&mut self, limit: LogOffset, visitor: &mut dyn Visitor) -> io::Result<Option<Stop>> {
        while self.here.at < limit {
            if let Some(stop) = self.step(visitor)? {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    /// One frame, if there is a valid one.
    fn step(&mut self, visitor: &mut dyn Visitor) -> io::Result<Option<Stop>> {
        let at = self.here.at;
        if !self.proof_met && at >= self.proof.at {
            // Come to the beginning of this epoch, or past it without meeting it.
            self.proof_met = true;
            if self.rules.chain && self.here != self.proof {
                return Ok(Some(Stop::MarkMissed));
            }
        }
        let bytes = self.window.get(self.segments, at, FRAME_LEN)?;
        let Some((header, check)) = FrameHeader::decode(bytes, at, &self.key) else {
            return Ok(Some(Stop::NoFrame));
        };
        if !self.follows(&header) {
            return Ok(Some(Stop::NoFrame));
        }
        let Some(segment) = self.segments.find(at).map(|segment| segment.place) else {
            return Ok(Some(Stop::NoFrame));
        };
        let length = index(u64::from(header.length));
        let here = match header.kind {
            FrameKind::End { next_segment } => {
                let next = self.segments.find(segment.log_end()).map(|next| next.place);
                match next.filter(|next| next.extent.file_offset == next_segment) {
                    Some(next) => next.first_frame(),
                    None => return Ok(Some(Stop::UnknownSegment)),
                }
            }
            FrameKind::Commit => {
                if !self.records(&header, length, segment.log_offset, visitor)? {
                    // The names of a commit that is discarded are not going to be there.
                    let end = at.since(segment.log_offset);
                    self.names.retain(|reference, _| u64::from(*reference) < end);
                    return Ok(Some(Stop::NoFrame));
                }
                self.commits += 1;
                at.plus(u64_of(length))
            }
        };
        let next = header.first.forward(u64::from(header.events)).unwrap_or(header.first);
        self.here = Mark { at: here, chain: check, next };
        self.watermark = self.watermark.max(header.watermark);
        self.recorded = self.recorded.max(header.recorded);
        self.last_epoch = header.epoch.counter;
        Ok(None)
    }

    /// Whether a frame whose header passed its check is the next one.
    fn follows(&self, header: &FrameHeader) -> bool {
        let epoch = if header.at >= self.proof.at {
            header.epoch == self.epoch
        } else {
            header.epoch.counter >= self.last_epoch && header.epoch.counter <= self.epoch.counter
        };
        (epoch || !self.rules.epoch)
            && (header.before == self.here.chain || !self.rules.chain)
            && header.first == self.here.next
    }

    /// Checks a commit's records and tells the visitor of its events; `false` if they are not
    /// valid.
    fn records(
        &mut self,
        header: &FrameHeader,
        length: usize,
        segment: LogOffset,
        visitor: &mut dyn Visitor,
    ) -> io::Result<bool> {
        let bytes = self.window.get(self.segments, header.at, length)?;
        if bytes.len() < length {
            return Ok(false);
        }
        if self.names_of != Some(segment) || self.names.len() > NAMES {
            self.names.clear();
            self.names_of = Some(segment);
        }
        let (names, seen) = (&mut self.names, &mut self.seen);
        seen.clear();
        let checked = check_frame(bytes, header, &self.key, |record, at, position| match record {
            Record::Name(name) => {
                let reference = u32::try_from(at.since(segment)).unwrap_or(u32::MAX);
                names.insert(reference, name.text.to_owned());
            }
            Record::Event(event) => {
                seen.push(Seen { position, at, stream: event.stream, version: event.version });
            }
        });
        if checked.is_err() {
            return Ok(false);
        }
        // Names written before the walk began are read where they stand.
        for nth in 0..self.seen.len() {
            let Some(Seen { stream, .. }) = self.seen.get(nth) else { break };
            if !self.names.contains_key(stream) && !self.read_name(*stream, segment)? {
                return Ok(false);
            }
        }
        let names = &self.names;
        let met = self.seen.iter().map(|Seen { position, at, stream, version }| {
            let stream = names.get(stream).map_or("", String::as_str);
            Met { position: *position, at: *at, stream, version: *version }
        });
        Ok(visitor.commit(&met.collect::<Vec<_>>()))
    }

    fn read_name(&mut self, reference: u32, segment: LogOffset) -> io::Result<bool> {
        let at = segment.plus(u64::from(reference));
        let most = NAME_HEAD_LEN + index(Limit::Name.allowed());
        let mut window = Window::new(self.window.storage().clone(), 0);
        let bytes = window.get(self.segments, at, most)?;
        let name = NameRecord::parse(bytes).filter(|name| name.check(at, &self.key).is_some());
        let text = name.map(|name| name.text.to_owned());
        Ok(text.map(|text| self.names.insert(reference, text)).is_some())
    }

    /// The names of the segment in which the walk stands, for the writer that goes on from here.
    pub fn names(&self) -> impl Iterator<Item = (&str, u32)> {
        self.names.iter().map(|(reference, text)| (text.as_str(), *reference))
    }

    /// The log offset of the segment that [`Walk::names`] are of.
    pub fn names_of(&self) -> Option<LogOffset> {
        self.names_of
    }
}
