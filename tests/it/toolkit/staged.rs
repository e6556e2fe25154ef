//! Two phases through a port: for tenants, and past interceptors.

use super::bank::port;
use crate::fixture::note;
use annals::toolkit::{Append, Interceptor, Port, ToolError};
use annals::{
    AppendError, Appended, Commit, Invalid, NewEvent, Query, QueryItem, Rewrite, Store, Uuid,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_tenants_staged_commit_is_in_his_names_in_both_phases() {
    let store = port();
    let (acme, bolt) = (store.tenant("acme").unwrap(), store.tenant("bolt").unwrap());
    let id = Uuid::from_u128(7);
    let commit = Commit::new().append("a", 0, [note("x").tag("t").id(id)]).put("k", "v");
    let staged = acme.stage(commit.clone()).unwrap();
    assert_eq!((store.head().unwrap().get(), acme.document("k").unwrap()), (0, None));
    let done = staged.commit().unwrap();
    assert_eq!((&*done.versions[0].0, &*done.revisions[0].0), ("a", "k"));
    assert!(acme.stage(commit.clone()).unwrap().commit().unwrap().replayed);
    assert!(!bolt.stage(commit).unwrap().commit().unwrap().replayed);
    assert_eq!(store.streams().unwrap(), ["acme/a", "bolt/a"]);

    // What can't be is told when it is staged, what does not hold when it is committed.
    let twice = Commit::new().append("a", 0, [note("x")]).append("a", 1, [note("y")]);
    let ToolError::Append(AppendError::Invalid(Invalid::StreamTwice { stream })) =
        acme.stage(twice).unwrap_err()
    else {
        panic!()
    };
    assert_eq!(stream, "a");
    let tagged = Query::from(QueryItem::new().tag("t"));
    let late = Commit::new().append("b", 0, [note("x")]).fail_if_exists(tagged);
    let late = acme.stage(late).unwrap().commit().unwrap_err();
    assert_eq!(late.append_error().unwrap().condition_failed().unwrap().id, id);
}

/// Counts commits, and adds a tag to each event if it is told to.
struct Marks {
    seen: Arc<AtomicU32>,
    tag: Option<&'static str>,
}

impl Interceptor for Marks {
    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        struct Tag(&'static str);
        impl Rewrite for Tag {
            fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
                event.tag(self.0)
            }
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        match self.tag {
            None => next(commit),
            Some(tag) => next(commit.rewrite(&mut Tag(tag))),
        }
    }
}

#[test]
fn interceptors_stand_around_the_landing_and_what_they_change_lands() {
    let store = Store::in_memory().unwrap();
    let seen = Arc::new(AtomicU32::new(0));
    for (tag, tags) in [(None, vec![]), (Some("marked"), vec!["marked"])] {
        seen.store(0, Ordering::Relaxed);
        let port = Port::new(&store).intercept(Marks { seen: seen.clone(), tag });
        let staged = port.stage(Commit::new().event("a", note("x"))).unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), 0, "nothing lands yet");
        let done = staged.commit().unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), 1);
        assert_eq!(port.event(done.last).unwrap().unwrap().tags, tags);
    }
    let refuses = Port::new(&store).intercept(Refuses);
    let staged = refuses.stage(Commit::new().event("a", note("x"))).unwrap();
    assert!(matches!(staged.commit(), Err(ToolError::Stopped)));
    refuses.stage(Commit::new().event("a", note("x"))).unwrap().roll_back();
    assert_eq!(store.head().unwrap().get(), 2);
}

struct Refuses;

impl Interceptor for Refuses {
    fn append(&self, _: Commit, _: &mut Append<'_>) -> Result<Appended, ToolError> {
        Err(ToolError::Stopped)
    }
}
