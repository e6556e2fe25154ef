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
//!      value survive. For stores opened with `pad_to_sector`: random in all bytes of the sector,
//!      unless it is rewritten as it was.
//! 2. The device's length is as the last sync left it, or as any growth since then; what was
//!    written beyond is lost with it. Room that was taken and not written is zero, or not there.
//! 3. A *process death* loses nothing that was written, and nothing else.
//! 4. A sync may fail. Then what was not durable stays in the cache as if it were, is never written
//!    back, and the next sync returns OK. Dropping the cache, in whole pages, brings the old bytes
//!    back. Either a disk ignores that it is asked to; or, as ext4 was seen to do, what is written
//!    again before that to sectors that the disk never had does not reach it, and the sync returns
//!    OK.
//! 5. Any operation may fail, reads and those of recovery too, once or from then on: I/O error, no
//!    space, interrupted, or short.
//! 6. A durable sector may *rot*: become garbage at any time, a slot's too; one sector at a time.
//!
//! *What that means, zone by zone.*
//!
//! - **Page 0** is written once, before the store is there: a crash leaves it as it is. It may rot.
//! - **The two slots** are written in turn, each synced before the other: one of them is old, new,
//!   torn or garbage.
//! - **A segment's header** is written and synced before a slot names it, and again by a recovery
//!   that finds it torn: garbage only together with the first frame, under `pad_to_sector`.
//! - **Frames** are written where nothing was, one behind another: those since the last sync are in
//!   any state. A synced frame shares a sector with the next, whose write spoils nothing of it;
//!   with `pad_to_sector` it shares none.
//! - **Stubs** stand behind the synced end and are never synced themselves: a crash leaves the
//!   stub, the frame over it, pieces of both, or nothing.
//! - **Runs** go into free room, synced before a slot names them: anything may be left there, and
//!   nothing leads to it.
//! - **What recovery zeroes, rewrites and mends** stands in place, and is synced before the slot of
//!   the new epoch: the next recovery meets the same once more.
//!
//! *What a program does.* Commits of each durability, over several streams, with documents; syncs;
//! segments are prepared, runs written, merged and their room used again; the store is closed and
//! opened, the process dies; another process follows; backups are made, whose own disk crashes; the
//! store is compacted.
//!
//! *What is checked.* With commits numbered in the order of the log, at every crash:
//!
//! - every commit that was acknowledged as durable is there, whole, and so is every commit before
//!   it; after a process death, every commit that was acknowledged at all;
//! - what a follower was shown, or anybody who only looked, is there ever after;
//! - what is there is a prefix of what was begun: no commit in part, none out of order, none twice;
//! - nothing that recovery discarded comes back later;
//! - positions and versions are dense, the index is the log, and so are the documents;
//! - a commit that is made once more with the same ids lands once, whether it was there or not;
//! - a crash alone is never called corruption; rot below the watermark is never called a crash;
//! - a copy has what was durable when it began, and a copy that a crash cut short is never taken
//!   for a whole one;
//! - salvage of what a crash left has what recovery finds, no more and no less; and where sectors
//!   are again as they were before recovery, it takes nothing that recovery has discarded.
//!
//! *What is not promised*, and therefore not counted: what no surviving byte proves. If a sector
//! rots that holds the last commits and everything that says that they were synced (the stub behind
//! them, or the next frame), that is taken for a torn write, unless they were `Strict`.

mod ablation;
mod check;
mod clock;
mod copies;
mod count;
mod crash;
mod disk;
mod fault;
mod layout;
mod model;
mod plan;
mod play;
mod prove;
mod random;
mod rescue;
mod rot;
mod salvaged;
mod shrink;
mod sweep;
mod truth;

pub use ablation::{Ablation, Loss};
pub use count::Count;
pub use disk::SimDisk;
pub use fault::prove_faults;
pub use layout::{DocumentPlace, EventPlace, FramePlace, Layout, SegmentPlace, SlotPlace};
pub use prove::{Effort, prove};
pub use random::Random;
pub use rot::prove_rot;
pub use salvaged::Salvaged;
pub use shrink::shrink;
pub use sweep::{Damage, Sweep, SweepCount, Thoroughness};
pub use truth::Truth;
