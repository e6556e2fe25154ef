//! No sequence of calls through one handle sees anything of another's: each tenant is compared with
//! a store of his own, to which only his calls were made.

use super::calls::{Call, Id, Made, Who, calls};
use super::sides::Side;
use annals::toolkit::Port;
use annals::{Clock, Options, Position, Rewrite, Store, Timestamp, Uuid};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The time, which is the same for all stores.
#[derive(Clone, Default)]
struct Ticks(Arc<AtomicI64>);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// A tenant of the shared store, and the store that he alone has.
struct Tenant {
    shared: Port,
    alone: Port,
    /// Where his events are in the shared store.
    own: Vec<u64>,
    commits: Vec<Made>,
}

struct World {
    store: Store,
    whole: Port,
    tenants: [Tenant; 2],
    ticks: Ticks,
}

impl World {
    fn new(options: &Options) -> Self {
        let ticks = Ticks::default();
        let open = || options.clone().without_keeper().clock(ticks.clone()).in_memory().unwrap();
        let store = open();
        let whole = Port::new(&store);
        let tenants = ["acme", "bolt"].map(|name| Tenant {
            shared: whole.tenant(name).unwrap(),
            alone: Port::new(&open()),
            own: Vec::new(),
            commits: Vec::new(),
        });
        Self { store, whole, tenants, ticks }
    }

    fn call(&mut self, who: Who, call: &Call) {
        self.ticks.0.fetch_add(1, Ordering::Relaxed);
        match who {
            Who::Acme => self.compare(0, call),
            Who::Bolt => self.compare(1, call),
            Who::Whole => self.whole(call),
        }
    }

    /// The tenant and his own store say the same.
    fn compare(&mut self, nth: usize, call: &Call) {
        let made = match call {
            Call::Commit(made) => made.clone(),
            Call::Again(again) => {
                let commits = &self.tenants[nth].commits;
                match commits.get(again % commits.len().max(1)) {
                    Some(made) => made.clone(),
                    None => return,
                }
            }
            call => return self.ask(nth, call),
        };
        let tenant = &mut self.tenants[nth];
        let shared = Side { port: &tenant.shared, own: &tenant.own, alone: false };
        let alone = Side { port: &tenant.alone, own: &tenant.own, alone: true };
        let (one, other) = (shared.committed(&made), alone.committed(&made));
        if let Ok(landed) = &one
            && !landed.replayed
        {
            tenant.own.extend(landed.first.get()..=landed.last.get());
        }
        let shared = Side { port: &tenant.shared, own: &tenant.own, alone: false };
        let alone = Side { port: &tenant.alone, own: &tenant.own, alone: true };
        assert_eq!(shared.told_commit(&one), alone.told_commit(&other), "{made:?}");
        tenant.commits.push(made);
    }

    fn ask(&self, nth: usize, call: &Call) {
        let tenant = &self.tenants[nth];
        let shared = Side { port: &tenant.shared, own: &tenant.own, alone: false };
        let alone = Side { port: &tenant.alone, own: &tenant.own, alone: true };
        let one = shared.asked(call, |id| self.id(id));
        let other = alone.asked(call, |id| match id {
            // His own events have other ids there, if nobody gave them any.
            Id::Of(Who::Acme, at) if nth == 0 => event_id(&tenant.alone, *at, tenant.own.len()),
            Id::Of(Who::Bolt, at) if nth == 1 => event_id(&tenant.alone, *at, tenant.own.len()),
            Id::Raw(at) => {
                // What stands in the shared store is what he sees, if nobody gave it.
                let head = self.store.head().unwrap().get();
                let position = 1 + *at as u64 % head.max(1);
                let own = tenant.own.iter().position(|own| *own == position);
                let event = self.store.event(position).unwrap();
                match (own, event) {
                    (Some(own), Some(event)) if !event.id_given => {
                        tenant.alone.event(own as u64 + 1).unwrap().unwrap().id
                    }
                    _ => self.id(id),
                }
            }
            id => self.id(id),
        });
        assert_eq!(one, other, "{call:?}");
    }

