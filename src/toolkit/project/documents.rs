//! A projection's output as documents of the store.

use super::Projection;
use super::output::{Changes, Output, add_to};
use super::place::{Place, next_key, output_prefix, place_key};
use super::policy::{Conduct, Progress};
use super::target::{Advance, Target, Watch, advance};
use crate::toolkit::error::contain;
use crate::toolkit::{Port, Received, ToolError};
use crate::{AppendError, Commit, Keys, Position, Query, Revision};

/// Documents that are deleted by one commit.
const AT_ONCE: usize = 1_000;

/// A projection whose output is documents: each batch of changes is committed with the checkpoint.
pub(super) struct Documents {
    projection: Box<dyn Projection>,
    name: String,
    seat: Seat,
}

/// Where an output is written, and how far it reaches.
pub(super) struct Seat {
    /// The key of the place.
    key: String,
    pub(super) place: Place,
    pub(super) revision: Revision,
    /// What keys of the output begin with.
    pub(super) prefix: String,
    pub(super) changes: Changes,
}

impl Seat {
    fn new(name: &str, key: String, place: Place, revision: Revision) -> Self {
        let prefix = output_prefix(name, place.generation);
        Self { key, place, revision, prefix, changes: Changes::default() }
    }

    /// As the store has it; where it has none, of this version and before everything.
    fn load(port: &Port, name: &str, version: u32) -> Result<Self, ToolError> {
        let key = place_key(name);
        let (found, revision) = Place::load(port, &key)?;
        let place = found.unwrap_or_else(|| Place::begin(version, 1));
        Ok(Self::new(name, key, place, revision))
    }

