//! What a writer finds that is traced: nothing, a store that was closed, or one whose writer was
//! killed.

use crate::kill::{How, check};
use crate::ledger::{Death, Ledger};
use crate::outcome::Keep;
use crate::process::{Player, Program};
use crate::trace::{Deed, trace};
use crate::writer::Part;
use annals_sim::Random;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tempfile::TempDir;

/// What a plan begins with.
pub(crate) struct Base {
    folder: TempDir,
    pub(crate) seed: u64,
    steps: u64,
    /// What is known of the store.
    ledger: Ledger,
}

/// What came of a traced writer.
pub(crate) struct Traced {
    /// Whether it was killed; else it has ended by itself.
    pub(crate) was_killed: bool,
    /// What is wrong with it, or with what it has left.
    pub(crate) wrong: Result<(), String>,
    folder: TempDir,
}

impl Traced {
    /// The store that it has left.
    pub(crate) fn store(&self) -> PathBuf {
        store_in(self.folder.path())
    }
}

impl Base {
    /// That of the plan with this seed, whose writers take so many steps.
    pub(crate) fn new(
        program: &Program,
        seed: u64,
        steps: u64,
        keep: &Keep,
    ) -> Result<Self, String> {
        let folder = keep.folder(true).map_err(|error| error.to_string())?;
        let ledger = Ledger::new(Death::Process);
        let mut base = Self { folder, seed, steps, ledger };
        let path = store_in(base.folder.path());
        let part = Part { steps: Some(30), traced: true, ..Part::new(&path, seed, 1) };
        let mut random = Random::new(seed);
        let last = match seed % 3 {
            0 => return Ok(base),
            1 => usize::MAX,
            _ => 300 + random.below(400),
        };
        let mut calls = 0;
        let kill_late = |_| {
            calls += 1;
            if calls > last { Deed::Kill } else { Deed::Go }
        };
        let (_, heard) = follow(program, &part, &mut base.ledger, kill_late, false)?;
        heard?;
        check(&path, seed, &mut base.ledger, How::Copied)?;
        Ok(base)
    }

    /// What it is, in words.
    pub(crate) fn words(&self) -> &'static str {
        ["a new store", "a closed store", "a killed writer's store"][(self.seed % 3) as usize]
    }

    /// A writer goes on from here, at each of whose system calls `each` decides what becomes of it.
    /// What it leaves is held to what it said.
    ///
    /// # Errors
    /// The harness itself can't go on.
    pub(crate) fn run(
        &self,
        program: &Program,
        faulty: bool,
        keep: &Keep,
        how: How,
        each: impl FnMut(Option<crate::trace::Call>) -> Deed,
    ) -> Result<Traced, String> {
        let folder = keep.folder(true).map_err(|error| error.to_string())?;
        let (from, path) = (store_in(self.folder.path()), store_in(folder.path()));
        if from.exists() {
            std::fs::copy(&from, &path).map_err(|error| format!("copying the base: {error}"))?;
        }
        let mut ledger = self.ledger.clone();
        let new = Part::new(&path, self.seed, 2);
        let part = Part { steps: Some(self.steps), traced: true, alone: true, faulty, ..new };
        let (status, heard) = follow(program, &part, &mut ledger, each, faulty)?;
        let wrong = heard.and_then(|()| check(&path, self.seed, &mut ledger, how));
        let wrong = wrong.map_err(|what| what + &ledger.last_words());
        Ok(Traced { was_killed: status.signal() == Some(9), wrong, folder })
    }
}

fn store_in(folder: &Path) -> PathBuf {
    folder.join("a.annals")
}

/// Starts a writer and traces it; the ledger takes in what it says.
fn follow(
    program: &Program,
    part: &Part,
    ledger: &mut Ledger,
    each: impl FnMut(Option<crate::trace::Call>) -> Deed,
    looks: bool,
) -> Result<(ExitStatus, Result<(), String>), String> {
    let mut writer = Player::start(program, &part.words()).map_err(|error| error.to_string())?;
    let status = trace(writer.id(), each, looks);
    let status = status.map_err(|error| format!("tracing a writer: {error}"))?;
    let ended = writer.end_with(status).map_err(|error| error.to_string())?;
    Ok((status, ended.tell(ledger)))
}
