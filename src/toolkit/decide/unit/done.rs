//! What came of a unit of work.

use crate::Appended;
use crate::toolkit::ToolError;

/// What came of a unit of work that was committed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Done {
    /// Where its events landed; nothing if it had none.
    pub appended: Option<Appended>,
    /// What lifecycle hooks of its states' repositories failed with.
    pub hook_failures: Vec<ToolError>,
}
