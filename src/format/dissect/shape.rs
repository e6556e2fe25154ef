//! A structure of a table.

use super::say::{bytes_in_words, said};
use crate::format::bytes::u64_of;
use crate::words::{Field, LogOffset, Structure};

/// Where a structure stands.
#[derive(Clone, Copy)]
pub struct Spot {
    /// Its first byte in the file.
    pub file_offset: u64,
    /// The same in the log.
    pub log_offset: Option<LogOffset>,
}

/// A structure by its name, with the fields that its table has.
pub type Shape = (&'static str, &'static [(&'static str, usize, usize)]);

impl Spot {
    /// A place that is not in the log.
    pub fn in_file(file_offset: u64) -> Self {
        Self { file_offset, log_offset: None }
    }

    /// So many bytes behind this one.
    #[must_use]
    pub fn plus(self, bytes: usize) -> Self {
        let bytes = u64_of(bytes);
        Self {
            file_offset: self.file_offset.saturating_add(bytes),
            log_offset: self.log_offset.map(|at| at.plus(bytes)),
        }
    }
}

/// A structure without fields.
pub fn piece(name: &'static str, spot: Spot, length: u64) -> Structure {
    let Spot { file_offset, log_offset } = spot;
    let (check, fields, wrong, notes) = Default::default();
    Structure { name, file_offset, length, log_offset, check, fields, wrong, notes }
}

/// A structure that begins with `bytes` and has the fields of its table, as far as there are bytes
/// for them.
pub(super) fn structure((name, table): Shape, bytes: &[u8], spot: Spot) -> Structure {
    let fields = table.iter().filter_map(|(field, offset, size)| {
        let of_field = bytes.get(*offset..)?.get(..*size)?;
        let field = field.to_lowercase();
        let value = said(name, &field, of_field);
        Some(as_field(field, *offset, of_field, value))
    });
    let length = table.last().map_or(0, |(_, offset, size)| offset + size);
    let mut found = Structure { fields: fields.collect(), ..piece(name, spot, u64_of(length)) };
    found.demand(bytes.len() >= length, "the file ends before it does");
    found
}

impl Structure {
    /// Adds a field behind those that it has, at this byte of the structure.
    pub(super) fn add(&mut self, name: &str, at: usize, bytes: &[u8], value: Option<String>) {
        let value = value.unwrap_or_else(|| bytes_in_words(bytes));
        self.fields.push(as_field(name.to_owned(), at, bytes, value));
    }

    /// Has a field say something else.
    pub(super) fn say(&mut self, name: &str, value: String) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.value = value;
        }
    }

    /// Says what can't be, unless it is so.
    pub(super) fn demand(&mut self, holds: bool, wrong: &str) {
        if !holds {
            self.wrong.push(wrong.to_owned());
        }
    }
}

fn as_field(name: String, offset: usize, bytes: &[u8], value: String) -> Field {
    let shown = bytes.get(..Field::MOST).unwrap_or(bytes);
    Field { name, offset: u64_of(offset), size: u64_of(bytes.len()), bytes: shown.to_vec(), value }
}
