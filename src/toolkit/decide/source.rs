//! Makes a state: of a snapshot, and of the events since; or of all of them.

use super::{Boundary, Evolve, Loaded, SnapshotUse, SnapshotWrite};
use crate::toolkit::ToolError;
use crate::toolkit::port::{Events, Port, Received};
use crate::toolkit::snapshot::{AsOf, Found, Snapshot, Snapshots, Stale};
use crate::toolkit::typed::Codec;
use crate::{Position, Query, Read, Revision, Timestamp, Version};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// All that a state is made with.
pub(super) struct Source<'a, D: Evolve> {
    pub port: &'a Port,
    pub decider: &'a D,
    pub codec: &'a Codec<D::Event>,
    pub snapshots: Option<&'a Snapshots<D::State>>,
    pub boundary: &'a Boundary,
}

/// Up to where events are in a state.
#[derive(Clone, Copy)]
pub(super) enum Until {
    End,
    Version(Version),
    Position(Position),
    Time(Timestamp),
}

/// What a state begins with.
pub(super) struct Start<S> {
    pub state: S,
    pub as_of: AsOf,
    pub snapshot: SnapshotUse,
    seen: Seen,
}

/// What is known of the newest snapshot, whether or not a state begins with it.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// When it was written; nothing if it is of no use.
    written: Option<Timestamp>,
    /// A new one takes the place of this one.
    revision: Revision,
}

/// Sees the state after each event.
pub(super) type Watch<'a, S> =
    &'a mut dyn FnMut(&S, &AsOf, &Received<'_>) -> Result<ControlFlow<()>, ToolError>;

impl<S> Start<S> {
    /// What has become of it.
    pub fn loaded(self, sourced: u64, begun: Instant) -> Loaded<S> {
        let Self { state, as_of, snapshot, .. } = self;
        let (took, written) = (begun.elapsed(), SnapshotWrite::NotDue);
        Loaded { state, as_of, sourced, took, snapshot, written }
    }
}

impl Until {
    /// Whether what is of this moment has nothing in it that comes later.
    fn includes(self, as_of: &AsOf) -> bool {
        match self {
            Self::End => true,
            Self::Version(version) => as_of.version <= version,
            Self::Position(position) => as_of.position <= position,
            Self::Time(time) => as_of.recorded <= time,
        }
    }

    /// Whether this event, which gets this version, comes later.
    fn excludes(self, event: &Received<'_>, version: Version) -> bool {
        match self {
            Self::End => false,
            Self::Version(last) => version > last,
            Self::Position(last) => event.position > last,
            Self::Time(last) => event.recorded > last,
        }
    }
}

