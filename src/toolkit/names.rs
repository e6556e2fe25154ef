//! What things may be called.

use super::ToolError;
use crate::category_of;

/// Whether something that the toolkit keeps documents of may be called so.
///
/// # Errors
/// [`ToolError::Setup`]: the name is empty, longer than 64 bytes, or has a `/`, a `~` or a control
/// character in it.
pub fn check_name(what: &str, name: &str) -> Result<(), ToolError> {
    const LONGEST: usize = 64;
    let bad = |letter: &char| matches!(letter, '/' | '~') || letter.is_control();
    let why = match name.chars().find(bad) {
        _ if name.is_empty() => "it is empty".to_owned(),
        _ if name.len() > LONGEST => format!("it has {} bytes, {LONGEST} may be", name.len()),
        Some(letter) => format!("there is a '{}' in it", letter.escape_debug()),
        None => return Ok(()),
    };
    Err(ToolError::setup(format!("'{}' can't be the name of a {what}: {why}", name.escape_debug())))
}

/// Whether streams can have this category: it is what stands before the first `-` of their names.
pub fn is_category(name: &str) -> bool {
    !name.is_empty() && name == category_of(name) && !name.contains('\0')
}
