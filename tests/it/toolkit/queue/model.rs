//! Random plans of what consumers, operators and crashes do, against a list of the events of each
//! aggregate: whatever happens, each is handed out in order, none is passed over but by hand, and
//! what comes of it comes once.

use annals::storage::MemoryStorage;
use annals::toolkit::{Delivery, FixedClock, Parked, Port, Queue, Retry, ToolError};
use annals::{ExpectedVersion, NewEvent, Options, Query, QueryItem, Read, Store, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Seconds, by a clock that moves when it is told.
const LEASE: i64 = 30;
const BACKOFF: i64 = 10;
const ATTEMPTS: u32 = 3;
const AGGREGATES: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// So many events of this aggregate; known by which id, if they are known.
    Append(usize, usize, Option<u8>),
    /// An event that is none of the queue's.
    Other,
    Take,
    /// The nth of those that are held is done; with an effect, that may demand something, which may
    /// hold.
    Done(usize, Effect),
    Failed(usize),
    Dropped(usize),
    Passes(i64),
    Resume(usize),
    Skip(usize),
    /// The queue is dropped and opened again.
    Reopen,
    /// All that is not in the store is gone.
    Crash,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    None,
    Plain,
    Demanding,
    Refused,
}

/// How the queue is set.
#[derive(Clone, Copy, Debug)]
struct How {
    window: usize,
    tenant: bool,
    by_key: bool,
    by_id: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let effect = prop_oneof![
        3 => Just(Effect::None),
        3 => Just(Effect::Plain),
        1 => Just(Effect::Demanding),
        1 => Just(Effect::Refused),
    ];
    let id = prop::option::of(0_u8..6);
    prop_oneof![
        6 => (0..AGGREGATES, 1_usize..7, id).prop_map(|(of, n, id)| Step::Append(of, n, id)),
        1 => Just(Step::Other),
        14 => Just(Step::Take),
        10 => (any::<usize>(), effect).prop_map(|(nth, effect)| Step::Done(nth, effect)),
        3 => any::<usize>().prop_map(Step::Failed),
        1 => any::<usize>().prop_map(Step::Dropped),
        3 => (1..LEASE).prop_map(Step::Passes),
        2 => (0..AGGREGATES).prop_map(Step::Resume),
        2 => (0..AGGREGATES).prop_map(Step::Skip),
        2 => Just(Step::Reopen),
        2 => Just(Step::Crash),
    ]
}

fn how() -> impl Strategy<Value = How> {
    let window = prop_oneof![2 => 1_usize..6, 1 => 16_usize..64, 1 => Just(4_096)];
    (window, any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.3))
        .prop_map(|(window, tenant, by_key, by_id)| How { window, tenant, by_key, by_id })
}

/// What is to be of an aggregate.
#[derive(Default)]
struct Model {
    /// Events that are neither done nor passed over: positions and ids.
    left: VecDeque<(u64, Option<u8>)>,
    /// What was done that has an effect, in order.
    effects: Vec<u64>,
    attempts: u32,
    /// It rests until then at the most, and half as long at the least.
    rests: (i64, i64),
    /// The number of the delivery that has an event of it, and until when.
    leased: Option<(u64, i64)>,
    parked: bool,
}

struct World {
    device: Arc<MemoryStorage>,
    clock: FixedClock,
    how: How,
    store: Store,
    port: Port,
    queue: Option<Queue>,
    models: Vec<Model>,
    seen: BTreeSet<u8>,
    held: Vec<Held>,
    deliveries: u64,
    now: i64,
}

/// A delivery that somebody has, whether its lease lasts or not.
struct Held {
    of: usize,
    number: u64,
    delivery: Delivery,
}

fn name(aggregate: usize) -> String {
    format!("agg-{aggregate}")
}

impl World {
    fn new(how: How) -> Self {
        let device = Arc::new(MemoryStorage::new());
        let clock = FixedClock::at(Timestamp::from_micros(0));
        let (store, port) = Self::open(&device, &clock, how);
        let queue = Some(Self::queue(&port, how));
        let models = (0..AGGREGATES).map(|_| Model::default()).collect();
        let (seen, held) = (BTreeSet::new(), Vec::new());
        let (deliveries, now) = (0, 0);
        Self { device, clock, how, store, port, queue, models, seen, held, deliveries, now }
    }

