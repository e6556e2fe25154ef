//! Whatever becomes of snapshots, a load gives what all events make.

use crate::toolkit::bank::{Account, Moved, bank, codec, large};
use annals::toolkit::{
    Boundary, Evolve, Port, Repository, SnapshotPolicy, SnapshotWrite, Snapshots,
};
use annals::{Commit, ExpectedVersion, Keys, Options};
use proptest::prelude::*;

/// What is done to a store between loads.
#[derive(Clone, Debug)]
enum Step {
    /// This many events of an account, of which some are large.
    Save {
        id: u8,
        events: u8,
    },
    /// Loads with these snapshots.
    Load {
        which: u8,
        every: u64,
        keep: usize,
        schema: u32,
    },
    /// As it was at a version.
    Past {
        which: u8,
        version: u64,
        schema: u32,
    },
    Prune {
        which: u8,
        keep: usize,
    },
    Rebuild {
        which: u8,
        every: u64,
        schema: u32,
    },
    /// Writes something else under the key of a snapshot.
    Corrupt {
        which: u8,
        nth: usize,
        how: Corruption,
    },
    Reopen,
}

#[derive(Clone, Debug)]
enum Corruption {
    Cut(usize),
    Flip(usize),
    Delete,
    /// That of another state, or an older one of this.
    Another(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..4_u8;
    let schema = 1..3_u32;
    let how = prop_oneof![
        (0..200_usize).prop_map(Corruption::Cut),
        (0..200_usize).prop_map(Corruption::Flip),
        Just(Corruption::Delete),
        (0..9_usize).prop_map(Corruption::Another),
    ];
    prop_oneof![
        5 => (0..3_u8, 1..9_u8).prop_map(|(id, events)| Step::Save { id, events }),
        6 => (which.clone(), 1..12_u64, 1..4_usize, schema.clone())
            .prop_map(|(which, every, keep, schema)| Step::Load { which, every, keep, schema }),
        3 => (which.clone(), 0..40_u64, schema.clone())
            .prop_map(|(which, version, schema)| Step::Past { which, version, schema }),
        1 => (which.clone(), 0..3_usize).prop_map(|(which, keep)| Step::Prune { which, keep }),
        1 => (which.clone(), 0..9_u64, schema)
            .prop_map(|(which, every, schema)| Step::Rebuild { which, every, schema }),
        3 => (which, 0..4_usize, how)
            .prop_map(|(which, nth, how)| Step::Corrupt { which, nth, how }),
        1 => Just(Step::Reopen),
    ]
}

/// Bytes of a state are not checked by a snapshot itself: a flipped digit is another digit. The
/// store's checks are for that. Here flips stay in the header, or break the JSON.
fn corrupt(value: &[u8], how: &Corruption, others: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = value.to_vec();
    match how {
        Corruption::Cut(length) => bytes.truncate(*length % value.len().max(1)),
        Corruption::Flip(at) => {
            let at = at % bytes.len().max(1);
            *bytes.get_mut(at)? = b'\x01';
        }
        Corruption::Another(nth) => bytes.clone_from(others.get(nth % others.len().max(1))?),
        Corruption::Delete => return None,
    }
    Some(bytes)
}

/// Makes another state in each schema, so that one of the other is not taken for it unseen.
struct Scaled {
    by: u64,
}

impl Evolve for Scaled {
    type State = Account;
    type Event = Moved;

    fn initial(&self) -> Account {
        Account::default()
    }

    fn evolve(&self, account: &mut Account, event: &Moved) {
        if let Moved::Deposited { cents } = event {
            account.cents += cents * self.by;
        }
        account.movements += 1;
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_load_gives_what_a_plain_replay_gives_whatever_becomes_of_snapshots(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let memory = std::sync::Arc::new(annals::storage::MemoryStorage::new());
        let open = || Options::new().without_keeper().open_storage(memory.clone()).unwrap();
        let mut store = open();
        let boundary = |which: u8| match which {
            3 => large(),
            id => Boundary::stream(format!("account-{id}")),
        };
        for step in steps {
            let port = Port::new(&store);
            let bare = bank(&port);
            let with = |schema, every, keep| {
                let snapshots = Snapshots::new("account", schema).unwrap();
                let policy = SnapshotPolicy::Every(every);
                let scaled = Scaled { by: schema.into() };
                let scaled = Repository::new(&port, "account", scaled, codec()).unwrap();
                scaled.snapshots(snapshots.policy(policy).keep(keep))
            };
            let plain = |which: &Boundary, schema: u32, version: u64| {
                let scaled = Scaled { by: schema.into() };
                let scaled = Repository::new(&port, "account", scaled, codec()).unwrap();
                scaled.at_version(which, version).unwrap()
            };
            match step {
                Step::Save { id, events } => {
                    let events: Vec<_> = (0..u64::from(events))
                        .map(|nth| Moved::Deposited { cents: 60 + nth * 10 })
                        .collect();
                    bare.save(&id.to_string(), ExpectedVersion::Any, &events).unwrap();
                }
                Step::Load { which, every, keep, schema } => {
                    let boundary = boundary(which);
                    let plain = plain(&boundary, schema, u64::MAX);
                    let loaded = with(schema, every, keep).load(&boundary).unwrap();
                    prop_assert_eq!(&loaded.state, &plain.state);
                    prop_assert_eq!(loaded.as_of.version, plain.as_of.version);
                    prop_assert_eq!(loaded.as_of.position, plain.as_of.position);
                    let is_due = loaded.sourced >= every;
                    prop_assert_eq!(is_due, matches!(loaded.written, SnapshotWrite::Written));
                    if is_due {
                        let kept = with(schema, 1, 1).list_snapshots(&boundary).unwrap();
                        prop_assert!(kept.len() <= keep, "{kept:?}");
                    }
                }
                Step::Past { which, version, schema } => {
                    let boundary = boundary(which);
                    let plain = plain(&boundary, schema, version);
                    let loaded = with(schema, 1, 1).at_version(&boundary, version).unwrap();
                    prop_assert_eq!(loaded.state, plain.state);
                    prop_assert_eq!(loaded.as_of.version, plain.as_of.version);
                }
                Step::Prune { which, keep } => {
                    let boundary = boundary(which);
                    with(1, 1, 1).prune_snapshots(&boundary, keep).unwrap();
                    prop_assert!(with(1, 1, 1).list_snapshots(&boundary).unwrap().len() <= keep);
                }
                Step::Rebuild { which, every, schema } => {
                    with(schema, 1, 2).rebuild(&boundary(which), every).unwrap();
                }
                Step::Corrupt { which, nth, how } => {
                    let prefix = format!("~snapshot/account/{}", boundary(which).name());
                    let all: Vec<_> = port.documents(Keys::prefix("~")).unwrap()
                        .map(Result::unwrap).collect();
                    let own: Vec<_> = all.iter()
                        .filter(|document| document.key.starts_with(&prefix)).collect();
                    if own.is_empty() {
                        continue;
                    }
                    let victim = own[nth % own.len()];
                    let others: Vec<_> = all.iter().map(|other| other.value.clone()).collect();
                    let commit = match corrupt(&victim.value, &how, &others) {
                        Some(bytes) => Commit::new().put(&*victim.key, bytes),
                        None => Commit::new().delete(&*victim.key),
                    };
                    port.commit(commit).unwrap();
                }
                Step::Reopen => {
                    store.close().unwrap();
                    store = open();
                }
            }
        }
    }
}
