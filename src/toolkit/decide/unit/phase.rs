//! Where a unit of work is in its life.

use std::fmt;

/// Where a unit of work is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnitPhase {
    /// Before the first `begin`.
    NotBegun,
    /// States can be loaded, events appended.
    Open,
    /// What was appended is in the store. It can be begun again.
    Committed,
    /// What was appended is forgotten: as asked for, or because it could not be committed. It can
    /// be begun again.
    RolledBack,
}

impl fmt::Display for UnitPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBegun => "not begun",
            Self::Open => "open",
            Self::Committed => "committed",
            Self::RolledBack => "rolled back",
        })
    }
}
