//! What the tests speak with: a folder with stores in it, and `annals` called in it.

use annals::{NewEvent, Store};
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A few thousand events of real flights.
pub const SAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/flights-sample.jsonl.gz");

/// A folder that is gone with it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With the sample in `flights.annals`, recorded when it happened.
    pub fn with_flights() -> Self {
        static FLIGHTS: OnceLock<Vec<u8>> = OnceLock::new();
        let place = Self::new();
        let bytes = FLIGHTS.get_or_init(|| {
            let place = Self::new();
            place.does(&["import", "flights.annals", SAMPLE, "--as-recorded"]);
            fs::read(place.file("flights.annals")).unwrap()
        });
        fs::write(place.file("flights.annals"), bytes).unwrap();
        place
    }

    /// With `a.annals`, which has these events in stream `a`.
    pub fn with(events: &[&str]) -> Self {
        let place = Self::new();
        let store = place.store("a.annals");
        for event in events {
            let event = NewEvent::new("Noted", *event);
            store.append("a", annals::ExpectedVersion::Any, [event]).unwrap();
        }
        store.close().unwrap();
        place
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.file(name), text).unwrap();
    }

    pub fn store(&self, name: &str) -> Store {
        Store::open(self.file(name)).unwrap()
    }

    /// `annals` with these words, in this folder.
    pub fn annals(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command
            .current_dir(self.folder.path())
            .args(words)
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS");
        command
    }

    /// What it prints when it ends well.
    #[track_caller]
    pub fn does(&self, words: &[&str]) -> String {
        text(&self.annals(words).assert().success().get_output().stdout)
    }

    /// What it says on standard error when it ends with this code.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) -> String {
        said(self.annals(words).assert().code(code))
    }
}

/// What was said on standard error.
pub fn said(assert: Assert) -> String {
    text(&assert.get_output().stderr)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Lines of JSON.
pub fn json(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Unpacks a file.
pub fn unpacked(path: impl AsRef<Path>) -> String {
    use std::io::Read;
    let mut text = String::new();
    let packed = fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}
