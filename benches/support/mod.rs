//! What both benchmarks share: the data, the floor, and how numbers are put together.
#![allow(dead_code, unused_imports, reason = "each benchmark uses its part")]

mod data;
mod floor;
mod report;

pub use data::{
    PAYLOAD, STREAMS, commit, event, fold, folder, kinds, mixed, payload, stream_name, tag_name,
    tag_number, type_name,
};
pub use floor::{Asked, Floor, FloorBatch, FloorReader, Sizes};
pub use report::{Random, Row, Spread, grouped, is_wanted, judged, print_table, ratios_wanted};