    fn open(device: &Arc<MemoryStorage>, clock: &FixedClock, how: How) -> (Store, Port) {
        let store = Options::new().without_keeper().open_storage(device.clone()).unwrap();
        let port = Port::new(&store).clock(clock.clone());
        let port = if how.tenant { port.tenant("acme").unwrap() } else { port };
        (store, port)
    }

    fn queue(port: &Port, how: How) -> Queue {
        let seconds = |seconds: i64| Duration::from_secs(seconds as u64);
        let retry = Retry::new(ATTEMPTS).backoff(seconds(BACKOFF), 1, seconds(BACKOFF));
        let query = Query::from(QueryItem::new().event_type("Wanted"));
        let options = Queue::options("model", query).retry(retry).lease(seconds(LEASE));
        let mut options = options.window(how.window);
        if how.by_key {
            options = options.aggregate(|event| {
                let payload = String::from_utf8(event.payload.to_vec()).unwrap();
                payload.split(' ').next().unwrap().to_owned()
            });
        }
        if how.by_id {
            options = options.deduplicate(|event| {
                let payload = String::from_utf8(event.payload.to_vec()).unwrap();
                payload.split(' ').nth(1).map(str::to_owned)
            });
        }
        options.open(port).unwrap()
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Append(of, count, id) => self.append(of, count, id),
            Step::Other => self.append_others(),
            Step::Take => drop(self.take()),
            Step::Done(nth, effect) => self.done(nth, effect),
            Step::Failed(nth) => {
                if let Some(held) = self.pick(nth) {
                    let is_own = self.is_own(&held);
                    let told = held.delivery.failed("no");
                    if is_own {
                        told.unwrap();
                        self.attempt_failed(held.of);
                    } else {
                        assert!(matches!(told, Err(ToolError::Expired { .. })), "{told:?}");
                    }
                }
            }
            Step::Dropped(nth) => {
                if let Some(held) = self.pick(nth) {
                    let is_own = self.is_own(&held);
                    drop(held.delivery);
                    if is_own {
                        self.attempt_failed(held.of);
                    }
                }
            }
            Step::Passes(seconds) => self.passes(seconds),
            Step::Resume(of) => self.by_hand(of, false),
            Step::Skip(of) => self.by_hand(of, true),
            Step::Reopen => self.reopen(),
            Step::Crash => self.crash(),
        }
    }

    fn queue_now(&self) -> &Queue {
        self.queue.as_ref().unwrap()
    }

    fn append_others(&self) {
        let note = [NewEvent::new("Other", "")];
        self.port.append(name(0), ExpectedVersion::Any, note).unwrap();
        if self.how.tenant {
            // Another's events are not the tenant's, whatever they are called.
            let other = [NewEvent::new("Wanted", name(0))];
            self.store.append(name(0), ExpectedVersion::Any, other).unwrap();
        }
    }

    fn append(&mut self, of: usize, count: usize, id: Option<u8>) {
        let id = id.filter(|_| self.how.by_id);
        // By key, the events of one aggregate lie in two streams.
        let half = if self.how.by_key { count / 2 } else { 0 };
        for nth in 0..count {
            let stream = if nth < half { format!("half-{of}") } else { name(of) };
            let text = id.map_or(name(of), |id| format!("{} {id}", name(of)));
            let event = [NewEvent::new("Wanted", text)];
            let done = self.port.append(stream, ExpectedVersion::Any, event).unwrap();
            self.models[of].left.push_back((done.last.get(), id));
        }
    }

    /// The next event of an aggregate, if it can be handed out now, or, if it `may` rest still,
    /// could be.
    fn available(&mut self, of: usize, may: bool) -> Option<u64> {
        let in_hand: BTreeSet<u8> = (0..AGGREGATES)
            .filter(|of| self.is_leased(*of))
            .filter_map(|of| self.models[of].left.front()?.1)
            .collect();
        let is_leased = self.is_leased(of);
        let (now, model) = (self.now, &mut self.models[of]);
        let rests = if may { model.rests.0 } else { model.rests.1 };
        if model.parked || rests > now || is_leased {
            return None;
        }
        while let Some((position, id)) = model.left.front().copied() {
            match id {
                Some(id) if in_hand.contains(&id) => return None,
                Some(id) if self.seen.contains(&id) => {
                    model.left.pop_front();
                    model.attempts = 0;
                }
                _ => return Some(position),
            }
        }
        None
    }

    fn is_leased(&self, of: usize) -> bool {
        self.models[of].leased.is_some_and(|(_, until)| until > self.now)
    }

    fn is_own(&self, held: &Held) -> bool {
        let leased = self.models[held.of].leased;
        self.is_leased(held.of) && leased.is_some_and(|(number, _)| number == held.number)
    }

    /// Takes an event, which has to be the next of an aggregate that is free; and if there is one,
    /// there has to be one.
    fn take(&mut self) -> bool {
        let taken = self.queue_now().take(Duration::ZERO).unwrap();
        let Some(delivery) = taken else {
            let free = (0..AGGREGATES).find_map(|of| Some((of, self.available(of, false)?)));
            assert_eq!(free, None, "it was not handed out");
            return false;
        };
        let free = (0..AGGREGATES).filter_map(|of| Some((name(of), self.available(of, true)?)));
        let free: BTreeMap<String, u64> = free.collect();
        let position = delivery.event().position.get();
        assert_eq!(free.get(delivery.aggregate()), Some(&position), "{free:?}");
        let of = (0..AGGREGATES).find(|of| name(*of) == delivery.aggregate()).unwrap();
        self.deliveries += 1;
        let (number, until) = (self.deliveries, self.now + LEASE);
        let model = &mut self.models[of];
        assert_eq!(delivery.attempt(), model.attempts + 1);
        assert_eq!(delivery.expires().micros(), until * 1_000_000);
        model.leased = Some((number, until));
        self.held.push(Held { of, number, delivery });
        true
    }

    fn pick(&mut self, nth: usize) -> Option<Held> {
        let count = self.held.len();
        (count > 0).then(|| self.held.swap_remove(nth % count))
    }

    fn done(&mut self, nth: usize, effect: Effect) {
        let Some(held) = self.pick(nth) else { return };
        let (of, is_own) = (held.of, self.is_own(&held));
        let position = held.delivery.event().position.get();
        let (stream, text) = (format!("out-{of}"), position.to_string());
        let count = self.models[of].effects.len() as u64;
        let new = NewEvent::new("Counted", text.as_str());
        let mut effects = held.delivery.effects();
        match effect {
            Effect::None => &mut effects,
            Effect::Plain => effects.event(stream, new).put("last", text.as_str()),
            Effect::Demanding => effects.append(stream, count, [new]),
            Effect::Refused => effects.append(stream, count + 1, [new]),
        };
        let done = held.delivery.done_with(effects);
        if !is_own {
            assert!(matches!(done, Err(ToolError::Expired { .. })), "{done:?}");
        } else if effect == Effect::Refused {
            assert!(done.unwrap_err().is_conflict());
            self.attempt_failed(of);
        } else {
            done.unwrap();
            let model = &mut self.models[of];
            let (first, id) = model.left.pop_front().unwrap();
            assert_eq!(first, position);
            (model.leased, model.attempts) = (None, 0);
            if effect != Effect::None {
                model.effects.push(position);
            }
            self.seen.extend(id);
        }
    }

    fn attempt_failed(&mut self, of: usize) {
        let model = &mut self.models[of];
        model.leased = None;
        model.attempts += 1;
        model.parked = model.attempts >= ATTEMPTS;
        model.rests = (self.now + BACKOFF / 2, self.now + BACKOFF);
    }

    fn passes(&mut self, seconds: i64) {
        self.now += seconds;
        self.clock.advance(Duration::from_secs(seconds as u64));
        // Whatever it is asked, it looks at the clock.
        assert!(self.queue_now().resume("nobody").is_err());
        for of in 0..AGGREGATES {
            if self.models[of].leased.is_some() && !self.is_leased(of) {
                self.attempt_failed(of);
            }
        }
    }

    fn by_hand(&mut self, of: usize, skip: bool) {
        let queue = self.queue_now();
        let told = if skip { queue.skip(&name(of)) } else { queue.resume(&name(of)) };
        let model = &mut self.models[of];
        assert_eq!(told.is_ok(), model.parked, "{told:?}");
        if model.parked {
            (model.parked, model.attempts, model.rests) = (false, 0, (0, 0));
            if skip {
                model.left.pop_front();
            }
        }
    }

    fn reopen(&mut self) {
        self.queue = None;
        for held in self.held.drain(..) {
            let told = held.delivery.done();
            assert!(matches!(told, Err(ToolError::Stopped)), "{told:?}");
        }
        let parked = Parked::of(&self.port, "model").unwrap();
        let expected: Vec<_> = (0..AGGREGATES)
            .filter(|of| self.models[*of].parked)
            .map(|of| (name(of), self.models[of].left[0].0))
            .collect();
        let found: Vec<_> =
            parked.iter().map(|one| (one.aggregate.clone(), one.position.get())).collect();
        assert_eq!(found, expected);
        assert!(parked.iter().all(|one| one.attempts == ATTEMPTS));
        self.begin_again();
    }

    fn crash(&mut self) {
        self.store.close().unwrap();
        self.queue = None;
        self.held.clear();
        (self.store, self.port) = Self::open(&self.device, &self.clock, self.how);
        self.begin_again();
    }

    /// As whoever opens it finds it: what was parked, if that was committed; nothing of attempts.
    fn begin_again(&mut self) {
        let parked = Parked::of(&self.port, "model").unwrap();
        for (of, model) in self.models.iter_mut().enumerate() {
            let is_parked = parked.iter().any(|parked| parked.aggregate == name(of));
            assert!(model.parked || !is_parked, "{parked:?}");
            (model.parked, model.attempts) = (is_parked, 0);
            (model.leased, model.rests) = (None, (0, 0));
        }
        self.queue = Some(Self::queue(&self.port, self.how));
    }

    /// Handles all that is left, and compares what came of it all.
    fn finish(mut self) {
        while self.models.iter().any(|model| !model.left.is_empty()) {
            self.passes(LEASE + BACKOFF);
            (0..AGGREGATES).for_each(|of| self.by_hand(of, false));
            while self.take() {
                self.done(self.held.len() - 1, Effect::Plain);
            }
        }
        assert!(!self.take());
        let head = self.port.head().unwrap();
        assert!(self.queue_now().wait_done(head, Duration::ZERO).unwrap());
        assert_eq!(self.queue_now().status().lag, 0);
        self.queue = None;
        for (of, model) in self.models.iter().enumerate() {
            let out = self.port.read_stream(&format!("out-{of}"), Read::new()).unwrap();
            let out = out.map(|event| String::from_utf8(event.unwrap().payload).unwrap());
            let out: Vec<u64> = out.map(|text| text.parse().unwrap()).collect();
            assert_eq!(out, model.effects);
        }
        // Nobody has anything to do again.
        let queue = Self::queue(&self.port, self.how);
        assert!(queue.take(Duration::ZERO).unwrap().is_none());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_event_is_handed_out_in_order_and_takes_effect_once(
        how in how(),
        steps in vec(step(), 1..200),
    ) {
        let mut world = World::new(how);
        steps.iter().for_each(|step| world.run(step));
        world.finish();
    }
}

/// So many plans; `ANNALS_PLANS=50` makes them fifty times as many.
fn config() -> ProptestConfig {
    let times = std::env::var("ANNALS_PLANS").ok().and_then(|times| times.parse::<u32>().ok());
    let cases = times.unwrap_or(1).saturating_mul(200);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
