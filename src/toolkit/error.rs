//! What can go wrong in the toolkit.

use super::decide::UnitPhase;
use super::typed::CodecError;
use crate::{AppendError, Error, Position};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Whatever a handler, projection, hook or interceptor of the user's fails with; `?` makes it of
/// any error.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Any error of the toolkit.
///
/// ```
/// use annals::toolkit::{Port, ToolError};
/// let port = Port::new(&annals::Store::in_memory()?);
/// let error = port.tenant("a/b").unwrap_err();
/// assert!(matches!(error, ToolError::Setup(_)));
/// assert!(error.to_string().contains("'/'"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ToolError {
    /// The store could not be read, or was closed.
    Store(Error),
    /// A commit did not land.
    Append(AppendError),
    /// An event, document or snapshot could not be read or written as what it is to be.
    Codec(CodecError),
    /// The user's code returned an error.
    Failed {
        /// Whose: `interceptor 'audit'`, say.
        who: String,
        /// What it returned.
        failure: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The user's code panicked; nothing of what it was about to do was done.
    Panicked {
        /// Whose.
        who: String,
        /// What it said.
        message: String,
    },
    /// A name or a set-up that can't be; the text says what to change.
    Setup(String),
    /// Somebody else runs this by the same name.
    Busy {
        /// The name.
        name: String,
    },
    /// Whoever was to handle an event took longer than his lease: somebody else has it now, and
    /// nothing comes of what he did.
    Expired {
        /// Whose event it was.
        who: String,
        /// Where it is.
        position: Position,
    },
    /// A checkpoint lies beyond the store's head: this is not the store that it was made with, or
    /// an older copy of it.
    Ahead {
        /// Whose checkpoint.
        name: String,
        /// Where it is.
        checkpoint: Position,
        /// Where the store ends.
        head: Position,
    },
    /// A unit of work is not in the phase in which this can be called.
    Phase {
        /// What was called.
        called: &'static str,
        /// In which phase.
        phase: UnitPhase,
    },
    /// It was stopped, cancelled or dropped.
    Stopped,
}

impl ToolError {
    /// Whether somebody else was faster: who reads again and decides again may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Append(error) if error.is_conflict())
    }

    /// An error of this one's, which is called so.
    pub fn failed(who: impl Into<String>, failure: impl Into<Failure>) -> Self {
        Self::Failed { who: who.into(), failure: failure.into().into() }
    }

    /// Why the commit did not land, if that is what it is.
    pub fn append_error(&self) -> Option<&AppendError> {
        match self {
            Self::Append(error) => Some(error),
            _ => None,
        }
    }

    /// A name or a set-up that can't be.
    pub(super) fn setup(what: impl Into<String>) -> Self {
        Self::Setup(what.into())
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Append(error) => error.fmt(f),
            Self::Codec(error) => error.fmt(f),
            Self::Failed { who, failure } => write!(f, "{who} failed: {failure}"),
            Self::Panicked { who, message } => write!(f, "{who} panicked: {message}"),
            Self::Setup(what) => f.write_str(what),
            Self::Busy { name } => write!(f, "'{name}' is run by somebody else already"),
            Self::Expired { who, position } => write!(
                f,
                "the lease of '{who}' for the event at position {position} has expired: it is \
                 somebody else's now"
            ),
            Self::Ahead { name, checkpoint, head } => write!(
                f,
                "the checkpoint of '{name}' is at position {checkpoint}, but the store ends at \
                 {head}: it belongs to another store or a newer copy; rebuild, or open that one"
            ),
            Self::Phase { called, phase: UnitPhase::Open } => {
                write!(f, "`{called}` was called in a unit of work that is open: end it first")
            }
            Self::Phase { called, phase } => {
                write!(f, "`{called}` was called in a unit of work that is {phase}: begin it first")
            }
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}

impl std::error::Error for ToolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Append(error) => error.source(),
            Self::Codec(error) => error.source(),
            Self::Failed { failure, .. } => Some(&**failure),
            _ => None,
        }
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<AppendError> for ToolError {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

impl From<CodecError> for ToolError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

/// Runs code of the user's: what it returns or how it panics is an error that names it.
pub(super) fn contain<T>(
    who: impl Fn() -> String,
    run: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, ToolError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        // What failed inside of it keeps its kind.
        Ok(Err(failure)) => Err(match failure.downcast::<ToolError>() {
            Ok(error) => *error,
            Err(failure) => ToolError::failed(who(), failure),
        }),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let message = text.unwrap_or_else(|| "it said nothing".to_owned());
            Err(ToolError::Panicked { who: who(), message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_users_code_does_is_told_with_its_name() {
        let told = |run: fn() -> Result<u8, Failure>| {
            contain(|| "handler 'mail'".to_owned(), run).unwrap_err().to_string()
        };
        assert_eq!(told(|| Err("no route".into())), "handler 'mail' failed: no route");
        assert_eq!(told(|| panic!("at {}", 7)), "handler 'mail' panicked: at 7");
        assert_eq!(told(|| panic!("static")), "handler 'mail' panicked: static");
        assert_eq!(told(|| Err(Box::new(ToolError::Stopped))), "it was stopped");
        assert_eq!(contain(String::new, || Ok(3)).unwrap(), 3);
    }
}
