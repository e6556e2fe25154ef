//! A document as it stands in the store: state beside the events.

use super::{Position, Revision, Timestamp};

/// A document as it stands in the store, lent by whoever read it. Its value is whatever bytes were
/// put: nothing in them is interpreted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DocumentRef<'a> {
    /// By which it is known.
    pub key: &'a str,
    /// How many changes of its key there were, this one included.
    pub revision: Revision,
    /// The last position of the store as of its commit, events of the same commit included.
    pub head: Position,
    /// When the store took it in.
    pub recorded: Timestamp,
    /// Its value.
    pub value: &'a [u8],
}

impl DocumentRef<'_> {
    /// A copy that borrows nothing.
    pub fn to_document(&self) -> Document {
        Document {
            key: self.key.to_owned(),
            revision: self.revision,
            head: self.head,
            recorded: self.recorded,
            value: self.value.to_vec(),
        }
    }
}

/// A document as it stands in the store, with nothing borrowed.
///
/// ```
/// use annals::{Commit, NewEvent, Store};
/// let store = Store::in_memory()?;
/// // A state and the event that made it: both or none.
/// store.commit(
///     Commit::new()
///         .append("cart-7", 0, [NewEvent::new("ItemAdded", r#"{"sku": 3}"#)])
///         .put_over("cart-7/state", 0, r#"{"items": [3]}"#),
/// )?;
/// let state = store.document("cart-7/state")?.unwrap();
/// assert_eq!((state.revision.get(), state.head.get()), (1, 1));
/// // Whoever has not seen this revision does not overwrite it.
/// assert!(store.commit(Commit::new().put_over("cart-7/state", 0, "")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Document {
    /// See [`DocumentRef::key`].
    pub key: String,
    /// See [`DocumentRef::revision`].
    pub revision: Revision,
    /// See [`DocumentRef::head`].
    pub head: Position,
    /// See [`DocumentRef::recorded`].
    pub recorded: Timestamp,
    /// See [`DocumentRef::value`].
    pub value: Vec<u8>,
}
