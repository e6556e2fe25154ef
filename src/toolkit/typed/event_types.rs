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
/// A variant that is left out does not compile.
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
#[macro_export]
macro_rules! event_types {
    ($events:ident { $($variant:ident => $name:literal version $version:literal),+ $(,)? }) => {
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
