//! Driven by hand: what happens between two steps is what the test says.

use super::*;
use crate::toolkit::process::Effects;
use crate::toolkit::{Port, Retry};
use crate::{ExpectedVersion, NewEvent, Options, Query, Read};
use std::time::Duration;

/// A store, and the lanes of a processor over it.
struct World {
    port: Port,
    lanes: Lanes,
    now: Timestamp,
}

const WORKS: Drive = Drive::Handles { commit: false };

impl World {
    fn new(window: usize) -> Self {
        let port = Port::new(&Options::new().without_keeper().in_memory().unwrap());
        let now = Timestamp::from_micros(0);
        let lanes = Self::lanes(&port, window);
        Self { port, lanes, now }
    }

    fn lanes(port: &Port, window: usize) -> Lanes {
        let mut settings = Settings::new("test".to_owned());
        let rest = Duration::from_secs(10);
        settings.window = window;
        settings.retry = Retry::new(2).backoff(rest, 1, rest);
        settings.query = Some(Query::all());
        let keys = Keys::new("test", port.store_id());
        let kept = Kept::load(port, "test", &keys).unwrap();
        Lanes::new(settings, keys, kept)
    }

    fn append(&self, stream: &str, events: u64) {
        let events = (0..events).map(|_| NewEvent::new("Noted", ""));
        self.port.append(stream, ExpectedVersion::Any, events).unwrap();
    }

    fn step(&mut self) -> Step {
        self.lanes.step(WORKS, self.now)
    }

    /// Steps until there is an event to handle, committing and reading in between.
    fn job(&mut self) -> Option<Job> {
        loop {
            match self.step() {
                Step::Handle(job) => return Some(job),
                Step::Read(source) => self.read(source),
                Step::Commit(plan) => self.land(plan),
                Step::Wait(_) | Step::End => return None,
            }
        }
    }

    fn read(&mut self, source: Source) {
        let fresh = |event| Fresh { event, aggregate: None, id: None };
        match source {
            Source::Log { after, most } => {
                let read = Read::new().after(after).limit(u64::try_from(most).unwrap());
                let events = self.port.read_all(read).unwrap();
                let (events, read) = events.events_and_marker().unwrap();
                let more = !events.is_empty();
                self.lanes.take_in(events.into_iter().map(fresh).collect(), read);
                self.lanes.goes_on(more, None);
            }
            Source::Lane { nth, name, after, to, most } => {
                let query = Query::all().in_stream(&name).unwrap();
                let read = Read::new().after(after).to(to).limit(u64::try_from(most).unwrap());
                let events = self.port.query(&query, read).unwrap();
                let (events, read) = events.events_and_marker().unwrap();
                self.lanes.take_in_lane(nth, events.into_iter().map(fresh).collect(), read);
            }
        }
    }

    fn land(&mut self, plan: Plan) {
        let landed = self.port.commit(&plan.commit).unwrap();
        self.lanes.settle(plan, Verdict::Landed(landed.revisions[0].1), self.now);
    }

    fn done(&mut self, job: &Job, effects: Effects) {
        assert!(self.lanes.finish(job.nth, job.token, Outcome::Done(effects), false, self.now));
    }

    fn failed(&mut self, job: &Job) {
        let outcome = Outcome::Failed("no".to_owned());
        assert!(self.lanes.finish(job.nth, job.token, outcome, false, self.now));
    }

    /// What is committed, as whoever opens it now reads it: the checkpoint, and those of their own.
    fn kept(&self) -> (u64, Vec<(String, u64)>) {
        let keys = Keys::new("test", self.port.store_id());
        let kept = Kept::load(&self.port, "test", &keys).unwrap();
        let own = kept.own.into_iter().map(|own| (own.aggregate, own.at.get()));
        (kept.checkpoint.at.get(), own.collect())
    }
}

fn name(job: &Job) -> (&str, u64) {
    (&job.aggregate, job.event.version.get())
}

#[test]
fn memory_is_bounded_whatever_waits_and_whoever_holds_what() {
    for window in [1, 5, 64] {
        let mut world = World::new(window);
        world.append("long", 1_000);
        (0..300).for_each(|nth| world.append(&format!("a-{}", nth % 50), 1 + nth % 5));
        let mut held = Vec::new();
        let mut handled = 0;
        while let Some(job) = world.job() {
            assert!(world.lanes.held <= window, "{} in memory", world.lanes.held);
            // The first ten aggregates are never finished.
            if held.len() < 10 {
                held.push(job);
                continue;
            }
            world.done(&job, Effects::default());
            handled += 1;
        }
        assert!(handled > 500, "{handled}");
        // Nor is it known of those that are done what they were called.
        assert!(world.lanes.lanes.iter().count() <= 10 + window);
        assert!(world.lanes.window.reach(world.lanes.read).ahead <= world.lanes.settings.ahead());
        for job in held {
            world.done(&job, Effects::default());
        }
        while let Some(job) = world.job() {
            world.done(&job, Effects::default());
        }
        let head = world.port.head().unwrap();
        assert!(world.lanes.is_done(head));
        assert_eq!((world.lanes.held, world.lanes.bytes, world.lanes.busy), (0, 0, 0));
        let last = world.lanes.plan(true);
        last.into_iter().for_each(|plan| world.land(plan));
        assert_eq!(world.kept(), (head.get(), vec![]));
        assert_eq!(world.lanes.lanes.iter().count(), 0);
    }
}

