#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a proof stops where it is surprised"
)]

//! A simulated disk that crashes, tears, forgets and lies, and the proof of Annals that runs on it.
//!
//! # The fault model
//!
//! *What the disk may do.* The disk is a row of 512-byte sectors, between it and the program is a
//! cache.
//!
//! 1. A write changes the cache. A sync makes everything durable that was written before it was
//!    called. Until then each sector written since the last sync is, after a power cut,
//!    independently
//!    - **old**: as the last sync left it,
//!    - **new**: as the last write left it, or as any write in between left it,
//!    - **torn**: new up to some byte and old from there, or the other way round,
//!    - **garbage**: random in those bytes that the write changed; bytes rewritten with the same
//!      value survive.
//!
//!    This holds for every zone alike: page 0 (never written again), the slots, the holder's page,
//!    segments.
//! 2. The device's length and its allocated room are as the last sync left them, or as they were
//!    asked for since.
//! 3. A *process death* loses nothing that was written, and nothing else.
//! 4. A sync may fail. Then what was not durable stays in the cache as if it were, is never written
//!    back, and the next sync returns OK. Dropping the cache brings the old bytes back; a disk may
//!    ignore that it is asked to.
//! 5. Any operation may fail, once or from then on: I/O error, no space, interrupted, or short.
//! 6. A durable sector may *rot*: become garbage at any time, a slot's too; one sector at a time.
//!
//! *What is checked.* With commits numbered in the order of the log, at every crash:
//!
//! - every commit that was acknowledged as durable is there, whole, and so is every commit before
//!   it; after a process death, every commit that was acknowledged at all;
//! - what is there is a prefix of what was begun: no commit in part, none out of order, none twice;
//! - nothing that recovery discarded comes back later;
//! - positions and versions are dense, the index is the log, and so are the documents;
//! - a commit that is made once more with the same ids lands once, whether it was there or not;
//! - a crash alone is never called corruption; rot below the watermark is never called a crash.
//!
//! *What is not promised*, and therefore not counted: what no surviving byte proves. If a sector
//! rots that holds the last commits and everything that says that they were synced (the stub behind
//! them, or the next frame), that is taken for a torn write, unless they were `Strict`.

mod ablation;
mod check;
mod crash;
mod disk;
mod fault;
mod plan;
mod prove;
mod random;
mod rot;

pub use ablation::{Ablation, Loss};
pub use disk::SimDisk;
pub use fault::prove_faults;
pub use prove::{Count, Effort, prove};
pub use random::Random;
pub use rot::prove_rot;
