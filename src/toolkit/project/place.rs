//! Where a projection stands, as the store has it.

use crate::toolkit::{CodecError, Port, ToolError};
use crate::{Document, Position, Revision};
use serde_json::{Value, json};

/// Up to where a projection's output reaches, and which output that is: the document
/// `~projection/{name}`. The output of generation 3 has keys that begin with
/// `~projection/{name}/3/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Of the projection that made the output.
    pub(super) version: u32,
    pub(super) generation: u64,
    pub(super) position: Position,
    /// How many events could not be applied, and were passed over.
    pub(super) skipped: u64,
    /// It was written with the events that it says to have seen: it reaches as far as the commit
    /// that it stands in.
    pub(super) inline: bool,
    /// A generation whose documents are not all deleted yet.
    pub(super) old: Option<u64>,
}

/// The key of a projection's place.
pub(super) fn place_key(name: &str) -> String {
    format!("~projection/{name}")
}

/// The key of the place of what is to replace its output.
pub(super) fn next_key(name: &str) -> String {
    format!("~projection/{name}/next")
}

/// What the keys of a generation begin with.
pub(super) fn output_prefix(name: &str, generation: u64) -> String {
    format!("~projection/{name}/{generation}/")
}

impl Place {
    /// Before everything.
    pub(super) fn begin(version: u32, generation: u64) -> Self {
        let (position, skipped, old) = (Position::START, 0, None);
        Self { version, generation, position, skipped, inline: false, old }
    }

    /// The place under this key, with the revision that it is at; nothing, at revision 0, if there
    /// is none.
    pub(super) fn load(port: &Port, key: &str) -> Result<(Option<Self>, Revision), ToolError> {
        let Some(found) = port.document(key)? else { return Ok((None, Revision::NONE)) };
        let place = Self::read(&found).ok_or_else(|| {
            CodecError::Unreadable(format!("the document '{key}' is no projection's place"))
        })?;
        Ok((Some(place), found.revision))
    }

    fn read(document: &Document) -> Option<Self> {
        let value: Value = serde_json::from_slice(&document.value).ok()?;
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        let inline = value.get("inline").and_then(Value::as_bool).unwrap_or_default();
        let position = if inline { document.head } else { Position::new(number("position")?) };
        Some(Self {
            version: u32::try_from(number("version")?).ok()?,
            generation: number("generation")?,
            position,
            skipped: number("skipped")?,
            inline,
            old: number("old"),
        })
    }

    /// As the store has it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let value = json!({
            "version": self.version,
            "generation": self.generation,
            "position": self.position.get(),
            "skipped": self.skipped,
            "inline": self.inline,
            "old": self.old,
        });
        value.to_string().into_bytes()
    }
}
