//! Lanes by number and by name.

use super::lane::Lane;
use std::collections::HashMap;
use std::sync::Arc;

/// Lanes by number and by name. A number is given again when its lane was removed.
#[derive(Default)]
pub(super) struct Table {
    lanes: Vec<Option<Lane>>,
    free: Vec<usize>,
    names: HashMap<Arc<str>, usize>,
}

impl Table {
    pub(super) fn add(&mut self, lane: Lane) -> usize {
        let nth = self.free.pop().unwrap_or(self.lanes.len());
        self.names.insert(lane.name.clone(), nth);
        match self.lanes.get_mut(nth) {
            Some(place) => *place = Some(lane),
            None => self.lanes.push(Some(lane)),
        }
        nth
    }

    pub(super) fn remove(&mut self, nth: usize) {
        if let Some(lane) = self.lanes.get_mut(nth).and_then(Option::take) {
            self.names.remove(&lane.name);
            self.free.push(nth);
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub(super) fn get(&self, nth: usize) -> Option<&Lane> {
        self.lanes.get(nth)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, nth: usize) -> Option<&mut Lane> {
        self.lanes.get_mut(nth)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().flatten()
    }

    /// The numbers of those of which this holds.
    pub(super) fn which(&self, holds: impl Fn(&Lane) -> bool) -> Vec<usize> {
        let numbered = self.lanes.iter().enumerate();
        numbered.filter(|(_, lane)| lane.as_ref().is_some_and(&holds)).map(|(nth, _)| nth).collect()
    }
}
