//! Whether a frame's records are what its header says.

use crate::format::{FRAME_LEN, FileKey, FrameHeader, Record, u64_of};
use crate::words::{LogOffset, Position};

/// What is wrong with a frame whose header is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameDamage {
    /// Where.
    pub at: LogOffset,
}

/// Checks each record of a frame and shows it to `visit` with its log offset and, for an event, its
/// position.
///
/// A frame is valid if and only if (1) its records fill it exactly, (2) each passes its check for
/// its place, (3) each event's distance leads to the header, (4) there are as many records and
/// events as the header says, (5) the CRC of their checks is the header's.
pub fn check_frame<'a>(
    bytes: &'a [u8],
    header: &FrameHeader,
    key: &FileKey,
    mut visit: impl FnMut(&Record<'a>, LogOffset, Position),
) -> Result<(), FrameDamage> {
    let mut rest = bytes.get(FRAME_LEN..).unwrap_or_default();
    let mut at = header.at.plus(u64_of(FRAME_LEN));
    let mut position = header.first;
    let mut checks = 0;
    let (mut records, mut events) = (0_u32, 0_u32);
    while !rest.is_empty() {
        let damage = FrameDamage { at };
        let record = Record::parse(rest).ok_or(damage)?;
        let check = match &record {
            Record::Name(name) => name.check(at, key),
            Record::Event(event) => {
                let leads_back = u64::from(event.distance) == at.since(header.at);
                event.check(at, position, key).filter(|_| leads_back)
            }
        };
        checks = FrameHeader::add_record_check(checks, check.ok_or(damage)?);
        visit(&record, at, position);
        records = records.saturating_add(1);
        if let Record::Event(_) = record {
            events = events.saturating_add(1);
            position = position.next().ok_or(damage)?;
        }
        at = at.plus(u64_of(record.len()));
        rest = rest.get(record.len()..).unwrap_or_default();
    }
    let as_said = records == header.records
        && events == header.events
        && (cfg!(fuzzing) || checks == header.records_check);
    if as_said { Ok(()) } else { Err(FrameDamage { at: header.at }) }
}
