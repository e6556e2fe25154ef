//! Under which keys a processor's documents stand.

use crate::Uuid;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// The longest name, in bytes, that stands in a key as it is. The tenant's name, the processor's
/// and what it is of go before it, and a key has 1,024 bytes at the most.
const LONGEST: usize = 700;

/// The keys of one processor: `~processor/{name}` is how far all is done; below it, for each of
/// what it is said of, stands what is said.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    name: String,
    store: (u64, u64),
}

/// What is said of an aggregate, or of an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    /// The checkpoint of an aggregate that has one of its own.
    At,
    /// Why an aggregate is parked.
    Parked,
    /// That an event with this id was handled.
    Seen,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Parked => "parked",
            Self::Seen => "seen",
        }
    }
}

impl Keys {
    pub(super) fn new(name: &str, store: Uuid) -> Self {
        Self { name: name.to_owned(), store: store.as_u64_pair() }
    }

    /// The key of the checkpoint of all.
    pub(super) fn checkpoint(&self) -> String {
        format!("~processor/{}", self.name)
    }

    /// What all keys begin with under which this is said.
    pub(super) fn all(&self, of: Of) -> String {
        format!("~processor/{}/{}", self.name, of.name())
    }

    /// The key under which this is said of what is called so. A name that is too long for a key, or
    /// has a NUL, stands there as a number: what is said repeats it.
    pub(super) fn key(&self, of: Of, name: &str) -> String {
        if name.len() <= LONGEST && !name.contains('\0') {
            return format!("~processor/{}/{}/{name}", self.name, of.name());
        }
        let mut hasher = SipHasher13::new_with_keys(self.store.0, self.store.1);
        hasher.write(name.as_bytes());
        let number = hasher.finish128().as_u128();
        format!("~processor/{}/{}#/{number:032x}", self.name, of.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_key_of_its_own_that_is_short_enough() {
        let keys = Keys::new("mail", Uuid::from_u128(7));
        assert_eq!(keys.checkpoint(), "~processor/mail");
        assert_eq!(keys.key(Of::At, "order-1"), "~processor/mail/at/order-1");
        let long = "a".repeat(1_024);
        let names = ["", "a", "a\0", "a\0\0", &long, &long[1..], &long[..LONGEST]];
        let mut found: Vec<_> = names.iter().map(|name| keys.key(Of::Parked, name)).collect();
        for key in &found {
            assert!(key.len() < 800 && !key.contains('\0'));
            assert!(key.starts_with(&keys.all(Of::Parked)));
        }
        // Nobody can be called as a number is written.
        found.push(keys.key(Of::Parked, &found[2]));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), names.len() + 1);
    }
}