impl<D: Evolve> Source<'_, D> {
    /// The state now; saved if that is due, or asked for.
    ///
    /// # Errors
    /// That it could not be saved is one only if that was asked for.
    pub fn load(&self, save: bool) -> Result<Loaded<D::State>, ToolError> {
        let (mut loaded, seen) = self.source(Until::End)?;
        let Some(snapshots) = self.snapshots else { return Ok(loaded) };
        let (sourced, took) = (loaded.sourced, loaded.took);
        let age = seen.written.map(|written| {
            let micros = self.port.now().micros().saturating_sub(written.micros());
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        });
        if save && sourced > 0 || snapshots.get_policy().is_due(sourced, took, age) {
            let (as_of, state) = (loaded.as_of, &loaded.state);
            let name = self.boundary.name();
            loaded.written = match snapshots.save(self.port, name, as_of, state, seen.revision) {
                Ok(_) => SnapshotWrite::Written,
                Err(error) if error.is_conflict() => SnapshotWrite::Overtaken,
                Err(error) if save => return Err(error),
                Err(error) => SnapshotWrite::Failed(error),
            };
        }
        Ok(loaded)
    }

    /// The state as it was.
    pub fn past(&self, until: Until) -> Result<Loaded<D::State>, ToolError> {
        self.source(until).map(|(loaded, _)| loaded)
    }

    fn source(&self, until: Until) -> Result<(Loaded<D::State>, Seen), ToolError> {
        let begun = Instant::now();
        let mut start = self.start(until)?;
        let mut seen = start.seen;
        let since = match self.since(&start.as_of)? {
            Ok(since) => since,
            Err(why) => {
                start = self.begin_with_nothing(SnapshotUse::Stale(why));
                seen.written = None;
                self.all()?
            }
        };
        let sourced =
            self.go_on(&mut start, since, until, &mut |_, _, _| Ok(ControlFlow::Continue(())))?;
        Ok((start.loaded(sourced, begun), seen))
    }

    /// With the newest snapshot that is not too new.
    fn start(&self, until: Until) -> Result<Start<D::State>, ToolError> {
        let Some(snapshots) = self.snapshots else {
            return Ok(self.begin_with_nothing(SnapshotUse::Off));
        };
        let (name, suits) = (self.boundary.name(), |as_of: &AsOf| until.includes(as_of));
        let found = match until {
            Until::End => snapshots.latest(self.port, name)?,
            _ => snapshots.newest_if(self.port, name, &suits)?,
        };
        Ok(match found {
            Found::Nothing => self.begin_with_nothing(SnapshotUse::Absent),
            Found::Stale { why, revision } => {
                let seen = Seen { written: None, revision };
                Start { seen, ..self.begin_with_nothing(SnapshotUse::Stale(why)) }
            }
            Found::Snapshot(Snapshot { state, as_of, written, revision }) => {
                let seen = Seen { written: Some(written), revision };
                Start { state, as_of, snapshot: SnapshotUse::Used(as_of), seen }
            }
        })
    }

    /// With the state before anything has happened.
    pub fn begin_with_nothing(&self, snapshot: SnapshotUse) -> Start<D::State> {
        let as_of = AsOf::start(self.boundary.get_query().is_some());
        let state = self.decider.initial();
        Start { state, as_of, snapshot, seen: Seen::default() }
    }

    /// All events.
    pub fn all(&self) -> Result<Events, ToolError> {
        match self.boundary.get_query() {
            None => self.port.read_stream(self.boundary.name(), Read::new()),
            Some(query) => self.port.query(query, Read::new()),
        }
    }

    /// The events since then; or why it can't have been then.
    fn since(&self, as_of: &AsOf) -> Result<Result<Events, Stale>, ToolError> {
        let query = self.boundary.get_query();
        if as_of.by_query != query.is_some() {
            return Ok(Err(Stale::Boundary));
        }
        if as_of.version == Version::NONE {
            return Ok(Ok(self.all()?));
        }
        let there = match query {
            None => self.stream_since(as_of)?,
            Some(query) => self.meant_since(query, as_of)?,
        };
        Ok(there.ok_or(Stale::Beyond { version: as_of.version, position: as_of.position }))
    }

    /// The last event that is in the state is read once more: the stream has to have it there.
    fn stream_since(&self, as_of: &AsOf) -> Result<Option<Events>, ToolError> {
        let read = Read::new().from(as_of.version);
        let mut events = self.port.read_stream(self.boundary.name(), read)?;
        let last = events.next_event()?;
        let is_there = last
            .is_some_and(|last| (last.version, last.position) == (as_of.version, as_of.position));
        Ok(is_there.then_some(events))
    }

    fn meant_since(&self, query: &Query, as_of: &AsOf) -> Result<Option<Events>, ToolError> {
        if as_of.position > self.port.head()? {
            return Ok(None);
        }
        Ok(Some(self.port.query(query, Read::new().after(as_of.position))?))
    }

    /// Takes in these events, as long as they are wanted, and says how many it were.
    pub fn go_on(
        &self,
        start: &mut Start<D::State>,
        mut events: Events,
        until: Until,
        watch: Watch<'_, D::State>,
    ) -> Result<u64, ToolError> {
        let by_query = self.boundary.get_query().is_some();
        let Start { state, as_of, .. } = start;
        let mut sourced = 0;
        while let Some(event) = events.next_event()? {
            let version = as_of.version.next().unwrap_or(Version::MAX);
            if until.excludes(&event, version) {
                if by_query {
                    as_of.position = Position::new(event.position.get().saturating_sub(1));
                }
                return Ok(sourced);
            }
            if let Some(known) = self.codec.decode(&event)? {
                self.decider.evolve(state, &known);
            }
            (as_of.version, as_of.position) = (version, event.position);
            as_of.recorded = event.recorded;
            sourced += 1;
            if watch(state, as_of, &event)?.is_break() {
                return Ok(sourced);
            }
        }
        if by_query {
            // There is no more of it up to where was looked.
            as_of.position = as_of.position.max(events.marker());
        }
        Ok(sourced)
    }
}
