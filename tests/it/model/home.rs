//! A store in a file, for plans.

use crate::fixture::Place;
use annals::{Options, Store};
use annals_fuzz::model::Home;
use std::path::PathBuf;

/// A folder, the store's file in it, and how many there were before.
pub struct InFile {
    options: Options,
    place: Place,
    path: PathBuf,
    nth: u32,
}

impl InFile {
    pub fn new(options: Options) -> Self {
        let place = Place::new();
        let path = place.path();
        Self { options, place, path, nth: 0 }
    }
}

impl Home for InFile {
    fn open(&self) -> Store {
        self.options.open(&self.path).unwrap()
    }

    fn open_read_only(&self) -> Store {
        self.options.open_read_only(&self.path).unwrap()
    }

    fn crash(&mut self) {
        self.nth += 1;
        let copy = self.place.file(&format!("{}.annals", self.nth));
        std::fs::copy(&self.path, &copy).unwrap();
        self.path = copy;
    }

    fn compacted(&self) -> Option<Store> {
        let copy = self.place.file("compact.annals");
        self.open().compact_to(&copy).unwrap();
        Some(self.options.open(&copy).unwrap())
    }
}
