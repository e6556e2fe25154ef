//! Whether a frame's records are what its header says.

use super::{SegmentList, Window};
use crate::format::{FRAME_LEN, FileKey, FrameHeader, RawEvent, Record, u64_of};
use crate::words::{LogOffset, Position};
use std::io;

/// What is wrong with a frame whose header is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameDamage {
    /// Where.
    pub at: LogOffset,
}

/// Where the frame is that the event's record here says it belongs to; nothing if there is no such
/// record. Nothing is checked: the frame is, by whoever walks it.
pub fn frame_of(
    window: &mut Window,
    segments: &SegmentList,
    at: LogOffset,
) -> io::Result<Option<LogOffset>> {
    let bytes = window.get(segments, at, FRAME_LEN)?;
    Ok(RawEvent::distance_of(bytes).and_then(|distance| at.minus(u64::from(distance))))
}

/// Checks each record of a frame and shows it to `visit` with its log offset and, for an event, its
/// position.
///
/// A frame is valid if and only if (1) its records fill it exactly, but for the padding that the
/// header says, (2) each passes its check for its place, (3) the distance of each event and
/// document leads to the header, and each has the header's recorded time, (4) there are as many
/// records and events as the header says, (5) the CRC of their checks is the header's, (6) each
/// document's head is the frame's last position.
pub fn check_frame<'a>(
    bytes: &'a [u8],
    header: &FrameHeader,
    key: &FileKey,
    mut visit: impl FnMut(&Record<'a>, LogOffset, Position),
) -> Result<(), FrameDamage> {
    let end = header.records_len().unwrap_or_default().saturating_add(FRAME_LEN);
    let mut rest = bytes.get(FRAME_LEN..end).unwrap_or_default();
    let last = header.first.forward(u64::from(header.events)).map(Position::previous);
    let mut at = header.at.plus(u64_of(FRAME_LEN));
    let mut position = header.first;
    let mut checks = 0;
    let (mut records, mut events) = (0_u32, 0_u32);
    while !rest.is_empty() {
        let damage = FrameDamage { at };
        let record = Record::parse(rest).ok_or(damage)?;
        let (check, distance, recorded) = match &record {
            Record::Name(name) => (name.check(at, key), None, header.recorded),
            Record::Event(event) => {
                (event.check(at, position, key), Some(event.distance), event.recorded)
            }
            Record::Document(document) => {
                let check = document.check(at, key).filter(|_| Some(document.head) == last);
                (check, Some(document.distance), document.recorded)
            }
        };
        let leads_back = |distance| u64::from(distance) == at.since(header.at);
        if !distance.is_none_or(leads_back) || recorded != header.recorded {
            return Err(damage);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::fixture::{a_frame, a_place};
    use crate::words::Timestamp;

    #[test]
    fn a_frame_is_whole_only_if_it_is_what_its_header_says_in_every_respect() {
        let key = FileKey::new([5; 16]);
        for document in [false, true] {
            let (bytes, header) = a_frame(&a_place(), document, &key);
            let mut shown = Vec::new();
            let mut check = |header: &FrameHeader| {
                shown.clear();
                check_frame(&bytes, header, &key, |record, at, position| {
                    shown.push((record.len(), at, position));
                })
            };
            assert_eq!(check(&header), Ok(()));
            let (records, events) = (header.records, header.events);
            for (what, changed) in [
                ("a record less", FrameHeader { records: records - 1, ..header }),
                ("a record more", FrameHeader { records: records + 1, ..header }),
                ("an event less", FrameHeader { events: events - 1, ..header }),
                ("an event more", FrameHeader { events: events + 1, ..header }),
                ("another check", FrameHeader { records_check: !header.records_check, ..header }),
                ("another position", FrameHeader { first: Position::new(41), ..header }),
                ("another time", FrameHeader { recorded: Timestamp::from_micros(8), ..header }),
                ("another place", FrameHeader { at: LogOffset::new(8_200), ..header }),
                ("less padding", FrameHeader { padding: header.padding - 8, ..header }),
                ("more padding", FrameHeader { padding: header.padding + 8, ..header }),
            ] {
                assert!(check(&changed).is_err(), "{what}");
            }
            assert_eq!(check(&header), Ok(()));
            // Each record at its place, one behind another, from the header to the padding.
            let mut at = header.at.plus(u64_of(FRAME_LEN));
            for (length, place, position) in &shown {
                assert_eq!((*place, position.get() >= 40), (at, true));
                at = at.plus(u64_of(*length));
            }
            assert_eq!(at.plus(u64::from(header.padding)), header.end());
            assert_eq!(u64_of(shown.len()), u64::from(records));
            assert_eq!(events, 2);
        }
    }
}
