//! Why a command was not carried out.

use crate::Commit;
use crate::toolkit::ToolError;
use std::fmt;

/// Why a command was not carried out. Nothing of it is in the store,
/// [`ExecuteError::OutcomeUnknown`] excepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExecuteError<R> {
    /// Whoever decides has refused it.
    Refused(R),
    /// Somebody else was faster, each time.
    Conflicts {
        /// How many attempts were made.
        attempts: u32,
        /// What the last one met.
        last: ToolError,
    },
    /// A write or sync failed: what was decided may be in the store or not.
    OutcomeUnknown {
        /// What was decided. Its events have ids, so committed once more, when the store was opened
        /// again, it lands once, whether or not it is there.
        commit: Box<Commit>,
        /// What failed.
        error: ToolError,
    },
    /// Anything else.
    Tool(ToolError),
}

impl<R> ExecuteError<R> {
    /// Why it was refused, if that is what it is.
    pub fn refusal(&self) -> Option<&R> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl<R: fmt::Display> fmt::Display for ExecuteError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Conflicts { attempts, last } => {
                write!(f, "others were faster in each of {attempts} attempts; the last met: {last}")
            }
            Self::OutcomeUnknown { error, .. } | Self::Tool(error) => error.fmt(f),
        }
    }
}

impl<R: std::error::Error + 'static> std::error::Error for ExecuteError<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refusal) => refusal.source(),
            Self::Conflicts { last, .. } => Some(last),
            Self::OutcomeUnknown { error, .. } | Self::Tool(error) => error.source(),
        }
    }
}

impl<R> From<ToolError> for ExecuteError<R> {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}
