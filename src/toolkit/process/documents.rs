//! What a processor keeps in the store: how far all is done, how far each aggregate is that has a
//! checkpoint of its own, and what is parked.

use super::keys::{Keys, Of};
use super::parked::Parked;
use crate::toolkit::{Port, ToolError};
use crate::{Position, Revision};
use serde_json::{Value, json};
use std::fmt::Write;

/// Positions from the first to the second one.
pub(super) type Range = (Position, Position);

/// How far all is done: everything up to a position, and what lies in some ranges behind it.
/// Aggregates that have a checkpoint of their own are not spoken of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Checkpoint {
    pub(super) at: Position,
    /// In order, apart from one another.
    pub(super) done: Vec<Range>,
}

impl Checkpoint {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{{\"at\":{},\"done\":[", self.at);
        let mut comma = "";
        for (first, last) in &self.done {
            // Writing to a text does not fail.
            let _ = write!(text, "{comma}[{first},{last}]");
            comma = ",";
        }
        text.push_str("]}");
        text.into_bytes()
    }

    fn read(value: &Value) -> Option<Self> {
        let range = |value: &Value| {
            let range = value.as_array().filter(|range| range.len() == 2)?;
            Some((position(range.first()?)?, position(range.last()?)?))
        };
        let done = value.get("done")?.as_array()?.iter().map(range).collect::<Option<_>>()?;
        Some(Self { at: position(value.get("at")?)?, done })
    }

    /// The last position that it speaks of.
    fn end(&self) -> Position {
        self.done.last().map_or(self.at, |(_, last)| *last)
    }
}

/// The checkpoint of an aggregate that has one of its own: of its events those up to here are done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OwnCheckpoint {
    pub(super) aggregate: String,
    pub(super) at: Position,
}

impl OwnCheckpoint {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        json!({"aggregate": self.aggregate, "at": self.at.get()}).to_string().into_bytes()
    }

    fn read(value: &Value) -> Option<Self> {
        let aggregate = value.get("aggregate")?.as_str()?.to_owned();
        Some(Self { aggregate, at: position(value.get("at")?)? })
    }
}

/// All that the store has of a processor.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) checkpoint: Checkpoint,
    /// The revision of the checkpoint's document.
    pub(super) revision: Revision,
    pub(super) own: Vec<OwnCheckpoint>,
    pub(super) parked: Vec<Parked>,
}

impl Kept {
    /// Reads it.
    ///
    /// # Errors
    /// The store's; [`ToolError::Ahead`]; [`ToolError::Codec`] if it is not what a processor keeps.
    pub(super) fn load(port: &Port, name: &str, keys: &Keys) -> Result<Self, ToolError> {
        let mut kept = Self::default();
        if let Some(found) = port.document(&keys.checkpoint())? {
            kept.checkpoint = parse(&found.key, &found.value, Checkpoint::read)?;
            kept.revision = found.revision;
        }
        kept.own = load_all(port, keys, Of::At, OwnCheckpoint::read)?;
        kept.parked = load_all(port, keys, Of::Parked, Parked::read)?;
        let ends = kept.own.iter().map(|own| own.at).chain([kept.checkpoint.end()]);
        let parked = kept.parked.iter().map(|parked| parked.position);
        let (checkpoint, head) = (ends.chain(parked).max().unwrap_or_default(), port.head()?);
        if checkpoint > head {
            return Err(ToolError::Ahead { name: name.to_owned(), checkpoint, head });
        }
        Ok(kept)
    }
}

/// Reads all documents under which this is said.
pub(super) fn load_all<T>(
    port: &Port,
    keys: &Keys,
    of: Of,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, ToolError> {
    let mut all = Vec::new();
    for found in port.documents(crate::Keys::prefix(keys.all(of)))? {
        let found = found?;
        all.push(parse(&found.key, &found.value, &read)?);
    }
    Ok(all)
}

/// Reads one.
pub(super) fn parse<T>(
    key: &str,
    bytes: &[u8],
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, ToolError> {
    let value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    read(&value).ok_or_else(|| {
        let error = format!("the document '{key}' is not what a processor keeps there");
        crate::toolkit::CodecError::Unreadable(error).into()
    })
}

pub(super) fn position(value: &Value) -> Option<Position> {
    value.as_u64().map(Position::new).filter(|position| *position <= Position::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_come_back_as_they_were_kept() {
        let place = |first: u64, last: u64| (Position::new(first), Position::new(last));
        for done in [vec![], vec![place(7, 7)], vec![place(7, 9), place(12, 40)]] {
            let checkpoint = Checkpoint { at: Position::new(5), done };
            let bytes = checkpoint.to_bytes();
            assert_eq!(parse("k", &bytes, Checkpoint::read).unwrap(), checkpoint);
        }
        let own = OwnCheckpoint { aggregate: "a\"\0ü".to_owned(), at: Position::MAX };
        assert_eq!(parse("k", &own.to_bytes(), OwnCheckpoint::read).unwrap(), own);
    }

    #[test]
    fn what_is_no_checkpoint_is_an_error_that_names_its_key() {
        for bad in ["", "7", "{}", r#"{"at":-1,"done":[]}"#, r#"{"at":1,"done":[[1]]}"#] {
            let error = parse("~processor/x", bad.as_bytes(), Checkpoint::read).unwrap_err();
            assert!(error.to_string().contains("'~processor/x'"), "{error}");
        }
    }
}
