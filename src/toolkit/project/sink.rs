//! A read model in a database of the user's.

use super::policy::Conduct;
use super::target::Target;
use crate::toolkit::error::contain;
use crate::toolkit::{Failure, Port, Received, ToolError};
use crate::{Position, Query};

/// A read model outside of the store: a database of the user's, which keeps the checkpoint in the
/// same transaction as what it makes of the events. So each event counts there exactly once,
/// whatever crashes. Only durable events come here, or a power cut could take back what the
/// database has seen.
///
/// In SQLite, `apply` and `commit` are statements of one transaction:
///
/// ```text
/// BEGIN IMMEDIATE;
/// INSERT INTO delays … ON CONFLICT … DO UPDATE …;
/// INSERT OR REPLACE INTO checkpoints VALUES ('delays', 4711);
/// COMMIT;
/// ```
pub trait Sink: Send + 'static {
    /// What errors call it, and what keeps two of them apart.
    fn name(&self) -> &str;

    /// Which events it wants.
    fn query(&self) -> Query {
        Query::all()
    }

    /// The checkpoint that the database has; [`Position::START`] if it has none.
    ///
    /// # Errors
    /// It can't be read.
    fn checkpoint(&mut self) -> Result<Position, Failure>;

    /// Begins a transaction, before the first event of a batch.
    ///
    /// # Errors
    /// It can't be begun.
    fn begin(&mut self) -> Result<(), Failure>;

    /// Takes in an event, in the transaction.
    ///
    /// # Errors
    /// The event can't be taken in; the transaction is rolled back.
    fn apply(&mut self, event: &Received<'_>) -> Result<(), Failure>;

    /// Writes the checkpoint, and commits.
    ///
    /// # Errors
    /// Nothing was committed.
    fn commit(&mut self, checkpoint: Position) -> Result<(), Failure>;

    /// Drops what was taken in since the transaction began.
    fn roll_back(&mut self);
}

/// A sink, and where it stands.
pub(super) struct Outside {
    sink: Box<dyn Sink>,
    name: String,
    position: Position,
    skipped: u64,
    begun: bool,
}

impl Outside {
    /// As the database has it.
    ///
    /// # Errors
    /// The sink's; [`ToolError::Ahead`].
    pub(super) fn open(port: &Port, mut sink: Box<dyn Sink>) -> Result<Self, ToolError> {
        let name = sink.name().to_owned();
        let position = contain(|| of(&name), || sink.checkpoint())?;
        let head = port.head()?;
        if position > head {
            return Err(ToolError::Ahead { name, checkpoint: position, head });
        }
        Ok(Self { sink, name, position, skipped: 0, begun: false })
    }

    fn begin(&mut self) -> Result<(), ToolError> {
        if !self.begun {
            contain(|| of(&self.name), || self.sink.begin())?;
            self.begun = true;
        }
        Ok(())
    }
}

impl Target for Outside {
    fn name(&self) -> &str {
        &self.name
    }

    fn query(&self) -> Query {
        self.sink.query()
    }

    fn position(&self) -> Position {
        self.position
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }

    fn apply(&mut self, _: &Port, event: &Received<'_>) -> Result<(), ToolError> {
        self.begin()?;
        contain(|| of(&self.name), || self.sink.apply(event))
    }

    fn commit(
        &mut self,
        _: &Port,
        position: Position,
        skipped: u64,
        _: &Conduct,
    ) -> Result<(), ToolError> {
        self.begin()?;
        if let Err(error) = contain(|| of(&self.name), || self.sink.commit(position)) {
            self.roll_back();
            return Err(error);
        }
        self.begun = false;
        (self.position, self.skipped) = (position, skipped);
        Ok(())
    }

    fn roll_back(&mut self) {
        if std::mem::take(&mut self.begun) {
            // What fails here leaves a transaction that the next `begin` fails on, and is told
            // then.
            let rolled = contain(
                || of(&self.name),
                || {
                    self.sink.roll_back();
                    Ok(())
                },
            );
            drop(rolled);
        }
    }
}

fn of(name: &str) -> String {
    format!("sink '{name}'")
}
