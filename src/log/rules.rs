//! The parts of the recovery rule, each of which can be switched off to show what it is there for.

/// Which parts of the rule hold. A store always runs with [`Rules::ALL`]; the simulator takes parts
/// away and counts the losses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// A watermark above the place where the walk ended means corruption. Off: 'the first bad frame
    /// is the end'.
    pub watermark: bool,
    /// From `proof_start` on a frame must be of the slot's epoch.
    pub epoch: bool,
    /// A frame must repeat the check of the frame before it.
    pub chain: bool,
    /// A valid frame of a newer epoch means that a slot was lost. Off: it is ignored.
    pub newer: bool,
    /// On: only watermarks tell corrupt from torn. Off: a valid frame after a bad one is taken for
    /// corruption.
    pub torn_by_watermark: bool,
    /// What recovery keeps beyond the watermark is written again. Off: it is only synced.
    pub rewrite: bool,
    /// What is discarded is zeroed.
    pub zero: bool,
    /// After a sync with nothing behind it, a stub is written.
    pub stub: bool,
}

impl Rules {
    /// The whole rule.
    pub const ALL: Self = Self {
        watermark: true,
        epoch: true,
        chain: true,
        newer: true,
        torn_by_watermark: true,
        rewrite: true,
        zero: true,
        stub: true,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}
