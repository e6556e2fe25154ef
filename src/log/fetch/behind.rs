//! What stands behind an event that was found, by the log itself: no index is asked.

use super::{Fetch, Located, Names};
use crate::format::{Step, index, u64_of};
use crate::words::{LogOffset, Position};

/// Where the log goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behind {
    /// With this event, if it is one: whoever reads it checks it.
    Event(Located),
    /// In the segment that begins here.
    Segment(LogOffset),
}

impl Fetch {
    /// Where the event found last ends, if it is the one before this position, and stands in a map.
    pub fn end_before(&self, position: Position) -> Option<LogOffset> {
        let Self { found, lender, .. } = self;
        let is_next = found.place.position.next() == Some(position);
        let is_mapped = matches!(lender.names, Names::Mapped) && found.record.1 > 0;
        (is_next && is_mapped).then(|| found.place.at.plus(u64_of(found.record.1)))
    }

    /// How the log goes on with the event of this position, from the end of something on. Nothing
    /// if the log doesn't tell, or what stands there can't be borrowed, or can't be read.
    pub fn behind(
        &mut self,
        position: Position,
        mut at: LogOffset,
        watermark: LogOffset,
    ) -> Option<Behind> {
        self.mapped(at, watermark)?;
        let Self { storage, lender, ready, .. } = self;
        let segment = lender.segment.as_deref()?;
        loop {
            if let Some(ready) = ready {
                ready.make(&**storage, segment, at, at.plus(1)).ok()?;
            }
            let within = index(at.since(segment.place.log_offset));
            let bytes = segment.known_stable().get(within..).unwrap_or_default();
            match Step::of(bytes)? {
                Step::Event => return Some(Behind::Event(Located { position, at })),
                Step::Over(length) => at = at.plus(u64_of(length)),
                Step::End => return Some(Behind::Segment(segment.place.log_end())),
            }
        }
    }

    /// Where the first frame of the segment is that begins here, if it is known.
    pub fn first_frame(&mut self, at: LogOffset) -> Option<LogOffset> {
        self.go_to(at);
        self.lender.segment.as_ref().map(|segment| segment.place.first_frame())
    }
}
