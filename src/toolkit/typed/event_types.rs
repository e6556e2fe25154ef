//! An enum of events: its types' names and schema versions.

/// One type of event: a variant of an enum, its name in the store, and the version of its schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventType {
    /// The variant's name in the program.
    pub variant: &'static str,
    /// The name that the store has.
    pub name: &'static str,
    /// The version of the schema that is written.
    pub version: u16,
}

impl EventType {
    /// Whether no two of these have the same name.
    #[doc(hidden)]
    pub const fn are_distinct(types: &[Self]) -> bool {
        let mut left = types;
        while let [first, rest @ ..] = left {
            let mut others = rest;
            while let [other, rest @ ..] = others {
                if is_same(first.name.as_bytes(), other.name.as_bytes()) {
                    return false;
                }
                others = rest;
            }
            left = rest;
        }
        true
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (one, other);
    while let ([first, one_rest @ ..], [second, other_rest @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

/// An enum whose variants are events. [`event_types!`](crate::event_types) implements it.
///
/// Names and versions are said, not derived: a variant can be renamed without a change of what is
/// in the store.
pub trait EventTypes: Sized {
    /// Each variant's.
    const TYPES: &'static [EventType];

    /// That of this event.
    fn event_type(&self) -> &'static EventType;
}

/// Says what the variants of an enum are called in the store, and the version of each one's schema.
/// A variant that is left out does not compile, nor do two that have the same name.
///
/// ```
/// use annals::event_types;
/// use annals::toolkit::EventTypes;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum AccountEvent {
///     Opened { owner: String },
///     Deposited { cents: u64 },
///     Closed,
/// }
///
/// event_types! {
///     AccountEvent {
///         Opened => "AccountOpened" version 1,
///         Deposited => "MoneyDeposited" version 2,
///         Closed => "AccountClosed" version 1,
///     }
/// }
///
/// let event = AccountEvent::Deposited { cents: 500 };
/// assert_eq!((event.event_type().name, event.event_type().version), ("MoneyDeposited", 2));
/// ```
///
/// ```compile_fail,E0080
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # enum Twice { One, Two }
/// annals::event_types! { Twice { One => "Same" version 1, Two => "Same" version 1 } }
/// ```
#[macro_export]
macro_rules! event_types {
    ($events:ident { $($variant:ident => $name:literal version $version:literal),+ $(,)? }) => {
        const _: () = assert!(
            $crate::toolkit::EventType::are_distinct(
                <$events as $crate::toolkit::EventTypes>::TYPES
            ),
            "two variants have the same name in the store"
        );

        impl $crate::toolkit::EventTypes for $events {
            const TYPES: &'static [$crate::toolkit::EventType] = &[
                $($crate::toolkit::EventType {
                    variant: stringify!($variant),
                    name: $name,
                    version: $version,
                }),+
            ];

            fn event_type(&self) -> &'static $crate::toolkit::EventType {
                match self {
                    $(Self::$variant { .. } => {
                        const TYPE: $crate::toolkit::EventType = $crate::toolkit::EventType {
                            variant: stringify!($variant),
                            name: $name,
                            version: $version,
                        };
                        &TYPE
                    }),+
                }
            }
        }
    };
}
