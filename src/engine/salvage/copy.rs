//! The way of a salvage: what there is, which documents are the newest, and all of it written anew.

use super::contents::{Contents, Found};
use super::frames::{Frame, Frames, Walked};
use super::identity::{Heads, no_key, read_heads};
use super::judge::{Log, Room, judge};
use super::names::Names;
use super::progress::Progress;
use super::reader::Reader;
use super::report::{BrokenCommit, LostRange, SalvageReport};
use super::scan::scan;
use crate::engine::copy::Anew;
use crate::engine::open::lock;
use crate::engine::verify::Issue;
use crate::format::{FRAME_LEN, FileKey, KeyedAlready, RawEvent, TermHash, index, u64_of};
use crate::storage::Storage;
use crate::words::{
    AppendError, Change, Commit, DerivedId, DocumentPart, Error, ErrorKind, IdCheck, LogOffset,
    NewEvent, Position, Timestamp,
};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Read at once, going forward.
const AHEAD: usize = 1 << 18;
/// Names that are written out for each event take so much memory, or as much as the commit's frame.
/// A commit of which they take more becomes several.
const NAMES: usize = 16 << 20;

/// Of each document where its newest record that is whole stands.
type Documents = HashMap<TermHash, LogOffset, KeyedAlready>;

/// Writes what is whole of a damaged store to an empty device. `progress` gets bytes done and bytes
/// in all, and may stop it.
pub fn salvage(
    from: &Arc<dyn Storage>,
    to: &Arc<dyn Storage>,
    mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<SalvageReport, Error> {
    lock(&**from)?;
    let done = salvage_locked(from, to, &mut progress);
    from.unlock();
    done
}

fn salvage_locked(
    from: &Arc<dyn Storage>,
    to: &Arc<dyn Storage>,
    tell: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<SalvageReport, Error> {
    let asked = |error| Error::io("asking for the store's size failed", error);
    let size = from.size().map_err(asked)?;
    let mut reader = Reader::new(from.clone(), size, AHEAD);
    let heads = read_heads(&**from, &mut reader)?;
    let cancelled = || Ok(SalvageReport { cancelled: true, ..SalvageReport::default() });
    let mut progress = Progress::new(size, u64_of(heads.candidates.len()) + 2, tell);

    // Mostly there is one.
    let mut best = None;
    for identity in &heads.candidates {
        let Some(found) = scan(&mut reader, &identity.key, &mut progress) else {
            return cancelled();
        };
        if best.as_ref().is_none_or(|(_, best): &(_, super::scan::Found)| found.count > best.count)
        {
            best = Some((*identity, found));
        }
    }
    let Some((identity, found)) = best.filter(|(_, it)| heads.is_checked || it.count > 0) else {
        return Err(no_key(&mut reader));
    };
    let Heads { mut slots, damaged, .. } = heads;
    slots.retain(|slot| slot.identity == identity);
    let log = judge(&found, &slots);
    drop(found);

    let mut report =
        SalvageReport { scanned: size, unreadable: reader.refused, ..Default::default() };
    report.issues.extend(issues(&damaged, &log));
    if log.is_gone() {
        report.lose(LostRange {
            first: Position::new(1),
            events: 0,
            documents: true,
            from: LogOffset::ZERO,
            to: LogOffset::ZERO,
            file_offset: None,
            what: "nothing of the log is left, and no slot says what there was".to_owned(),
        });
    }
    let names = Names::new(&log, Reader::new(from.clone(), size, 0), identity.key);
    let mut frames = Frames { log: &log, reader, names, key: identity.key };
    let mut documents = Documents::default();
    let walked = frames.each(&mut progress, &mut |frame, _| {
        let found = frame.contents.iter().flat_map(|contents| &contents.documents);
        for Found { record, at, .. } in found {
            documents.insert(identity.key.term(record.key.as_bytes()), *at);
        }
        Ok(())
    })?;
    if walked.is_stopped {
        return cancelled();
    }
    let anew = Anew::begin(to, size)?;
    let id_bits = identity.id_bits();
    let mut writer = Writer { anew, key: identity.key, id_bits, documents, log: &log, report };
    let walked = frames.each(&mut progress, &mut |frame, names| writer.frame(&frame, names))?;
    if walked.is_stopped {
        return cancelled();
    }
    writer.finish(walked)
}

/// What is damaged and costs nothing.
fn issues(damaged: &[u64], log: &Log) -> impl Iterator<Item = Issue> {
    let page = |at: &u64| match at {
        0 => (*at, "page 0 fails its check; the slots repeat what it says".to_owned()),
        _ => (*at, format!("the slot at byte {at} of the file fails its check")),
    };
    let pages = damaged.iter().map(page);
    let rooms = log.rooms.iter().filter(|room| !room.has_header);
    let headers = rooms.map(|room| {
        let at = room.file_offset;
        (at, format!("the header of the segment at byte {at} of the file fails its check"))
    });
    let issue =
        |(at, what)| Issue { log_offset: None, file_offset: Some(at), position: None, what };
    pages.chain(headers).map(issue).collect::<Vec<_>>().into_iter()
}

/// Writes what is whole to the new store.
struct Writer<'a> {
    anew: Anew,
    key: FileKey,
    /// What derived ids begin with.
    id_bits: u128,
    documents: Documents,
    log: &'a Log,
    report: SalvageReport,
}

/// A commit that is being made, with the positions that its events had.
#[derive(Default)]
struct Draft {
    commit: Commit,
    positions: Vec<Position>,
    /// Bytes of its events' names.
    names: usize,
    /// Into how many commits it went.
    parts: u64,
}

impl Writer<'_> {
    fn frame(&mut self, frame: &Frame<'_>, names: &mut Names<'_>) -> Result<(), Error> {
        let Frame { header, due, .. } = frame;
        if header.at > due.at || header.first > due.next {
            self.report.lose(LostRange {
                first: due.next,
                events: header.first.get().saturating_sub(due.next.get()),
                documents: true,
                from: due.at,
                to: header.at,
                file_offset: self.log.file_offset_of(due.at),
                what: "no frame passes its check there".to_owned(),
            });
        }
        match &frame.contents {
            Some(contents) => self.commit(frame, contents, names),
            None => Ok(()),
        }
    }

    /// Writes what is whole of a commit.
    fn commit(
        &mut self,
        frame: &Frame<'_>,
        contents: &Contents<'_>,
        names: &mut Names<'_>,
    ) -> Result<(), Error> {
        let (header, room) = (frame.header, frame.room);
        let most = NAMES.max(index(u64::from(header.length)));
        let mut draft = Draft::default();
        let mut kept = 0;
        // Behind the last record that is whole, and the position that comes next.
        let (mut behind, mut next) = (header.at.plus(u64_of(FRAME_LEN)), header.first);
        for found in &contents.events {
            self.lose_records(room, (behind, found.at), (next, found.position), contents);
            (behind, next) = (found.end, found.position.next().unwrap_or(found.position));
            match new_event(self.id_bits, room, found, names) {
                Ok((stream, event)) => {
                    draft.add(found.position, stream, event);
                    kept += 1;
                }
                Err(what) => self.report.lose(LostRange {
                    first: found.position,
                    events: 1,
                    documents: false,
                    from: found.at,
                    to: found.end,
                    file_offset: room.file_offset_of(found.at),
                    what,
                }),
            }
            if draft.names > most {
                self.land(&mut draft, header.recorded)?;
            }
        }
        let (end, last) = (header.end(), header.next());
        self.lose_records(room, (behind, end), (next, last), contents);
        if contents.others_lost > 0 {
            self.report.lose(LostRange {
                first: last,
                events: 0,
                documents: true,
                from: header.at,
                to: end,
                file_offset: room.file_offset_of(header.at),
                what: "records of names or documents fail their checks".to_owned(),
            });
        }
        for Found { record, at, .. } in &contents.documents {
            let hash = self.key.term(record.key.as_bytes());
            let is_newest = self.documents.get(&hash) == Some(at);
            if let Some(value) = record.value.filter(|_| is_newest) {
                self.report.documents += 1;
                draft.commit = draft.commit.document_part(DocumentPart {
                    key: record.key.to_owned(),
                    expected: None,
                    change: Change::Put(value.to_vec()),
                    given: Some(record.revision),
                });
            }
        }
        self.land(&mut draft, header.recorded)?;
        let (events, at, first) = (u64::from(header.events), header.at, header.first);
        if kept < events || contents.others_lost > 0 || draft.parts > 1 {
            self.report.broken.push(BrokenCommit { at, first, events, kept });
        }
        Ok(())
    }

    /// Notes the events between two records that are whole.
    fn lose_records(
        &mut self,
        room: &Room,
        (from, to): (LogOffset, LogOffset),
        (first, next): (Position, Position),
        contents: &Contents<'_>,
    ) {
        let events = next.get().saturating_sub(first.get());
        if events > 0 && !contents.is_whole {
            self.report.lose(LostRange {
                first,
                events,
                documents: false,
                from,
                to,
                file_offset: room.file_offset_of(from),
                what: "the record fails its check".to_owned(),
            });
        }
    }

    /// Appends a commit, if there is anything in it: as one, or, where the ids that are written out
    /// make it too long for that, as several.
    fn land(&mut self, draft: &mut Draft, recorded: Timestamp) -> Result<(), Error> {
        let Draft { commit, positions, parts, names } = draft;
        *names = 0;
        let mut positions = std::mem::take(positions).into_iter();
        let mut waiting = vec![std::mem::take(commit)];
        while let Some(commit) = waiting.pop() {
            let events = commit.events().count();
            if events == 0 && commit.documents.is_empty() {
                continue;
            }
            let commit = commit.id_check(IdCheck::Off);
            let appended = match self.anew.commit(&commit, recorded) {
                Err(AppendError::Limit(_)) if events > 1 => {
                    let (first, second) = halves(commit);
                    waiting.extend([second, first]);
                    continue;
                }
                result => result.map_err(refused)?,
            };
            self.report.commits += 1;
            *parts += 1;
            for (position, nth) in positions.by_ref().take(events).zip(0..) {
                let now = appended.first.forward(nth).unwrap_or(appended.first);
                self.report.keep(position, now);
            }
        }
        Ok(())
    }

    /// What is lost behind the last frame, and how sure the documents are.
    fn finish(mut self, walked: Walked) -> Result<SalvageReport, Error> {
        let Walked { end, torn, .. } = walked;
        let marks = self.log.marks.iter().map(|mark| mark.next).max().unwrap_or_default();
        let next = torn.map_or(marks, |torn| torn.first.max(marks));
        let watermark = self.log.watermark.max(end.at);
        if watermark > end.at || (torn.is_none() && next > end.next) {
            self.report.lose(LostRange {
                first: end.next,
                events: next.get().saturating_sub(end.next.get()),
                documents: true,
                from: end.at,
                to: watermark,
                file_offset: self.log.file_offset_of(end.at),
                what: "the log was synced up to there, and no frame passes its check; of how many \
                       events there were only those are counted that something proves"
                    .to_owned(),
            });
        }
        self.report.torn = torn;
        let doubtful = self.report.lost.iter().filter(|lost| lost.documents);
        let doubtful = doubtful.map(|lost| lost.to).max().unwrap_or_default();
        let in_doubt = self.documents.values().filter(|at| **at < doubtful);
        self.report.documents_in_doubt = u64_of(in_doubt.count());
        self.report.bytes = self.anew.finish()?;
        Ok(self.report)
    }
}

