//! Names: of streams, categories, types and tags, and keys of documents. UTF-8 without NUL, 1 to
//! 1,024 bytes.

use super::{Invalid, Limit, LimitExceeded, Refusal};

/// The category of a stream: its name up to the first `-`, or all of it.
///
/// ```
/// use annals::category_of;
/// assert_eq!(category_of("order-7-b"), "order");
/// assert_eq!(category_of("settings"), "settings");
/// ```
pub fn category_of(stream: &str) -> &str {
    stream.split_once('-').map_or(stream, |(category, _)| category)
}

/// Whether `name` may be a stream's name, a type or a tag; `what` says which, for the error.
pub fn check_name(what: &'static str, name: &str) -> Result<(), Refusal> {
    check_text(what, Limit::Name, name)
}

/// Whether `key` may be a document's key: it is as a name is.
pub fn check_key(key: &str) -> Result<(), Refusal> {
    check_text("document key", Limit::Key, key)
}

/// Whether there is a byte 0 in it. It does not stop at the first: names are short, and so several
/// bytes are looked at in one step.
pub(crate) fn has_nul(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == 0))
}

fn check_text(what: &'static str, limit: Limit, text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::Invalid(Invalid::EmptyName { what }));
    }
    LimitExceeded::check_len(limit, text.len())?;
    if has_nul(text) {
        return Err(Refusal::Invalid(Invalid::NulInName { what }));
    }
    Ok(())
}
