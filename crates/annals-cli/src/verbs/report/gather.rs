//! What a page says, gathered from a store.

use super::pass::{Passed, pass, readable};
use super::top::Top;
use crate::stop;
use annals::{
    Counts, Error, ErrorKind, FileMap, Health, Keys, Read, RecoveryReport, Stats, Store, Timestamp,
    Uuid, View,
};

/// All that a page says.
#[derive(Debug)]
pub struct Facts {
    pub file: String,
    pub id: Uuid,
    /// When it was looked at.
    pub looked: Timestamp,
    pub stats: Stats,
    pub passed: Passed,
    /// By the index; nothing where that is damaged.
    pub types: Option<Top>,
    pub tags: Option<Top>,
    pub streams: Vec<Stream>,
    pub documents: Option<Documents>,
    /// Or why there is none.
    pub map: Result<FileMap, String>,
    pub recovery: RecoveryReport,
    pub health: Health,
}

/// A stream, and when it began and ended.
#[derive(Debug)]
pub struct Stream {
    pub name: String,
    pub events: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// The documents of a store.
#[derive(Debug, Default)]
pub struct Documents {
    /// By the bytes of their values.
    pub top: Top,
    /// Why not all were read.
    pub stopped: Option<String>,
}

/// Looks at everything once. Whoever asks it to stop gets something that is not all.
///
/// # Errors
/// What reading meets, if it is not damage.
pub fn gather(store: &Store, file: String, quiet: bool) -> Result<Facts, Error> {
    let view = store.view()?;
    let types = readable(counted(view.types(&Keys::all())))?;
    let tags = readable(counted(view.tags(&Keys::all())))?;
    let none = Top::default();
    let passed = pass(&view, types.as_ref().unwrap_or(&none), quiet)?;
    let streams = passed.streams.iter().map(|(name, events)| stream(&view, name, *events));
    let streams = streams.collect::<Result<_, _>>()?;
    Ok(Facts {
        file,
        id: store.id(),
        looked: Timestamp::now(),
        stats: store.stats()?,
        passed,
        types,
        tags,
        streams,
        documents: readable(documents(&view))?,
        map: map(store)?,
        recovery: store.recovery_report().clone(),
        health: store.health(),
    })
}

fn counted(counts: Counts) -> Result<Top, Error> {
    let mut top = Top::default();
    for counted in counts {
        let counted = counted?;
        top.add(counted.name, counted.events);
        if stop::is_asked() {
            break;
        }
    }
    Ok(top)
}

fn stream(view: &View, name: &str, events: u64) -> Result<Stream, Error> {
    let time = |read: Read<_>| {
        let event = view.stream(name, read.limit(1)).next_event()?.map(|event| event.recorded);
        Ok(event)
    };
    let first = readable(time(Read::new()))?.flatten();
    let last = readable(time(Read::new().backward()))?.flatten();
    Ok(Stream { name: name.to_owned(), events, first, last })
}

fn map(store: &Store) -> Result<Result<FileMap, String>, Error> {
    match store.map() {
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Err(error.to_string())),
        map => map.map(Ok),
    }
}

fn documents(view: &View) -> Result<Documents, Error> {
    let mut documents = Documents::default();
    let mut all = view.documents(&Keys::all());
    loop {
        match all.next_document() {
            Ok(Some(document)) => {
                let bytes = u64::try_from(document.value.len()).unwrap_or(u64::MAX);
                documents.top.add(document.key.to_owned(), bytes);
            }
            Ok(None) => return Ok(documents),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                documents.stopped = Some(error.to_string());
                return Ok(documents);
            }
            Err(error) => return Err(error),
        }
        if stop::is_asked() {
            return Ok(documents);
        }
    }
}
