//! From an old schema of an event to the one that the program knows.

use super::{CodecError, Encoding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A step from one type and schema version to a later one.
#[derive(Clone)]
pub(super) struct Upcast {
    pub(super) from: (String, u16),
    to: (String, u16),
    change: Change,
}

type Change = Arc<dyn Fn(Encoding, &[u8]) -> Result<Vec<u8>, CodecError> + Send + Sync>;

/// An event of an older schema, on its way to today's.
pub(super) struct Raised {
    pub(super) event_type: String,
    pub(super) version: u16,
    pub(super) payload: Vec<u8>,
}

impl Upcast {
    /// Reads the old form, and writes what becomes of it.
    pub(super) fn new<Old: DeserializeOwned, New: Serialize>(
        from: (String, u16),
        to: (String, u16),
        change: impl Fn(Old) -> New + Send + Sync + 'static,
    ) -> Self {
        let change =
            move |encoding: Encoding, old: &[u8]| encoding.write(&change(encoding.read(old)?));
        Self { from, to, change: Arc::new(change) }
    }

    /// Leaves the payload as it is.
    pub(super) fn rename(from: (String, u16), to: (String, u16)) -> Self {
        Self { from, to, change: Arc::new(|_, payload| Ok(payload.to_vec())) }
    }
}

/// As far as the steps lead from here; nothing if none begins here. Each step is taken once at the
/// most, so steps that lead in a circle end.
pub(super) fn raise(
    steps: &[Upcast],
    encoding: Encoding,
    event_type: &str,
    version: u16,
    payload: &[u8],
) -> Result<Option<Raised>, CodecError> {
    let mut raised: Option<Raised> = None;
    for _ in steps {
        let at = raised.as_ref().map_or((event_type, version), |r| (&r.event_type, r.version));
        let Some(step) = steps.iter().find(|step| (step.from.0.as_str(), step.from.1) == at) else {
            break;
        };
        let payload = raised.as_ref().map_or(payload, |raised| &raised.payload);
        let payload = (step.change)(encoding, payload)?;
        let (event_type, version) = step.to.clone();
        raised = Some(Raised { event_type, version, payload });
    }
    Ok(raised)
}
