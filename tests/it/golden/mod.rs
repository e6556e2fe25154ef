//! Golden files: stores of each format version, as they were written when it was frozen.

mod listing;
mod make;
mod opened;

use listing::Listing;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where the files of format version 1 are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v1")
}

/// A store as it was written then, and what it has to say.
struct Golden {
    bytes: Vec<u8>,
    listing: Listing,
}

impl Golden {
    fn load(name: &str) -> Self {
        let packed = std::fs::read(folder().join(format!("{name}.annals.gz"))).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        let text = std::fs::read_to_string(folder().join(format!("{name}.jsonl"))).unwrap();
        Self { bytes, listing: Listing::parse(&text) }
    }
}
