//! Playing a plan: on a store, and on the model.

use crate::check;
use crate::copies;
use crate::disk::{Op, SimDisk};
use crate::model::Model;
use crate::plan::{Plan, Step, Style, next_commit};
use crate::random::Random;
use annals::{AppendError, Chore, Durability, Error, ErrorKind, Rules, Store};
use std::sync::Arc;

/// What came of a plan.
pub(crate) struct Played {
    /// All that was begun.
    pub(crate) model: Model,
    /// The disk, as the last process has it.
    pub(crate) disk: SimDisk,
    /// What ended it before its end.
    pub(crate) end: Option<End>,
    /// The store, left open.
    pub(crate) store: Option<Store>,
}

/// Why a plan ended early.
#[derive(Debug)]
pub(crate) enum End {
    /// An operation failed, as it may where something failed before.
    Failed(Error),
    /// The store did what it may not.
    Wrong(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Who plays.
struct Player {
    rules: Rules,
    style: Style,
    disk: SimDisk,
    model: Model,
    store: Option<Store>,
    /// Another process that looks, and how many commits it has seen.
    follower: Option<(Store, usize)>,
    /// How many commits are known to be durable.
    durable: usize,
}

/// Plays a plan on a disk that holds the commits of a model, noting what is begun, acknowledged and
/// durable.
pub(crate) fn play(disk: SimDisk, model: Model, plan: &Plan, rules: Rules, seed: u64) -> Played {
    let (style, follower) = (plan.style, None);
    let mut player = Player { rules, style, disk, model, store: None, follower, durable: 0 };
    let end = player.all(plan, seed).err();
    let Player { model, disk, store, .. } = player;
    Played { model, disk, end, store }
}

impl Player {
    fn all(&mut self, plan: &Plan, seed: u64) -> Result<(), End> {
        self.open(seed)?;
        let there = self.model.commits.len();
        self.disk.note(Op::Begun(there));
        self.disk.note(Op::Acknowledged(there));
        self.is_durable(there);
        for (step, seed) in &plan.steps {
            self.step(*step, &mut Random::new(*seed))?;
        }
        Ok(())
    }

    fn step(&mut self, step: Step, random: &mut Random) -> Result<(), End> {
        let Some(store) = &self.store else { return Ok(()) };
        let begun = self.model.commits.len();
        match step {
            Step::Commit(durability) => return self.commit(durability, random),
            Step::Sync => {
                store.sync()?;
                self.is_durable(begun);
            }
            Step::Prepare => store.chore(Chore::Prepare)?,
            Step::Mark => {
                store.chore(Chore::Mark)?;
                self.is_durable(begun);
            }
            Step::Index => store.chore(Chore::Index)?,
            Step::Reopen => {
                store.close()?;
                self.is_durable(begun);
                self.open(random.bits())?;
            }
            Step::Die => {
                self.disk = self.disk.kill();
                self.open(random.bits())?;
                // Recovery has made it so.
                self.is_durable(begun);
            }
            Step::Follow => return self.follow(random),
            Step::Backup => {
                copies::backup(store, &self.model, self.durable, self.style, random)?;
                self.is_durable(begun);
            }
            Step::Compact => copies::compact(store, &self.model, self.style, random)?,
        }
        Ok(())
    }

    fn open(&mut self, seed: u64) -> Result<(), End> {
        self.store = None;
        let options = self.style.options(self.rules, seed);
        self.store = Some(options.open_storage(Arc::new(self.disk.clone()))?);
        Ok(())
    }

    fn is_durable(&mut self, commits: usize) {
        self.durable = self.durable.max(commits);
        self.disk.note(Op::Durable(self.durable));
    }

    fn commit(&mut self, durability: Durability, random: &mut Random) -> Result<(), End> {
        let Some(store) = &self.store else { return Ok(()) };
        let commit = next_commit(&self.model, self.style, random);
        let made = commit.made.clone().durability(durability);
        self.model.commits.push(Arc::new(commit));
        let begun = self.model.commits.len();
        self.disk.note(Op::Begun(begun));
        match store.commit(made) {
            Ok(_) => {
                self.disk.note(Op::Acknowledged(begun));
                if durability != Durability::Buffered {
                    self.is_durable(begun);
                }
                Ok(())
            }
            Err(AppendError::OutcomeUnknown(error)) => Err(End::Failed(error)),
            Err(error) => {
                // Refused: nothing of it is there, and nothing of it may come.
                self.model.commits.pop();
                self.disk.note(Op::Begun(begun - 1));
                match error.kind() {
                    Some(ErrorKind::Full | ErrorKind::Io) => Ok(()),
                    _ => Err(End::Wrong(format!("a commit as expected was refused: {error}"))),
                }
            }
        }
    }

    /// Another process looks: it sees a prefix, no less than before, and what it sees is durable
    /// from then on.
    fn follow(&mut self, random: &mut Random) -> Result<(), End> {
        let (follower, before) = match self.follower.take() {
            Some(follower) if !random.one_in(4) => follower,
            _ => {
                let options = self.style.options(self.rules, random.bits());
                let opened = options.open_storage_read_only(Arc::new(self.disk.observer()));
                (opened?, 0)
            }
        };
        let seen = check::prefix(&follower, &self.model)
            .map_err(|what| End::Wrong(format!("a follower: {what}")))?;
        if seen < before {
            return Err(End::Wrong(format!("a follower saw {before} commits, then {seen}")));
        }
        self.follower = Some((follower, seen));
        self.is_durable(seen);
        Ok(())
    }
}