    /// The commit with the output, and that it reaches up to here, if nobody else has said
    /// anything.
    pub(super) fn commit(&self, commit: Commit, place: &Place) -> Commit {
        let commit = commit.put_over(&*self.key, self.revision, place.to_bytes());
        add_to(commit, &self.prefix, &self.changes)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

impl Documents {
    /// The output as the store has it, without what a rebuild has left behind.
    ///
    /// # Errors
    /// The store's; [`ToolError::Ahead`].
    pub(super) fn open(port: &Port, projection: Box<dyn Projection>) -> Result<Self, ToolError> {
        let name = projection.name().to_owned();
        let seat = Seat::load(port, &name, projection.version())?;
        let (checkpoint, head) = (seat.place.position, port.head()?);
        if checkpoint > head {
            return Err(ToolError::Ahead { name, checkpoint, head });
        }
        let mut own = Self { projection, name, seat };
        own.clean(port)?;
        Ok(own)
    }

    /// Looks again at what the store has.
    pub(super) fn reopen(&mut self, port: &Port) -> Result<(), ToolError> {
        self.roll_back();
        self.seat = Seat::load(port, &self.name, self.projection.version())?;
        Ok(())
    }

    /// Whether the output was made by another version of the projection.
    pub(super) fn is_other(&self) -> bool {
        self.seat.place.version != self.projection.version()
    }

    pub(super) fn seat(&mut self) -> &mut Seat {
        &mut self.seat
    }

    /// Writes what the projection has kept in memory to the changes.
    pub(super) fn flush(&mut self, port: &Port) -> Result<(), ToolError> {
        let Self { projection, name, seat } = self;
        let mut output = Output::new(port, &seat.prefix, &mut seat.changes);
        contain(|| of(name), || projection.flush(&mut output))
    }

    /// Makes the output anew, from the first event to `to`, beside the old one, which is there
    /// until the new one takes its place in one commit. Nothing if it was cancelled: then nothing
    /// has changed.
    pub(super) fn rebuild(
        &mut self,
        port: &Port,
        to: Position,
        conduct: &Conduct,
        watch: &mut dyn Watch,
    ) -> Result<Option<Progress>, ToolError> {
        self.clean(port)?;
        self.roll_back();
        let version = self.projection.version();
        let place = Place::begin(version, self.seat.place.generation + 1);
        let next = Seat::new(&self.name, next_key(&self.name), place, Revision::NONE);
        // So that whoever comes after a crash knows what to delete.
        let begun = port.commit(next.commit(Commit::new(), &next.place))?;
        let old = std::mem::replace(&mut self.seat, Seat { revision: begun.revision(), ..next });
        let start = Position::START;
        let made = advance(port, self, start, to, conduct, &conduct.anew, watch);
        self.projection.reset();
        let new = std::mem::replace(&mut self.seat, old);
        match made {
            Ok(Advance::Done(progress)) => {
                let generation = Some(self.seat.place.generation);
                // A first output has no document of its own yet, but may have left some.
                let place = Place { old: generation, ..new.place };
                let commit = Commit::new()
                    .put_over(&*self.seat.key, self.seat.revision, place.to_bytes())
                    .delete_over(&*new.key, new.revision);
                let done = port.commit(commit.durability(conduct.durability));
                let revision = done.map_err(|error| busy(error, &self.name))?.revision();
                self.seat = Seat::new(&self.name, self.seat.key.clone(), place, revision);
                self.clean(port)?;
                Ok(Some(progress))
            }
            Ok(Advance::Cancelled(_)) => {
                self.clean(port)?;
                Ok(None)
            }
            Err(error) => {
                // What can't be deleted now is deleted when it is opened.
                let _ = self.clean(port);
                Err(error)
            }
        }
    }

    /// Deletes what a rebuild has left behind: the old output, or a new one that was not finished.
    fn clean(&mut self, port: &Port) -> Result<(), ToolError> {
        let key = next_key(&self.name);
        if let (Some(next), revision) = Place::load(port, &key)? {
            delete_all(port, &output_prefix(&self.name, next.generation))?;
            port.commit(Commit::new().delete_over(key, revision))?;
        }
        if let Some(old) = self.seat.place.old {
            delete_all(port, &output_prefix(&self.name, old))?;
            let place = Place { old: None, ..self.seat.place.clone() };
            let commit =
                Commit::new().put_over(&*self.seat.key, self.seat.revision, place.to_bytes());
            let done = port.commit(commit).map_err(|error| busy(error, &self.name))?;
            self.seat.place = place;
            self.seat.revision = done.revision();
        }
        Ok(())
    }
}

impl Target for Documents {
    fn name(&self) -> &str {
        &self.name
    }

    fn query(&self) -> Query {
        self.projection.query()
    }

    fn position(&self) -> Position {
        self.seat.place.position
    }

    fn skipped(&self) -> u64 {
        self.seat.place.skipped
    }

    fn apply(&mut self, port: &Port, event: &Received<'_>) -> Result<(), ToolError> {
        let Self { projection, name, seat } = self;
        let mut output = Output::new(port, &seat.prefix, &mut seat.changes);
        contain(|| of(name), || projection.apply(event, &mut output))
    }

    fn commit(
        &mut self,
        port: &Port,
        position: Position,
        skipped: u64,
        conduct: &Conduct,
    ) -> Result<(), ToolError> {
        self.flush(port)?;
        let place = Place { position, skipped, inline: false, ..self.seat.place.clone() };
        let commit = self.seat.commit(Commit::new().durability(conduct.durability), &place);
        let done = port.commit(commit).map_err(|error| busy(error, &self.name))?;
        self.seat.place = place;
        self.seat.revision = done.revision();
        self.seat.changes.clear();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.seat.changes.is_full()
    }

    fn roll_back(&mut self) {
        self.seat.changes.clear();
        self.projection.reset();
    }
}

fn of(name: &str) -> String {
    format!("projection '{name}'")
}

/// Somebody else has moved the checkpoint: he runs it, too.
fn busy(error: ToolError, name: &str) -> ToolError {
    match error {
        ToolError::Append(AppendError::DocumentConflict(_)) => {
            ToolError::Busy { name: name.to_owned() }
        }
        error => error,
    }
}

/// Deletes all documents whose keys begin so.
fn delete_all(port: &Port, prefix: &str) -> Result<(), ToolError> {
    let found = port.documents(Keys::prefix(prefix))?;
    let mut keys = Vec::new();
    for found in found {
        keys.push(found?.key);
        if keys.len() >= AT_ONCE {
            delete(port, &mut keys)?;
        }
    }
    delete(port, &mut keys)
}

fn delete(port: &Port, keys: &mut Vec<String>) -> Result<(), ToolError> {
    if !keys.is_empty() {
        port.commit(keys.drain(..).fold(Commit::new(), Commit::delete))?;
    }
    Ok(())
}
