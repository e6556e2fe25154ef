//! Runs, through the public API: whatever happens to them, the answers are those of the log.

mod answers;
mod damaged;
mod forged;
mod pinned;
mod replaced;
mod sample;
mod tiers;
mod twofold;
mod without_room;

use answers::Answers;
use sample::{Sample, device, grow, options};
