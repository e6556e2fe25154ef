//! Which documents, types or tags to read, by their keys or names.

use std::ops::Bound;

/// Which documents to read, or which types or tags to count: keys or names, in the order of their
/// bytes.
///
/// ```
/// use annals::{Commit, Keys, Store};
/// let store = Store::in_memory()?;
/// let commit = ["a/1", "a/2", "a/3", "b/1"].iter().fold(Commit::new(), |commit, key| {
///     commit.put(*key, "")
/// });
/// store.commit(commit)?;
/// let keys = |keys: Keys| -> Result<Vec<String>, annals::Error> {
///     store.documents(keys)?.map(|found| found.map(|document| document.key)).collect()
/// };
/// assert_eq!(keys(Keys::prefix("a/").backward().limit(2))?, ["a/3", "a/2"]);
/// assert_eq!(keys(Keys::all().after("a/2"))?, ["a/3", "b/1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    prefix: String,
    after: Option<String>,
    before: Option<String>,
    pub(super) backward: bool,
    pub(super) limit: u64,
}

/// Keys between two bounds.
pub(super) type Bounds = (Bound<String>, Bound<String>);

impl Keys {
    /// All keys.
    pub fn all() -> Self {
        Self::prefix("")
    }

    /// Keys that begin so.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        let (after, before) = (None, None);
        Self { prefix: prefix.into(), after, before, backward: false, limit: u64::MAX }
    }

    /// Behind this key, in the order of bytes.
    #[must_use]
    pub fn after(mut self, key: impl Into<String>) -> Self {
        self.after = Some(key.into());
        self
    }

    /// Before this key, in the order of bytes.
    #[must_use]
    pub fn before(mut self, key: impl Into<String>) -> Self {
        self.before = Some(key.into());
        self
    }

    /// The last one first.
    #[must_use]
    pub fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    /// At most so many; 0 means none.
    #[must_use]
    pub fn limit(mut self, most: u64) -> Self {
        self.limit = self.limit.min(most);
        self
    }

    /// The same keys with this before each of them: no key is empty, so this by itself is none.
    ///
    /// ```
    /// use annals::Keys;
    /// let keys = Keys::prefix("state/").after("state/3").limit(2).behind("acme/");
    /// assert_eq!(keys, Keys::prefix("acme/state/").after("acme/state/3").limit(2));
    /// assert_eq!(Keys::all().behind("acme/"), Keys::prefix("acme/").after("acme/"));
    /// ```
    #[must_use]
    pub fn behind(mut self, beginning: &str) -> Self {
        let longer = |key: String| format!("{beginning}{key}");
        self.after = Some(self.after.map_or_else(|| beginning.to_owned(), longer));
        self.before = self.before.map(longer);
        self.prefix.insert_str(0, beginning);
        self
    }

    /// Between which keys these lie; nothing if there can be none.
    pub(super) fn bounds(&self) -> Option<Bounds> {
        let first = match &self.after {
            Some(after) if *after >= self.prefix => Bound::Excluded(after.clone()),
            _ => Bound::Included(self.prefix.clone()),
        };
        let behind = behind_all(&self.prefix);
        let last = match (&self.before, behind) {
            (Some(before), Some(behind)) => Bound::Excluded(before.clone().min(behind)),
            (Some(before), None) => Bound::Excluded(before.clone()),
            (None, Some(behind)) => Bound::Excluded(behind),
            (None, None) => Bound::Unbounded,
        };
        let there = match (&first, &last) {
            (Bound::Included(first) | Bound::Excluded(first), Bound::Excluded(last)) => {
                first < last
            }
            _ => true,
        };
        there.then_some((first, last))
    }
}

/// The least text that stands behind all that begin so: bytes of UTF-8 have the order of the
/// characters. Nothing if there is none.
fn behind_all(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = ((u32::from(last) + 1)..=u32::from(char::MAX)).find_map(char::from_u32)
        {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_prefix_stands_behind_all_that_begin_so() {
        for (prefix, behind) in [
            ("a", Some("b")),
            ("a/", Some("a0")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
            ("ü", Some("ý")),
        ] {
            assert_eq!(behind_all(prefix).as_deref(), behind, "{prefix}");
        }
    }
}
