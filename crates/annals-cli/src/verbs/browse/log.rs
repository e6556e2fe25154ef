//! What is read of the store: as much as is seen, and no more.

use super::events::{Row, Scope};
use crate::show::escaped;
use annals::{
    Cursor, Ending, Error, Position, Query, QueryItem, Read, Store, Timestamp, Version, View,
};

/// A store that somebody looks into, as it was a moment ago.
pub struct Log {
    store: Store,
    view: View,
    /// How many streams there are.
    streams: u64,
}

impl Log {
    /// This store, as it is now.
    pub fn new(store: Store) -> Result<Self, Error> {
        let (view, streams) = (store.view()?, store.stats()?.streams);
        Ok(Self { store, view, streams })
    }

    /// Looks whether there is more than before.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        let view = self.store.view()?;
        let has_more = view.head() != self.view.head();
        if has_more {
            self.streams = self.store.stats()?.streams;
        }
        self.view = view;
        Ok(has_more)
    }

    /// How it looks at the moment.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The last position.
    pub fn head(&self) -> u64 {
        self.view.head().get()
    }

    /// How many streams there are.
    pub fn streams(&self) -> u64 {
        self.streams
    }

    /// What is damaged, if it is.
    pub fn damage(&self) -> Option<String> {
        let report = self.store.recovery_report();
        let is_damaged = report.ending == Ending::Damaged;
        is_damaged.then(|| escaped(&report.why).into_owned())
    }

    /// The number of the last event there.
    pub fn last(&self, scope: &Scope) -> Result<u64, Error> {
        match scope {
            Scope::All => Ok(self.head()),
            Scope::Stream(name) => Ok(self.view.stream_version(name)?.get()),
        }
    }

    /// The events there, from one number to another, up or down.
    pub fn cursor(&self, scope: &Scope, (first, last): (u64, u64), backward: bool) -> Cursor {
        match scope {
            Scope::All => {
                let read = Read::<Position>::new().from(first).to(last);
                self.view.all(if backward { read.backward() } else { read })
            }
            Scope::Stream(name) => {
                let read = Read::<Version>::new().from(first).to(last);
                self.view.stream(name, if backward { read.backward() } else { read })
            }
        }
    }

    /// The rows of the events from one number to another: where one can't be read, why.
    pub fn rows(&self, scope: &Scope, first: u64, last: u64) -> Vec<Result<Row, String>> {
        let mut rows = Vec::new();
        let mut cursor = self.cursor(scope, (first, last), false);
        for number in first..=last {
            let row = match cursor.next_event() {
                Ok(Some(event)) => Row::of(&event),
                Ok(None) => break,
                Err(error) => {
                    // It has ended: those behind are read by another one.
                    cursor = self.cursor(scope, (number.saturating_add(1), last), false);
                    Err(error)
                }
            };
            rows.push(row.map_err(|error| said(&error)));
        }
        rows
    }

    /// The number of the first event there that was recorded at this time or later.
    pub fn first_since(&self, scope: &Scope, time: Timestamp) -> Result<Option<u64>, Error> {
        let item = QueryItem::new().since(time);
        let item = match scope {
            Scope::All => item,
            Scope::Stream(name) => item.stream(name),
        };
        let mut cursor = self.view.query(&Query::from(item), Read::new().limit(1))?;
        Ok(cursor.next_event()?.map(|event| scope.number(&event)))
    }
}

/// What an error says, harmless.
pub fn said(error: &Error) -> String {
    escaped(&error.to_string()).into_owned()
}
