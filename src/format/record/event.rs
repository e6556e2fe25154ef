//! An event's record: everything of it but the texts of its names.

use super::seal::{body_crc, record_crc, seal, verify};
use crate::format::bytes::{get_16, get_i64, get_u16, get_u32, get_u64, index, pad8};
use crate::format::bytes::{put, put_i64, put_u16, put_u32, put_u64, u64_of};
use crate::format::check::{FileKey, matches};
use crate::format::layout::{EVENT_TAG, event, extras};
use crate::words::{EventKind, Limit, LogOffset, NewEvent, Position, Timestamp, Version};
use uuid::Uuid;

/// Which parts an event's body has, in the low byte of its flags; the high byte counts the tags.
mod flag {
    pub(super) const ID: u16 = 1;
    pub(super) const CORRELATION: u16 = 1 << 1;
    pub(super) const CAUSATION: u16 = 1 << 2;
    pub(super) const OCCURRED: u16 = 1 << 3;
    pub(super) const EXTRAS: u16 = 1 << 4;
    pub(super) const METADATA: u16 = 1 << 5;
    pub(super) const KNOWN: u16 = (1 << 6) - 1;
}

/// The parts of fixed size that a body may have, in their order: bit, name, bytes.
const OPTIONAL: [(u16, &str, usize); 5] = [
    (flag::ID, "id", 16),
    (flag::CORRELATION, "correlation id", 16),
    (flag::CAUSATION, "causation id", 16),
    (flag::OCCURRED, "occurred", 8),
    (flag::EXTRAS, "extras", extras::LEN),
];

/// What the low byte of an event's flags says, in words.
pub fn event_flags(flags: u16) -> Vec<&'static str> {
    let metadata = (flag::METADATA, "metadata", 0);
    let parts = OPTIONAL.into_iter().chain([metadata]);
    parts.filter(|(bit, ..)| flags & bit != 0).map(|(_, name, _)| name).collect()
}

/// An event's record, its parts found but its names not looked up.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    /// The whole record.
    pub(super) bytes: &'a [u8],
    /// What the event is for.
    pub kind: EventKind,
    /// Bytes from the frame's header to this record.
    pub distance: u32,
    /// Its number in its stream.
    pub version: Version,
    /// Bytes from the segment's first byte to its stream's name.
    pub stream: u32,
    /// The same for its type.
    pub event_type: u32,
    /// The same for each tag, four bytes each.
    pub tag_refs: &'a [u8],
    /// The id given by the caller.
    pub id: Option<Uuid>,
    /// The conversation.
    pub correlation_id: Option<Uuid>,
    /// The cause.
    pub causation_id: Option<Uuid>,
    /// When it happened.
    pub occurred: Option<Timestamp>,
    /// The version of its payload's schema.
    pub schema_version: u16,
    /// Its metadata.
    pub metadata: Option<&'a [u8]>,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// Its payload.
    pub payload: &'a [u8],
}

/// An event's record as far as whoever wants its payload has to look: how long it is, and where
/// its payload stands.
#[derive(Clone, Copy, Debug)]
pub struct EventOutline<'a> {
    /// The whole record.
    pub bytes: &'a [u8],
    /// What the event is for.
    pub kind: EventKind,
    /// Its number in its stream.
    pub version: Version,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// Its payload.
    pub payload: &'a [u8],
    /// Bytes of the record before it.
    pub payload_at: usize,
    head_len: usize,
}