    /// The id that is meant, as it is in the shared store.
    fn id(&self, id: &Id) -> Uuid {
        match id {
            Id::Given(id) => Uuid::from_u128(*id),
            Id::Raw(at) => {
                let head = self.store.head().unwrap().get() as usize;
                event_id(&self.whole, *at, head)
            }
            Id::Of(who, at) => {
                let tenant = &self.tenants[usize::from(*who == Who::Bolt)];
                let own = tenant.own.get(at % tenant.own.len().max(1));
                let event = own.and_then(|own| tenant.shared.event(*own).unwrap());
                event.map(|event| event.id).unwrap_or_default()
            }
        }
    }

    /// Whoever has the whole store does as he likes, but in the names of the tenants.
    fn whole(&self, call: &Call) {
        let side = Side { port: &self.whole, own: &[], alone: false };
        match call {
            Call::Commit(made) => {
                let port = self.whole.clone().intercept(Elsewhere);
                let side = Side { port: &port, ..side };
                drop(side.committed(made));
            }
            Call::Again(_) => {}
            // What he sees is not compared; it must not fail.
            call => drop(side.asked(call, |id| self.id(id))),
        }
    }

    /// All of it, once more.
    fn compare_all(&self) {
        use super::calls::{Ask, Listed, Range};
        let range = || Range {
            from: None,
            after: None,
            to: None,
            before: None,
            limit: None,
            backward: false,
        };
        let listed =
            || Listed { prefix: 0, after: None, before: None, limit: None, backward: false };
        for nth in 0..2 {
            for call in [
                Call::ReadAll(range()),
                Call::Query(Ask(None), range()),
                Call::Follow(Ask(None), 0),
                Call::Documents(listed()),
                Call::Tags(listed()),
                Call::Streams,
                Call::Categories,
                Call::Count,
                Call::Totals,
            ] {
                self.ask(nth, &call);
            }
        }
        let all = self.whole.count().unwrap();
        let tenants: u64 = self.tenants.iter().map(|tenant| tenant.shared.count().unwrap()).sum();
        assert!(tenants <= all && all == self.store.head().unwrap().get());
    }
}

/// The id of the `nth` event, wrapped around.
fn event_id(port: &Port, nth: usize, count: usize) -> Uuid {
    let position = Position::new((nth % count.max(1)) as u64 + 1);
    port.event(position).unwrap().map(|event| event.id).unwrap_or_default()
}

/// Makes of names in a tenant's part others that only look like it.
struct Elsewhere;

fn elsewhere(name: String) -> String {
    for tenant in ["acme/", "bolt/"] {
        if let Some(rest) = name.strip_prefix(tenant) {
            return format!("{}\\{rest}", tenant.trim_end_matches('/'));
        }
    }
    name
}

impl Rewrite for Elsewhere {
    fn stream(&mut self, name: String) -> String {
        elsewhere(name)
    }

    fn event(&mut self, _: &str, event: annals::NewEvent) -> annals::NewEvent {
        event.map_tags(elsewhere)
    }

    fn key(&mut self, key: String) -> String {
        elsewhere(key)
    }
}

impl annals::toolkit::Interceptor for Elsewhere {
    fn append(
        &self,
        commit: annals::Commit,
        next: &mut annals::toolkit::Append<'_>,
    ) -> Result<annals::Appended, annals::toolkit::ToolError> {
        next(commit.rewrite(&mut Self))
    }
}

fn run(options: &Options, calls: &[(Who, Call)]) {
    let mut world = World::new(options);
    for (who, call) in calls {
        world.call(*who, call);
    }
    world.compare_all();
}

/// So many sequences; `ANNALS_PLANS=50` makes them fifty times as many.
fn config() -> ProptestConfig {
    let times = std::env::var("ANNALS_PLANS").ok().and_then(|times| times.parse().ok());
    let cases = 150_u32.saturating_mul(times.unwrap_or(1));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_tenant_sees_what_he_would_see_were_he_alone(calls in calls()) {
        run(&Options::new(), &calls);
    }

    #[test]
    fn so_he_does_where_the_index_is_in_runs(calls in calls()) {
        run(&Options::new().segments(4_096, 16_384).tail(4, 4_096), &calls);
    }
}
