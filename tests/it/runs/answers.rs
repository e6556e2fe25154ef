//! All that a store can be asked, and what it has to answer.

use crate::fixture::all;
use annals::{Read, RecordedEvent, Store, View, category_of};
use std::collections::BTreeMap;

/// What a store answered while it was healthy.
pub struct Answers {
    pub events: Vec<RecordedEvent>,
    streams: Vec<String>,
    by_stream: BTreeMap<String, Vec<RecordedEvent>>,
    by_category: BTreeMap<String, Vec<String>>,
}

/// Kinds of questions.
pub const QUESTIONS: usize = 8;

impl Answers {
    /// What follows from the log alone.
    pub fn of(store: &Store) -> Self {
        let events = store.read_all(Read::new()).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        Self::from(events)
    }

    pub fn from(events: Vec<RecordedEvent>) -> Self {
        let mut streams: Vec<String> = Vec::new();
        let mut by_stream: BTreeMap<String, Vec<RecordedEvent>> = BTreeMap::new();
        let mut by_category: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in &events {
            let name = event.stream.clone();
            let of_stream = by_stream.entry(name.clone()).or_default();
            if of_stream.is_empty() {
                streams.push(name.clone());
                let category = category_of(&name).to_owned();
                by_category.entry(category).or_default().push(name);
            }
            of_stream.push(event.clone());
        }
        Self { events, streams, by_stream, by_category }
    }

    /// Those of a view that ends here.
    pub fn up_to(&self, head: usize) -> Self {
        Self::from(self.events[..head].to_vec())
    }

    /// Asks everything, a different question first each time: whoever asks first meets the damage.
    #[track_caller]
    pub fn check(&self, store: &Store, first: usize, what: &str) {
        self.check_view(&store.view().unwrap(), first, what);
    }

    #[track_caller]
    pub fn check_view(&self, view: &View, first: usize, what: &str) {
        for nth in 0..QUESTIONS {
            let question = (first + nth) % QUESTIONS;
            assert!(self.is_right(view, question, first), "{what}: question {question} is wrong");
        }
    }

    fn is_right(&self, view: &View, question: usize, from: usize) -> bool {
        let mut streams = self.by_stream.iter();
        match question {
            0 => view.all(Read::new()).map(Result::unwrap).eq(self.events.iter().cloned()),
            1 => {
                let read = view.all(Read::new().backward()).map(Result::unwrap);
                read.eq(self.events.iter().rev().cloned())
            }
            2 => streams.all(|(name, events)| {
                let read = view.stream(name, Read::new()).map(Result::unwrap);
                read.eq(events.iter().cloned())
            }),
            3 => streams.all(|(name, events)| {
                let read = view.stream(name, Read::new().backward()).map(Result::unwrap);
                read.eq(events.iter().rev().cloned())
            }),
            4 => {
                let mut some = self.events.iter().skip(from % 7).step_by(7);
                let after = self.events.len() as u64 + 1;
                some.all(|event| view.event(event.position).unwrap().as_ref() == Some(event))
                    && view.event(after).unwrap().is_none()
            }
            5 => {
                streams.all(|(name, events)| {
                    view.stream_version(name).unwrap().get() == events.len() as u64
                }) && view.stream_version("nobody").unwrap().get() == 0
            }
            6 => {
                let categories = view.categories().unwrap();
                categories.iter().eq(self.by_category.keys())
            }
            _ => {
                all(view.streams()) == self.streams
                    && self
                        .by_category
                        .iter()
                        .all(|(category, streams)| all(view.streams_of(category)) == *streams)
            }
        }
    }
}