impl<'a> EventOutline<'a> {
    /// Reads an event's record.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.first_chunk::<{ event::LEN }>()?;
        let flags = get_u16(head, event::FLAGS);
        let tags = index(u64::from(flags >> 8));
        let is_event = head[event::TAG] == EVENT_TAG
            && flags & 0xFF & !flag::KNOWN == 0
            && u64_of(tags) <= Limit::Tags.allowed();
        if !is_event {
            return None;
        }
        let head_len = event_head_len(tags);
        let mut at = head_len + optional_len(flags);
        if flags & flag::EXTRAS != 0 {
            let extras = bytes.get(at - extras::LEN..at)?;
            let metadata = index(u64::from(get_u32(extras, extras::METADATA_LENGTH)));
            if metadata > 0 && flags & flag::METADATA == 0 {
                return None;
            }
            at = at.checked_add(metadata)?;
        }
        let end = at.checked_add(index(u64::from(get_u32(head, event::PAYLOAD_LENGTH))))?;
        Some(Self {
            bytes: bytes.get(..pad8(end))?,
            kind: kind_of(head[event::KIND])?,
            version: Version::new(get_u64(head, event::VERSION)),
            recorded: Timestamp::from_micros(get_i64(head, event::RECORDED)),
            payload: bytes.get(at..end)?,
            payload_at: at,
            head_len,
        })
    }

    /// The check it has, if it is the right one for this position at `at`.
    #[inline]
    pub fn check(&self, at: LogOffset, position: Position, key: &FileKey) -> Option<u32> {
        verify(self.bytes, self.head_len, at, position, key)
    }
}

impl<'a> RawEvent<'a> {
    /// Reads an event's record.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let EventOutline { bytes, kind, version, recorded, payload, head_len, .. } =
            EventOutline::parse(bytes)?;
        let flags = get_u16(bytes, event::FLAGS);
        let tags = index(u64::from(flags >> 8));
        let mut body = Body { bytes: bytes.get(head_len..)?, at: 0 };
        let id = body.uuid(flags & flag::ID != 0)?;
        let correlation_id = body.uuid(flags & flag::CORRELATION != 0)?;
        let causation_id = body.uuid(flags & flag::CAUSATION != 0)?;
        let occurred = match flags & flag::OCCURRED != 0 {
            true => Some(Timestamp::from_micros(get_i64(body.take(8)?, 0))),
            false => None,
        };
        let (metadata_len, schema_version) = match flags & flag::EXTRAS != 0 {
            true => {
                let bytes = body.take(extras::LEN)?;
                (get_u32(bytes, extras::METADATA_LENGTH), get_u16(bytes, extras::SCHEMA_VERSION))
            }
            false => (0, 1),
        };
        let metadata = body.take(index(u64::from(metadata_len)))?;
        Some(Self {
            bytes,
            kind,
            distance: get_u32(bytes, event::DISTANCE),
            version,
            recorded,
            stream: get_u32(bytes, event::STREAM),
            event_type: get_u32(bytes, event::TYPE),
            tag_refs: bytes.get(event::LEN..event::LEN + 4 * tags)?,
            id,
            correlation_id,
            causation_id,
            occurred,
            schema_version,
            metadata: (flags & flag::METADATA != 0).then_some(metadata),
            payload,
        })
    }

    /// How far the record at the beginning of `bytes` says that it is from its frame's header.
    pub fn distance_of(bytes: &[u8]) -> Option<u32> {
        let is_event = *bytes.get(event::TAG)? == EVENT_TAG && bytes.len() >= event::LEN;
        is_event.then(|| get_u32(bytes, event::DISTANCE))
    }

    /// How long the record at the beginning of `bytes` is, as far as its first bytes tell; at least
    /// a head.
    pub fn len_hint(bytes: &[u8]) -> Option<usize> {
        if *bytes.get(event::TAG)? != EVENT_TAG || bytes.len() < event::LEN {
            return None;
        }
        let flags = get_u16(bytes, event::FLAGS);
        let head_len = event_head_len(index(u64::from(flags >> 8)));
        let optional = optional_len(flags);
        let metadata = match flags & flag::EXTRAS {
            0 => 0,
            _ => get_u32(bytes, head_len + optional - extras::LEN + extras::METADATA_LENGTH),
        };
        let payload = get_u32(bytes, event::PAYLOAD_LENGTH);
        let body = u64::from(metadata) + u64::from(payload) + u64_of(optional);
        Some(head_len.saturating_add(pad8(index(body))))
    }

    /// Its tags' names: bytes from the segment's first byte to each.
    pub fn tags(&self) -> impl Iterator<Item = u32> + 'a {
        self.tag_refs.chunks_exact(4).map(|bytes| get_u32(bytes, 0))
    }

    /// All names that it refers to, as [`RawEvent::tags`]: its stream's, its type, its tags.
    pub fn names(&self) -> impl Iterator<Item = u32> + 'a {
        [self.stream, self.event_type].into_iter().chain(self.tags())
    }

    /// The parts behind its fields, in their order: name and bytes.
    pub fn parts(&self) -> Vec<(&'static str, usize)> {
        let tags = self.tag_refs.len() / 4;
        let head_len = event_head_len(tags);
        let flags = get_u16(self.bytes, event::FLAGS);
        let mut parts = vec![("tag_reference", 4); tags];
        parts.push(("padding", head_len.saturating_sub(event::LEN + 4 * tags)));
        let optional = OPTIONAL.into_iter().filter(|(bit, ..)| flags & bit != 0);
        parts.extend(optional.map(|(_, name, size)| (name, size)));
        parts.retain(|(_, size)| *size > 0);
        parts.extend(self.metadata.map(|metadata| ("metadata", metadata.len())));
        parts.push(("payload", self.payload.len()));
        let end = parts.iter().fold(event::LEN, |end, (_, size)| end + size);
        if let Some(padding) = self.bytes.len().checked_sub(end).filter(|padding| *padding > 0) {
            parts.push(("padding", padding));
        }
        parts
    }

    /// The check it has, right or wrong.
    pub fn stored_check(&self) -> u32 {
        get_u32(self.bytes, event::CHECK)
    }

    /// The position for which its check is the right one at `at`, if it is one of the `most` from
    /// `first` on.
    pub fn find_position(
        &self,
        at: LogOffset,
        (first, most): (Position, u64),
        key: &FileKey,
    ) -> Option<Position> {
        let crc = record_crc(self.bytes, event_head_len(self.tag_refs.len() / 4))?;
        let mut positions = (0..most).map_while(|nth| first.forward(nth));
        positions
            .find(|position| matches(self.stored_check(), key.record_check(crc, at, *position)))
    }

    /// The check it has, if it is the right one for this position at `at`.
    pub fn check(&self, at: LogOffset, position: Position, key: &FileKey) -> Option<u32> {
        verify(self.bytes, event_head_len(self.tag_refs.len() / 4), at, position, key)
    }
}

