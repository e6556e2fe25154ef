//! What becomes of a command.

use crate::toolkit::{Failure, ToolError};
use crate::{Appended, Version};
use std::fmt;

/// What has come of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Sent {
    /// The aggregate's stream.
    pub stream: String,
    /// Its version then.
    pub version: Version,
    /// Where the events are; nothing if nothing has happened.
    pub appended: Option<Appended>,
    /// How many attempts were made: others may have been faster.
    pub attempts: u32,
}

/// Why a command was not carried out. Nothing of it is in the store, unless the error of
/// [`SendError::Tool`] says that this is not known.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The pipeline has no such command.
    Unknown {
        /// How it is called.
        command: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It is not what a command of its name has to be: no JSON, a field is missing, or it has
    /// no id.
    Malformed {
        /// How it is called.
        command: String,
        /// What is wrong, and where.
        what: String,
    },
    /// What it says can't be.
    Invalid {
        /// How it is called.
        command: String,
        /// Why.
        failure: Failure,
    },
    /// Whoever decides has refused it.
    Refused {
        /// How it is called.
        command: String,
        /// Why.
        failure: Failure,
    },
    /// Somebody else was faster, each time.
    Conflicts {
        /// How many attempts were made.
        attempts: u32,
        /// What the last one met.
        error: ToolError,
    },
    /// Anything else: the store's errors, and a panic of whoever decides.
    Tool(ToolError),
}

impl SendError {
    /// Why whoever decides has refused it, as what that was.
    ///
    /// ```
    /// use annals::toolkit::SendError;
    /// let failure = "7".parse::<bool>().unwrap_err().into();
    /// let error = SendError::Refused { command: "switch".to_owned(), failure };
    /// assert!(error.refusal::<std::str::ParseBoolError>().is_some());
    /// assert!(error.refusal::<std::fmt::Error>().is_none());
    /// ```
    pub fn refusal<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Refused { failure, .. } => failure.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { command, known } => {
                write!(f, "there is no command '{command}'; there are: {}", known.join(", "))
            }
            Self::Malformed { command, what } => write!(f, "this is no '{command}': {what}"),
            Self::Invalid { command, failure } => write!(f, "'{command}' can't be: {failure}"),
            Self::Refused { command, failure } => {
                write!(f, "'{command}' was refused: {failure}")
            }
            Self::Conflicts { attempts, error } => {
                write!(
                    f,
                    "others were faster in each of {attempts} attempts; the last met: {error}"
                )
            }
            Self::Tool(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unknown { .. } | Self::Malformed { .. } => None,
            Self::Invalid { failure, .. } | Self::Refused { failure, .. } => Some(&**failure),
            Self::Conflicts { error, .. } | Self::Tool(error) => Some(error),
        }
    }
}

impl From<ToolError> for SendError {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}
