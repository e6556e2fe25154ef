//! The line that says what a snapshot is; policies within policies.

use super::SnapshotPolicy::{All, Any, Every, Never, OlderThan, SlowerThan};
use super::header::{Header, Label};
use super::{AsOf, SnapshotPolicy, Stale};
use crate::{Position, Timestamp, Version};
use proptest::prelude::*;
use std::time::Duration;

fn as_of() -> impl Strategy<Value = AsOf> {
    any::<(u64, u64, i64, bool)>().prop_map(|(version, position, recorded, by_query)| AsOf {
        version: Version::new(version),
        position: Position::new(position),
        recorded: Timestamp::from_micros(recorded),
        by_query,
    })
}

fn policy() -> impl Strategy<Value = SnapshotPolicy> {
    let one = prop_oneof![
        Just(Never),
        (0..20_u64).prop_map(Every),
        (0..20_u64).prop_map(|millis| SlowerThan(Duration::from_millis(millis))),
        (0..20_u64).prop_map(|millis| OlderThan(Duration::from_millis(millis))),
    ];
    one.prop_recursive(3, 20, 4, |inner| {
        let some = prop::collection::vec(inner, 0..4);
        prop_oneof![some.clone().prop_map(Any), some.prop_map(All)]
    })
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written(
        (kind, key, schema, as_of) in (".*", ".*", any::<u32>(), as_of()),
        state in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let label = Label { kind: &kind, key: &key, schema, encoding: "json" };
        let mut bytes = label.line(&as_of);
        bytes.extend(&state);
        let (header, rest) = Header::read(&bytes).unwrap();
        prop_assert_eq!((header.as_of, rest), (as_of, &*state));
        prop_assert_eq!(label.stale(header), None);

        let other = Label { schema: schema.wrapping_add(1), ..label };
        let (header, _) = Header::read(&bytes).unwrap();
        prop_assert_eq!(other.stale(header), Some(Stale::Schema { found: schema }));
        // Shorter, it is none before its line has ended.
        for length in 0..bytes.len() - state.len() {
            prop_assert!(Header::read(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn any_bytes_are_a_header_or_unreadable(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(stale) = Header::read(&bytes) {
            prop_assert!(matches!(stale, Stale::Unreadable(_)));
        }
    }

    /// What is due stays due with more events, with more time, and with an older snapshot or none.
    #[test]
    fn more_events_and_more_time_never_make_one_less_due(
        (policy, events, millis, age) in (policy(), 0..25_u64, 0..25_u64, 0..25_u64),
    ) {
        let (took, age) = (Duration::from_millis(millis), Duration::from_millis(age));
        let one = Duration::from_millis(1);
        let is_due = policy.is_due(events, took, Some(age));
        if is_due {
            prop_assert!(events > 0);
            prop_assert!(policy.is_due(events + 1, took, Some(age)));
            prop_assert!(policy.is_due(events, took + one, Some(age)));
            prop_assert!(policy.is_due(events, took, Some(age + one)));
            prop_assert!(policy.is_due(events, took, None));
        }
        prop_assert_eq!(Any(vec![policy.clone()]).is_due(events, took, Some(age)), is_due);
        prop_assert_eq!(All(vec![policy]).is_due(events, took, Some(age)), is_due);
        prop_assert!(!Any(vec![]).is_due(events, took, None));
        prop_assert_eq!(All(vec![]).is_due(events, took, None), events > 0);
    }
}
