//! What stands at a byte of a file, taken apart as FORMAT.md has it.

use super::LogOffset;

/// The structures that a byte of a file is in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Dissection {
    /// The byte.
    pub file_offset: u64,
    /// From the outside in: each lies within the one before, and has the byte.
    pub structures: Vec<Structure>,
}

/// A structure of the file, as FORMAT.md describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Structure {
    /// Its name in FORMAT.md: that of its table, or of its place in a grammar.
    pub name: &'static str,
    /// Its first byte in the file.
    pub file_offset: u64,
    /// Its bytes, at least 1.
    pub length: u64,
    /// The log offset of its first byte, if it stands in the log.
    pub log_offset: Option<LogOffset>,
    /// Its check, if it has one.
    pub check: Option<StructureCheck>,
    /// Its fields, in their order. Of one that holds others, these are the fields that are its own.
    pub fields: Vec<Field>,
    /// What of it can't be, but for the check.
    pub wrong: Vec<String>,
    /// What else is known of it.
    pub notes: Vec<String>,
}

/// The check of a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StructureCheck {
    /// What stands in the file.
    pub stored: u64,
    /// What it should be.
    pub computed: u64,
}

/// A field of a structure.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Field {
    /// Its name in FORMAT.md.
    pub name: String,
    /// How many bytes of its structure stand before it.
    pub offset: u64,
    /// Its bytes; 0 for a part that is there and empty.
    pub size: u64,
    /// The first [`Field::MOST`] of its bytes.
    pub bytes: Vec<u8>,
    /// What it says, in words. Control characters are escaped.
    pub value: String,
}

impl StructureCheck {
    /// Whether it passes.
    pub fn passes(&self) -> bool {
        self.stored == self.computed
    }
}

impl Structure {
    /// Whether its check passes, if it has one, and nothing of it can't be.
    pub fn is_whole(&self) -> bool {
        self.wrong.is_empty() && self.check.is_none_or(|check| check.passes())
    }

    /// The byte after its last.
    pub fn end(&self) -> u64 {
        self.file_offset.saturating_add(self.length)
    }

    /// The field with this name, if it has one.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// Bytes of a field that are shown.
    pub const MOST: usize = 256;
}
