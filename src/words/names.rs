//! Names: of streams, categories, types and tags. UTF-8 without NUL, 1 to 1,024 bytes.

use super::{Invalid, Limit, LimitExceeded, error::Refusal};

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
    if name.is_empty() {
        return Err(Refusal::Invalid(Invalid::EmptyName { what }));
    }
    let given = u64::try_from(name.len()).unwrap_or(u64::MAX);
    LimitExceeded::check(Limit::Name, given)?;
    if name.as_bytes().contains(&0) {
        return Err(Refusal::Invalid(Invalid::NulInName { what }));
    }
    Ok(())
}