#[test]
fn a_lane_that_fails_while_its_own_checkpoint_is_taken_back_has_one_again() {
    let mut world = World::new(4_096);
    world.append("a", 1);
    world.append("b", 1);
    let a = world.job().unwrap();
    world.failed(&a);
    let b = world.job().unwrap();
    world.done(&b, Effects::default());
    // The checkpoint has passed the one that has failed, but it has its own.
    let plan = world.plan();
    world.land(plan);
    assert_eq!(world.kept(), (2, vec![("a".to_owned(), 0)]));
    // It is tried again, and has caught up.
    world.now = later(world.now, Duration::from_secs(10));
    let a = world.job().unwrap();
    assert_eq!(name(&a), ("a", 1));
    world.done(&a, Effects::default());
    let plan = world.plan();
    assert_eq!(plan.leaves.len(), 1);
    // Before that has landed, its next event comes and fails.
    world.append("a", 1);
    world.lanes.has_more();
    let next = world.job().unwrap();
    assert_eq!(name(&next), ("a", 2));
    world.failed(&next);
    world.land(plan);
    assert_eq!(world.kept(), (2, vec![]));
    // Whatever passes that event next says where the lane is.
    world.append("b", 1);
    world.lanes.has_more();
    let b = world.job().unwrap();
    assert_eq!(name(&b), ("b", 2));
    world.done(&b, Effects::default());
    let plan = world.plan();
    world.land(plan);
    assert_eq!(world.kept(), (4, vec![("a".to_owned(), 1)]));
}

#[test]
fn an_event_whose_effects_are_not_committed_keeps_its_aggregate_waiting() {
    let mut world = World::new(4_096);
    world.append("a", 2);
    let first = world.job().unwrap();
    let mut effects = Effects::default();
    effects.put("key", "value");
    world.done(&first, effects);
    let plan = world.plan();
    assert!(world.job().is_none());
    world.land(plan);
    assert_eq!(name(&world.job().unwrap()), ("a", 2));
}

#[test]
fn several_effects_that_are_refused_together_are_committed_one_by_one() {
    let mut world = World::new(4_096);
    ["a", "b", "c"].iter().for_each(|stream| world.append(stream, 1));
    for key in ["one", "", "three"] {
        let job = world.job_without_commit();
        let mut effects = Effects::default();
        effects.put(key, "value");
        world.done(&job, effects);
    }
    let plan = world.plan();
    let error = world.port.commit(&plan.commit).unwrap_err();
    world.lanes.settle(plan, Verdict::Refused(error), world.now);
    for is_refused in [false, true, false] {
        let plan = world.plan();
        match world.port.commit(&plan.commit) {
            Ok(_) if is_refused => panic!(),
            Ok(landed) => {
                let revision = landed.revisions[0].1;
                world.lanes.settle(plan, Verdict::Landed(revision), world.now);
            }
            Err(error) if is_refused => {
                world.lanes.settle(plan, Verdict::Refused(error), world.now);
            }
            Err(error) => panic!("{error}"),
        }
    }
    let Counts { handled, failed, .. } = world.lanes.counts();
    assert_eq!((handled, failed), (2, 1));
    // The one that is wrong is tried again.
    world.now = later(world.now, Duration::from_secs(10));
    assert_eq!(name(&world.job().unwrap()), ("b", 1));
}

impl World {
    /// What is to be committed next.
    fn plan(&mut self) -> Plan {
        loop {
            match self.step() {
                Step::Commit(plan) => return plan,
                Step::Read(source) => self.read(source),
                Step::Handle(_) | Step::Wait(_) | Step::End => panic!("nothing is committed"),
            }
        }
    }

    /// The next event, with nothing committed in between.
    fn job_without_commit(&mut self) -> Job {
        loop {
            match self.step() {
                Step::Handle(job) => return job,
                Step::Read(source) => self.read(source),
                Step::Commit(_) | Step::Wait(_) | Step::End => panic!("there is no event"),
            }
        }
    }
}
