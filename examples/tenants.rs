//! Tenants: several customers of one program in one file, none of whom sees another's.
//!
//! A tenant's handle is a port whose names are the tenant's own: streams, tags, documents, ids. All
//! of the toolkit goes through ports, so read models, snapshots and checkpoints are the tenant's,
//! too. An interceptor writes into each event who caused it, and which trace it belongs to.
//!
//! `cargo run --example tenants`

use annals::toolkit::{
    Append, Failure, Fold, Follow, Interceptor, Metadata, Port, Projected, Projector, Subscription,
    ToolError, TraceContext, Traced,
};
use annals::{Appended, Commit, Keys, NewEvent, Query, QueryItem, Read, Rewrite, Store};
use std::io::{Write, stdout};
use std::time::Duration;

fn main() -> Result<(), Failure> {
    run(&mut stdout().lock())
}

/// Writes into each event who caused it, and refuses what nobody did.
struct Signed(&'static str);

impl Interceptor for Signed {
    fn name(&self) -> &str {
        "signed"
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        if self.0.is_empty() {
            return Err(ToolError::failed("signed", "nobody is logged in"));
        }
        next(commit.rewrite(&mut By(self.0)))
    }
}

struct By(&'static str);

impl Rewrite for By {
    fn event(&mut self, _: &str, event: NewEvent) -> NewEvent {
        let metadata = Metadata::from_bytes(event.get_metadata()).unwrap_or_default();
        event.metadata(metadata.created_by(self.0).to_bytes())
    }
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Failure> {
    let store = Store::in_memory()?; // or Store::open("shop.annals")?
    let whole = Port::new(&store);

    // Names of tenants are validated: what is put before names must not be mistaken.
    for name in ["", "acme/eu", "ac-me", ".acme"] {
        if let Err(error) = whole.tenant(name) {
            let error = error.to_string();
            let (what, _) = error.split_once(';').unwrap_or((&error, ""));
            writeln!(out, "{what}")?;
        }
    }

    // One port a tenant. Both call their things the same.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = Traced::new(move || TraceContext::parse(trace, None));
    let acme = whole.tenant("acme")?.intercept(Signed("ann")).intercept(traced);
    let bolt = whole.tenant("bolt")?.intercept(Signed("bob"));
    for (port, totals) in [(&acme, ["12", "7"]), (&bolt, ["1", "2"])] {
        for (nth, total) in totals.into_iter().enumerate() {
            let placed = NewEvent::new("OrderPlaced", total).tag("customer:7");
            port.append(format!("order-{}", nth + 1), 0, [placed])?;
        }
        port.commit(Commit::new().put("settings", port.tenant_name().unwrap_or_default()))?;
    }
    acme.append("order-1", 1, [NewEvent::new("OrderPaid", "12").tag("customer:7")])?;

    // Each sees his own, whatever he asks. Positions are the store's: there are gaps.
    let of = Query::from(QueryItem::new().tag("customer:7"));
    for port in [&acme, &bolt] {
        let events = port.query(&of, Read::new())?.collect::<Result<Vec<_>, _>>()?;
        let seen: Vec<_> = events.iter().map(|e| (e.position.get(), e.stream.as_str())).collect();
        writeln!(out, "{:?} sees {seen:?}", port.tenant_name())?;
        writeln!(out, "  {} events, streams {:?}", port.count()?, port.streams()?)?;
        let documents = port.documents(Keys::all())?.collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = documents.iter().map(|document| document.key.as_str()).collect();
        writeln!(out, "  documents {keys:?}")?;
    }
    writeln!(out, "bolt has position 1: {}", bolt.event(1)?.is_some())?;
    let conflict = bolt.append("order-1", 0, [NewEvent::new("OrderPlaced", "3")]).err();
    writeln!(out, "bolt is told: {}", conflict.map(|it| it.to_string()).unwrap_or_default())?;
    writeln!(out, "whoever has the file sees {:?}", whole.streams()?)?;

    // What the interceptors wrote goes with the event to whoever follows.
    let mut following = Subscription::new(&acme, Follow::query(of))?;
    for event in following.arriving(Duration::ZERO) {
        let event = event?;
        let metadata = Metadata::from_bytes(event.metadata.as_deref())?;
        let span = TraceContext::from_metadata(&metadata).map(|trace| trace.span_id());
        let by = metadata.get_created_by();
        writeln!(out, "#{} {} by {by:?}, span {span:x?}", event.position, event.event_type)?;
    }
    let nobody = whole.tenant("acme")?.intercept(Signed(""));
    if let Err(error) = nobody.append("order-9", 0, [NewEvent::new("OrderPlaced", "1")]) {
        writeln!(out, "{error}")?;
    }

    // Read models carry the tenant: two of one name, each with a checkpoint of its own.
    for port in [&acme, &bolt] {
        let turnover = Fold::new("turnover", || 0_u64).of_category("order");
        let turnover = turnover.apply(|sum: &mut u64, event| {
            if event.event_type()? == "OrderPlaced" {
                *sum += std::str::from_utf8(event.payload)?.parse::<u64>()?;
            }
            Ok(())
        });
        Projector::new(port, turnover)?.catch_up()?;
        let sum = Projected::of(port, "turnover").state::<u64>()?;
        writeln!(out, "{:?} has a turnover of {sum:?}", port.tenant_name())?;
    }
    let kept = whole.documents(Keys::all())?.collect::<Result<Vec<_>, _>>()?;
    for document in &kept {
        writeln!(out, "kept: {}", document.key)?;
    }
    Ok(())
}
