//! The toolkit, compiled once more outside of the library: it uses what everybody may use, so
//! whoever wants another one builds it on the same footing. That this compiles is the test.
#![allow(missing_docs, dead_code, unused_imports, reason = "nothing here is run")]

pub use annals::*;

#[path = "../src/toolkit/mod.rs"]
pub mod toolkit;

fn main() {}
