//! A projection in the very commits that append its events.

use super::Projection;
use super::documents::Documents;
use super::place::Place;
use super::policy::Conduct;
use super::target::{Target, advance};
use crate::toolkit::held::Held;
use crate::toolkit::names::check_name;
use crate::toolkit::{Append, Interceptor, OnError, Port, Received, ToolError};
use crate::{AppendError, Appended, Commit, Query, RecordedEvent};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

/// How often a commit is tried that others were faster than.
const TRIES: usize = 16;

/// A projection whose output is changed in the same commit that appends the events: whoever reads
/// after an append sees what came of it. It is an interceptor: all that is appended through a port
/// which has it takes it along, whatever appends.
///
/// An event that the projection can't take in refuses the commit. Events that come another way are
/// taken in before the next commit. Commits that it wants something of are made one after the
/// other, under a lock of its own, since each rests on the output of the one before; others pass by
/// it. So no interceptor further inside may append through a port that has it.
///
/// Where a commit does not land, nothing of the output has changed.
///
/// ```
/// use annals::toolkit::{Fold, Inline, Port, Projected};
/// use annals::{NewEvent, Store};
/// let store = Store::in_memory()?;
/// let count = Fold::new("count", || 0).apply(|count: &mut u64, _| {
///     *count += 1;
///     Ok(())
/// });
/// let port = Port::new(&store);
/// let port = port.clone().intercept(Inline::open(&port, count)?);
/// port.append("a", 0, [NewEvent::new("Noted", ""), NewEvent::new("Noted", "")])?;
/// assert_eq!(Projected::of(&port, "count").state()?, Some(2));
/// assert!(port.append("a", 0, [NewEvent::new("Noted", "")]).is_err());
/// assert_eq!(Projected::of(&port, "count").state()?, Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Inline {
    port: Port,
    name: String,
    query: Query,
    documents: Mutex<Documents>,
    _held: Held,
}

/// What came of one try of a commit.
enum Tried {
    Landed(Appended),
    /// Somebody has appended something that the output does not have.
    Behind,
}

impl Inline {
    /// The projection, with everything taken in that there is. The port is the one that it reads
    /// through; it must not have it among its own interceptors, but has to have those that change
    /// what is read.
    ///
    /// # Errors
    /// [`ToolError::Setup`] (its name), [`ToolError::Busy`], [`ToolError::Ahead`], the store's, and
    /// that of an event that can't be taken in.
    pub fn open(port: impl Into<Port>, projection: impl Projection) -> Result<Self, ToolError> {
        let port = port.into();
        check_name("projection", projection.name())?;
        let held = Held::take(&port, "projection", projection.name())?;
        let (name, query) = (projection.name().to_owned(), projection.query());
        let mut documents = Documents::open(&port, Box::new(projection))?;
        if documents.is_other() {
            let go_on = &mut |_| ControlFlow::Continue(());
            documents.rebuild(&port, port.head()?, &Conduct::default(), go_on)?;
        }
        catch_up(&port, &mut documents)?;
        Ok(Self { port, name, query, documents: Mutex::new(documents), _held: held })
    }

    /// The events of a commit that it wants, as they stand in no store yet.
    fn wanted(&self, commit: &Commit) -> Result<Vec<RecordedEvent>, ToolError> {
        let mut wanted = Vec::new();
        let now = self.port.now();
        for (stream, event) in commit.get_events() {
            let event = event.to_recorded(stream, 0, 0, now);
            if self.query.matches(&event.as_event())? {
                wanted.push(event);
            }
        }
        Ok(wanted)
    }

    fn attempt(
        &self,
        documents: &mut Documents,
        events: &[RecordedEvent],
        commit: &Commit,
        next: &mut Append<'_>,
    ) -> Result<Tried, ToolError> {
        for event in events {
            let event = Received::from(event);
            self.port.publish(&event, &self.name, &mut || documents.apply(&self.port, &event))?;
        }
        documents.flush(&self.port)?;
        let seat = documents.seat();
        let own = commit.get_conditions().len();
        let place = Place { inline: true, ..seat.place.clone() };
        let with = seat.commit(commit.clone(), &place);
        let with = with.fail_if_events_match(self.query.clone(), place.position);
        match next(with) {
            Ok(appended) => Ok(Tried::Landed(appended)),
            Err(ToolError::Append(AppendError::ConditionFailed(failed)))
                if failed.condition == own =>
            {
                Ok(Tried::Behind)
            }
            Err(ToolError::Append(AppendError::DocumentConflict(conflict)))
                if conflict.key == seat.key() =>
            {
                Ok(Tried::Behind)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes over what has landed, and takes out of what is told what is the projection's own.
    fn landed(
        &self,
        documents: &mut Documents,
        mut appended: Appended,
    ) -> Result<Appended, ToolError> {
        let seat = documents.seat();
        let (key, prefix) = (seat.key().to_owned(), seat.prefix.clone());
        let revision = appended.revisions.iter().find(|(own, _)| *own == key).map(|(_, at)| *at);
        appended.revisions.retain(|(own, _)| *own != key && !own.starts_with(&prefix));
        match revision.filter(|_| !appended.replayed) {
            Some(revision) => {
                seat.place = Place { position: appended.last, inline: true, ..seat.place.clone() };
                seat.revision = revision;
                seat.changes.clear();
            }
            // It had landed before: what was made of it once more is not there.
            None => documents.reopen(&self.port)?,
        }
        Ok(appended)
    }
}

/// Takes in everything that is visible.
fn catch_up(port: &Port, documents: &mut Documents) -> Result<(), ToolError> {
    let (from, to) = (documents.position(), port.head()?);
    let go_on = &mut |_| ControlFlow::Continue(());
    let conduct = Conduct::default();
    advance(port, documents, from, to, &conduct, &OnError::Stop, go_on)?;
    // What was looked at and not wanted is not asked for again.
    let seat = documents.seat();
    seat.place.position = seat.place.position.max(to);
    Ok(())
}

impl Interceptor for Inline {
    fn name(&self) -> &str {
        &self.name
    }

    fn append(&self, commit: Commit, next: &mut Append<'_>) -> Result<Appended, ToolError> {
        let events = self.wanted(&commit)?;
        if events.is_empty() {
            return next(commit);
        }
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..TRIES {
            match self.attempt(&mut documents, &events, &commit, next) {
                Ok(Tried::Landed(appended)) => return self.landed(&mut documents, appended),
                Ok(Tried::Behind) => {
                    documents.reopen(&self.port)?;
                    catch_up(&self.port, &mut documents)?;
                }
                Err(error) => {
                    documents.roll_back();
                    return Err(error);
                }
            }
        }
        Err(ToolError::failed(
            format!("projection '{}'", self.name),
            "others append its events another way all the time; append through one port",
        ))
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").field("name", &self.name).finish_non_exhaustive()
    }
}