/// What of an event does not depend on where it is going to stand: written, and its CRC taken,
/// before any lock.
pub struct BodyPlan<'a> {
    event: &'a NewEvent,
    flags: u16,
}

impl<'a> BodyPlan<'a> {
    /// The plan of this event's body.
    pub fn new(event: &'a NewEvent) -> Self {
        let more =
            event.schema_version != 1 || event.metadata.as_ref().is_some_and(|m| !m.is_empty());
        let parts = [
            (event.id.is_some(), flag::ID),
            (event.correlation_id.is_some(), flag::CORRELATION),
            (event.causation_id.is_some(), flag::CAUSATION),
            (event.occurred.is_some(), flag::OCCURRED),
            (more, flag::EXTRAS),
            (event.metadata.is_some(), flag::METADATA),
        ];
        let present = parts.iter().filter(|(there, _)| *there).fold(0, |all, (_, bit)| all | bit);
        let tags = u16::try_from(event.tags.len()).unwrap_or(u16::MAX);
        Self { event, flags: present | tags << 8 }
    }

    /// Appends the whole record to `out`: a head without place, and the body. Returns the body's
    /// CRC.
    pub fn write(&self, out: &mut Vec<u8>) -> u32 {
        let event = self.event;
        let start = out.len();
        let body_start = start + event_head_len(event.tags.len());
        out.resize(body_start, 0);
        for id in [event.id, event.correlation_id, event.causation_id].into_iter().flatten() {
            out.extend_from_slice(id.as_bytes());
        }
        if let Some(time) = event.occurred {
            out.extend_from_slice(&time.micros().to_le_bytes());
        }
        let metadata = event.metadata.as_deref().unwrap_or_default();
        if self.flags & flag::EXTRAS != 0 {
            out.extend_from_slice(&u32::try_from(metadata.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(&event.schema_version.to_le_bytes());
            out.extend_from_slice(&[0; 2]);
        }
        out.extend_from_slice(metadata);
        out.extend_from_slice(&event.payload);
        out.resize(start + pad8(out.len() - start), 0);
        let record = out.get_mut(start..).unwrap_or_default();
        put(record, event::TAG, &[EVENT_TAG, kind_byte(event.kind)]);
        put_u16(record, event::FLAGS, self.flags);
        let payload_len = u32::try_from(event.payload.len()).unwrap_or(u32::MAX);
        put_u32(record, event::PAYLOAD_LENGTH, payload_len);
        body_crc(record, body_start - start)
    }
}

/// What of an event's record depends on where it stands.
pub struct EventHead {
    /// Bytes from the frame's header to this record.
    pub distance: u32,
    /// Bytes from the segment's first byte to its stream's name.
    pub stream: u32,
    /// The same for its type.
    pub event_type: u32,
    /// Its number in its stream.
    pub version: Version,
    /// When the store took it in.
    pub recorded: Timestamp,
}

impl EventHead {
    /// Completes the record at the beginning of `record`, whose tags are written already. Returns
    /// its check.
    pub fn write(
        &self,
        record: &mut [u8],
        (tags, body_crc): (usize, u32),
        (at, position): (LogOffset, Position),
        key: &FileKey,
    ) -> u32 {
        put_u32(record, event::DISTANCE, self.distance);
        put_u32(record, event::STREAM, self.stream);
        put_u32(record, event::TYPE, self.event_type);
        put_u64(record, event::VERSION, self.version.get());
        put_i64(record, event::RECORDED, self.recorded.micros());
        seal(record, event_head_len(tags), body_crc, at, position, key)
    }
}

/// Writes the reference to an event's `nth` tag into its record.
pub fn write_tag_ref(record: &mut [u8], nth: usize, name: u32) {
    put_u32(record, event::LEN + 4 * nth, name);
}

/// Bytes that an event's body has before its metadata.
fn optional_len(flags: u16) -> usize {
    let ids = (flags & (flag::ID | flag::CORRELATION | flag::CAUSATION)).count_ones();
    let occurred = usize::from(flags & flag::OCCURRED != 0);
    let extras = usize::from(flags & flag::EXTRAS != 0);
    16 * index(u64::from(ids)) + 8 * occurred + extras::LEN * extras
}

/// Bytes of an event's head with so many tags.
pub const fn event_head_len(tags: usize) -> usize {
    pad8(event::LEN + 4 * tags)
}

/// Walks an event's body.
struct Body<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Body<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    /// An id, if it is there; nothing if it should be and is not.
    fn uuid(&mut self, there: bool) -> Option<Option<Uuid>> {
        if !there {
            return Some(None);
        }
        self.take(16).map(|bytes| Some(Uuid::from_bytes(get_16(bytes, 0))))
    }
}

fn kind_byte(kind: EventKind) -> u8 {
    match kind {
        EventKind::Domain => 1,
        EventKind::Integration => 2,
        EventKind::Trigger => 3,
        EventKind::Fat => 4,
    }
}

fn kind_of(byte: u8) -> Option<EventKind> {
    Some(match byte {
        1 => EventKind::Domain,
        2 => EventKind::Integration,
        3 => EventKind::Trigger,
        4 => EventKind::Fat,
        _ => return None,
    })
}
