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
