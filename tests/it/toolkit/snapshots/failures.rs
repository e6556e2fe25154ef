//! Snapshots that can not be written, or be read.

use super::{every, save};
use crate::fixture::Place;
use crate::toolkit::bank::{Moved, bank, codec, port};
use annals::toolkit::{
    Evolve, Repository, SnapshotPolicy, SnapshotUse, SnapshotWrite, Snapshots, Stale, ToolError,
};
use annals::{AppendError, ErrorKind, Store};
use std::collections::HashMap;

#[test]
fn a_snapshot_that_can_not_be_written_is_told_and_the_state_is_there() {
    // The store is open only to be read.
    let place = Place::new();
    let store = Store::open(place.path()).unwrap();
    save(&bank(&store), "1", 3);
    store.close().unwrap();
    let store = Store::open_read_only(place.path()).unwrap();
    let loaded = bank(&store).snapshots(every(1)).load("1").unwrap();
    assert_eq!(loaded.state.movements, 3);
    let SnapshotWrite::Failed(error) = loaded.written else { panic!("{loaded:?}") };
    assert_eq!(error.append_error().unwrap().kind(), Some(ErrorKind::ReadOnly));
    let failed = bank(&store).snapshots(every(1)).rebuild("1", 0).unwrap_err();
    assert!(matches!(failed, ToolError::Append(_)), "a rebuild is to write: {failed:?}");
    let failed = bank(&store).snapshots(every(1)).create_snapshot("1").unwrap_err();
    assert!(matches!(failed, ToolError::Append(_)), "so is this: {failed:?}");

    // Its key would be longer than keys can be.
    let port = port();
    let id = "x".repeat(1_000);
    let long = bank(&port).snapshots(every(1));
    save(&long, &id, 3);
    let loaded = long.load(&id).unwrap();
    let SnapshotWrite::Failed(ToolError::Append(AppendError::Limit(_))) = loaded.written else {
        panic!("{loaded:?}")
    };
    assert_eq!(loaded.state.movements, 3);

    // The state has no form in JSON: keys of a map that are no text.
    struct Odd;
    impl Evolve for Odd {
        type State = HashMap<(u8, u8), u8>;
        type Event = Moved;
        fn initial(&self) -> Self::State {
            HashMap::new()
        }
        fn evolve(&self, state: &mut Self::State, _: &Moved) {
            state.insert((1, 2), 3);
        }
    }
    let odd = Repository::new(&port, "account", Odd, codec()).unwrap();
    let odd = odd.snapshots(Snapshots::new("odd", 1).unwrap().policy(SnapshotPolicy::Every(1)));
    let loaded = odd.load(&id).unwrap();
    assert!(matches!(loaded.written, SnapshotWrite::Failed(ToolError::Codec(_))));
    assert_eq!(loaded.state.len(), 1);
}

/// What serde is told to do with a state is the user's own code.
#[test]
fn a_state_that_panics_when_it_is_written_or_read_is_told_and_loaded() {
    #[derive(Debug, Default)]
    struct Moody(u64);
    impl serde::Serialize for Moody {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert!(self.0 > 3, "not yet");
            serializer.serialize_u64(self.0)
        }
    }
    impl<'de> serde::Deserialize<'de> for Moody {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("never")
        }
    }
    impl Evolve for Moody {
        type State = Moody;
        type Event = Moved;
        fn initial(&self) -> Moody {
            Moody::default()
        }
        fn evolve(&self, state: &mut Moody, _: &Moved) {
            state.0 += 1;
        }
    }
    let port = port();
    let moody = Repository::new(&port, "account", Moody::default(), codec()).unwrap();
    let policy = SnapshotPolicy::Every(1);
    let moody = moody.snapshots(Snapshots::new("moody", 1).unwrap().policy(policy));
    save(&bank(&port), "1", 3);
    let loaded = moody.load("1").unwrap();
    let SnapshotWrite::Failed(ToolError::Panicked { who, message }) = loaded.written else {
        panic!("{loaded:?}")
    };
    assert_eq!((&*who, &*message), ("writing a state of the kind 'moody'", "not yet"));
    save(&bank(&port), "1", 1);
    assert!(matches!(moody.load("1").unwrap().written, SnapshotWrite::Written));
    let loaded = moody.load("1").unwrap();
    let SnapshotUse::Stale(Stale::Unreadable(why)) = loaded.snapshot else { panic!("{loaded:?}") };
    assert!(why.contains("panicked: never"), "{why}");
    assert_eq!(loaded.state.0, 4);
}
