//! The frames of the log, one behind another, each with what of it is whole. Rule 5 says where that
//! ends.

use super::contents::{Contents, contents};
use super::judge::{Log, Room};
use super::names::Names;
use super::progress::Progress;
use super::reader::Reader;
use super::report::TornTail;
use crate::format::{
    Chain, FRAME_LEN, FileKey, FrameHeader, FrameKind, Mark, SEGMENT_HEADER_LEN, index, u64_of,
};
use crate::words::{Error, LogOffset, Position};

/// A frame of the log.
pub struct Frame<'a> {
    /// Its header.
    pub header: &'a FrameHeader,
    /// Its segment.
    pub room: &'a Room,
    /// What of it is whole; nothing for the end of a segment.
    pub contents: Option<Contents<'a>>,
    /// Where the log should go on behind the frame before, and with which position.
    pub due: Mark,
}

/// How reading the log has ended.
pub struct Walked {
    /// Behind the last frame that was shown.
    pub end: Mark,
    /// What was not taken, since nothing proves it and it does not follow.
    pub torn: Option<TornTail>,
    /// Whether it was stopped.
    pub is_stopped: bool,
}

/// What reading frames needs.
pub struct Frames<'a> {
    /// What is of the log.
    pub log: &'a Log,
    /// Reads the frames.
    pub reader: Reader,
    /// Reads the names.
    pub names: Names<'a>,
    /// The file's key.
    pub key: FileKey,
}

impl Frames<'_> {
    /// Shows each frame to `visit`, in the order of the log, and what to ask for its names.
    pub fn each(
        &mut self,
        progress: &mut Progress<'_>,
        visit: &mut dyn FnMut(Frame<'_>, &mut Names<'_>) -> Result<(), Error>,
    ) -> Result<Walked, Error> {
        let Self { log, reader, names, key } = self;
        let at = LogOffset::ZERO.plus(u64_of(SEGMENT_HEADER_LEN));
        let end = Mark { at, chain: Chain::default(), next: Position::new(1) };
        let mut walked = Walked { end, torn: None, is_stopped: false };
        let mut bytes_read = 0;
        for piece in &log.pieces {
            let Some(room) = log.rooms.get(piece.room) else { continue };
            let mut at = piece.start;
            while at < piece.cut {
                let Some((header, check, bytes)) = read(reader, room, at, key) else { break };
                if !piece.takes(room, &header, check) {
                    break;
                }
                at = header.end();
                let is_commit = header.kind == FrameKind::Commit;
                let found = is_commit.then(|| contents(bytes, &header, key));
                let is_proven = at <= log.proven;
                if walked.torn.is_none() && !is_proven {
                    let links = header.at <= log.proven || is_next(&walked.end, &header);
                    let is_whole = found.as_ref().is_none_or(|found| found.has_all(room, names));
                    if !(links && is_whole) {
                        walked.torn = Some(TornTail::begin(&header, room, &walked.end, log.proven));
                    }
                }
                if let Some(torn) = &mut walked.torn {
                    torn.add(&header);
                    continue;
                }
                visit(Frame { header: &header, room, contents: found, due: walked.end }, names)?;
                let next = header.next();
                walked.end = Mark { at: room.after(at, !is_commit), chain: check, next };
                bytes_read += u64::from(header.length);
                if progress.at(bytes_read).is_break() {
                    return Ok(Walked { is_stopped: true, ..walked });
                }
            }
        }
        walked.is_stopped = progress.through().is_break();
        Ok(walked)
    }
}

/// The frame that stands here, and as many of its bytes as are there.
fn read<'a>(
    reader: &'a mut Reader,
    room: &Room,
    at: LogOffset,
    key: &FileKey,
) -> Option<(FrameHeader, Chain, &'a [u8])> {
    let file_offset = room.file_offset_of(at)?;
    let (header, check) = FrameHeader::decode(reader.get(file_offset, FRAME_LEN), at, key)?;
    let left = room.file_end.saturating_sub(file_offset).min(u64::from(header.length));
    Some((header, check, reader.get(file_offset, index(left))))
}

/// Whether a frame is the next one of the log here.
fn is_next(here: &Mark, header: &FrameHeader) -> bool {
    (here.at, here.chain, here.next) == (header.at, header.before, header.first)
}

impl Contents<'_> {
    /// Whether the frame is valid and all names are there that its events refer to.
    fn has_all(&self, room: &Room, names: &mut Names<'_>) -> bool {
        let mut events = self.events.iter();
        self.is_whole && events.all(|it| names.missing(room, &it.record, it.at).is_none())
    }
}