impl Draft {
    fn add(&mut self, position: Position, stream: String, event: NewEvent) {
        let texts = [&stream, &event.event_type].into_iter().chain(&event.tags);
        self.names += texts.map(|text| size_of::<String>() + text.len()).sum::<usize>();
        self.positions.push(position);
        self.commit = std::mem::take(&mut self.commit).event(stream, event);
    }
}

/// The first and the second half of a commit's events; its documents go with the second.
fn halves(commit: Commit) -> (Commit, Commit) {
    let count = commit.events().count();
    let Commit { parts, documents, .. } = commit;
    let events = parts.into_iter().flat_map(|part| {
        let stream = part.stream;
        part.events.into_iter().map(move |event| (stream.clone(), event))
    });
    let (mut first, mut second) = (Commit::new(), Commit::new());
    for ((stream, event), nth) in events.zip(0..) {
        let half = if nth < count / 2 { &mut first } else { &mut second };
        *half = std::mem::take(half).event(stream, event);
    }
    (first, documents.into_iter().fold(second, Commit::document_part))
}

/// An event with its id written out, and its stream; or why it can't be had.
fn new_event(
    id_bits: u128,
    room: &Room,
    found: &Found<RawEvent<'_>>,
    names: &mut Names<'_>,
) -> Result<(String, NewEvent), String> {
    let Found { record, at, position, .. } = found;
    let mut name = |reference| match names.get(room, reference, *at) {
        Some(name) => Ok(name.to_owned()),
        None => {
            let place = room.log_offset.plus(u64::from(reference));
            Err(format!("a name that it refers to fails its check (log offset {place})"))
        }
    };
    let (stream, event_type) = (name(record.stream)?, name(record.event_type)?);
    let tags = record.tags().map(name).collect::<Result<Vec<_>, _>>()?;
    let derived = DerivedId { store: id_bits, at: *at, check: record.stored_check() };
    let mut new = NewEvent::new(event_type, record.payload);
    new.kind = record.kind;
    new.schema_version = record.schema_version;
    new.id = Some(record.id.unwrap_or_else(|| derived.id(*position, record.recorded)));
    new.correlation_id = record.correlation_id;
    new.causation_id = record.causation_id;
    new.occurred = record.occurred;
    new.metadata = record.metadata.map(<[u8]>::to_vec);
    let all = tags.len();
    new = new.tags(tags);
    match new.check() {
        Ok(()) if new.tags.len() == all => Ok((stream, new)),
        _ => Err("it can't be an event: no store writes such a record".to_owned()),
    }
}

fn refused(error: AppendError) -> Error {
    match error {
        AppendError::Other(error) | AppendError::OutcomeUnknown(error) => error,
        error => {
            let what = format!("salvaging the store failed: the new one refuses a commit: {error}");
            Error::new(ErrorKind::Io, what)
        }
    }
}
