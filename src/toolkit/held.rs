//! What may be run by one at a time, in this process.

use super::{Port, ToolError};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Who holds what: the store, the tenant, what it is, and its name.
type Place = (u128, Option<String>, &'static str, String);

static HELD: Mutex<Option<HashSet<Place>>> = Mutex::new(None);

/// The right to run something, until it is dropped. A store has one writing process, so nobody
/// outside of this process has it.
#[derive(Debug)]
pub struct Held(Place);

impl Held {
    /// Takes it.
    ///
    /// # Errors
    /// [`ToolError::Busy`]: somebody has it.
    pub fn take(port: &Port, what: &'static str, name: &str) -> Result<Self, ToolError> {
        let tenant = port.tenant_name().map(str::to_owned);
        let place = (port.store_id().as_u128(), tenant, what, name.to_owned());
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get_or_insert_default().insert(place.clone()) {
            return Ok(Self(place));
        }
        Err(ToolError::Busy { name: name.to_owned() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &mut *held {
            held.remove(&self.0);
        }
    }
}

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
