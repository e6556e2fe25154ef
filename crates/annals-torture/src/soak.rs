//! A soak: one writer, four readers, each killed and started again at random, and copies made of
//! the live file.

use crate::check::{look, walk_on};
use crate::kill::{How, check};
use crate::ledger::{Death, Ledger};
use crate::outcome::{Keep, Outcome, Progress};
use crate::process::{Player, Program};
use crate::reader::{Manner, Reading};
use crate::said::What;
use crate::walk::Walk;
use crate::writer::Part;
use annals::{Options, Store};
use annals_sim::Random;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one store is used at the most; then the next one is begun.
const STORE_LIVES: Duration = Duration::from_secs(45);
/// Between two looks at all of them.
const TICK: Duration = Duration::from_millis(20);
/// The readers.
const READERS: [Manner; 4] = [Manner::Follow, Manner::Scan, Manner::Follow, Manner::Scan];
/// Mean times between two kills of the writer, of one of the readers, and between two copies.
const WRITER_LIVES: Duration = Duration::from_millis(1_200);
const READERS_LIVE: Duration = Duration::from_millis(900);
const COPIES: Duration = Duration::from_millis(2_500);

#[derive(Default)]
struct Counts {
    stores: u64,
    writers: u64,
    readers: u64,
    copies: u64,
    landed: u64,
    /// How often a reader said what it had seen.
    seen: u64,
    events: u64,
}

/// Soaks for so long; the writer rests for `pace` after each step.
pub fn soak(program: &Program, time: Duration, pace: Duration, seed: u64, keep: &Keep) -> Outcome {
    let progress = Progress::new("seconds", time.as_secs());
    let end = Instant::now() + time;
    let (mut counts, mut violations) = (Counts::default(), Vec::new());
    while Instant::now() < end && violations.is_empty() {
        let seed = seed.wrapping_add(counts.stores);
        let until = end.min(Instant::now() + STORE_LIVES.min(time / 2));
        let folder = match keep.folder(false) {
            Ok(folder) => folder,
            Err(error) => {
                violations.push(format!("no folder for a store: {error}"));
                break;
            }
        };
        let path = folder.path().join("a.annals");
        let mut soaking = Soaking::new(program, &path, seed, pace);
        let done = soaking.go_on(until, &progress).and_then(|()| soaking.finish());
        counts.add(&soaking.counts);
        if let Err(what) = done {
            let kept = keep.file(&path, &format!("soak-{seed}"));
            let last = soaking.ledger.last_words();
            let again = format!("annals-torture soak {} --seed {seed}", time.as_secs());
            violations
                .push(format!("store {seed}: {what}{last}\n    kept: {kept}\n    again: {again}"));
        }
    }
    let Counts { stores, writers, readers, copies, landed, seen, events } = counts;
    let figures = format!(
        "{stores} stores with {events} events, {landed} commits acknowledged, {writers} writers \
         and {readers} readers killed, {seen} times that a reader said what it had seen, {copies} \
         copies checked"
    );
    progress.done(figures, violations)
}

impl Counts {
    fn add(&mut self, other: &Self) {
        let Self { stores, writers, readers, copies, landed, seen, events } = other;
        self.stores += stores;
        self.writers += writers;
        self.readers += readers;
        self.copies += copies;
        self.landed += landed;
        self.seen += seen;
        self.events += events;
    }
}

/// One store, and all who have to do with it.
struct Soaking<'a> {
    program: &'a Program,
    path: &'a Path,
    seed: u64,
    pace: Duration,
    random: Random,
    ledger: Ledger,
    life: u64,
    writer: Option<Player>,
    readers: Vec<(Manner, Player)>,
    /// The chain at each position that somebody has said something of.
    chains: BTreeMap<u64, u64>,
    counts: Counts,
}

impl<'a> Soaking<'a> {
    fn new(program: &'a Program, path: &'a Path, seed: u64, pace: Duration) -> Self {
        let counts = Counts { stores: 1, ..Counts::default() };
        Self {
            program,
            path,
            seed,
            pace,
            random: Random::new(seed),
            ledger: Ledger::new(Death::Process),
            life: 0,
            writer: None,
            readers: Vec::new(),
            chains: BTreeMap::new(),
            counts,
        }
    }

    fn go_on(&mut self, until: Instant, progress: &Progress) -> Result<(), String> {
        let mut second = Instant::now();
        while Instant::now() < until {
            self.start_who_is_missing()?;
            std::thread::sleep(TICK);
            self.listen()?;
            if self.is_due(WRITER_LIVES) {
                self.kill_writer()?;
            }
            if self.is_due(READERS_LIVE) {
                self.kill_reader()?;
            }
            if self.is_due(COPIES) {
                self.copy()?;
            }
            while second.elapsed() >= Duration::from_secs(1) {
                second += Duration::from_secs(1);
                progress.step();
            }
        }
        Ok(())
    }

    /// Whether it is time, for what happens so often on the average.
    fn is_due(&mut self, every: Duration) -> bool {
        self.random.one_in((every.as_micros() / TICK.as_micros()) as usize)
    }

    fn start_who_is_missing(&mut self) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        if self.writer.is_none() {
            self.life += 1;
            let pace = self.pace;
            let part = Part { pace, ..Part::new(self.path, self.seed, self.life) };
            self.writer = Some(Player::start(self.program, &part.words()).map_err(failed)?);
        }
        if !self.path.exists() {
            return Ok(());
        }
        for manner in READERS.into_iter().skip(self.readers.len()) {
            let (store, seed) = (self.path.to_owned(), self.seed);
            let reading = Reading { store, seed, manner, seen: self.seen() };
            let reader = Player::start(self.program, &reading.words()).map_err(failed)?;
            self.readers.push((manner, reader));
        }
        Ok(())
    }

    /// The last position that somebody has seen.
    fn seen(&self) -> u64 {
        self.chains.last_key_value().map_or(0, |(position, _)| *position)
    }

    /// Takes in what all have said. Nobody ends by himself.
    fn listen(&mut self) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        if let Some(writer) = &mut self.writer {
            if writer.has_ended().map_err(failed)? {
                return writer.end().map_err(failed)?.tell(&mut self.ledger);
            }
            writer.take().into_iter().try_for_each(|said| self.ledger.hear(said))?;
        }
        let mut said = Vec::new();
        for (_, reader) in &mut self.readers {
            if reader.has_ended().map_err(failed)? {
                return Err(format!("a reader: {}", reader.end().map_err(failed)?.how()));
            }
            said.extend(reader.take());
        }
        said.into_iter().try_for_each(|said| self.saw(said.last, said.number))
    }

    /// Somebody has seen this position, and that everything up to it amounts to this.
    fn saw(&mut self, position: u64, chain: u64) -> Result<(), String> {
        self.counts.seen += 1;
        match self.chains.insert(position, chain) {
            Some(before) if before != chain => {
                Err(format!("two readers have seen different events up to position {position}"))
            }
            _ => Ok(()),
        }
    }

    fn kill_writer(&mut self) -> Result<(), String> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        self.counts.writers += 1;
        let ended = writer.kill().map_err(|error| error.to_string())?;
        ended.tell(&mut self.ledger)?;
        // Mostly the next writer comes at once; sometimes somebody looks first at what is left.
        if self.random.one_in(6) {
            check(self.path, self.seed, &mut self.ledger, How::Copied)?;
        }
        Ok(())
    }

    fn kill_reader(&mut self) -> Result<(), String> {
        if self.readers.len() < READERS.len() {
            return Ok(());
        }
        // The one that was started first, of each manner in turn.
        let (_, reader) = self.readers.remove(0);
        self.counts.readers += 1;
        let ended = reader.kill().map_err(|error| error.to_string())?;
        for said in ended.said.iter().filter(|said| said.what == What::Seen) {
            self.saw(said.last, said.number)?;
        }
        if ended.is_as_it_may() { Ok(()) } else { Err(format!("a reader: {}", ended.how())) }
    }

    /// Copies the live file, and looks at the copy.
    fn copy(&mut self) -> Result<(), String> {
        if self.readers.is_empty() {
            return Ok(());
        }
        let seen = self.seen();
        let to = self.path.with_extension("backup");
        let opened = Store::open_read_only(self.path);
        let copied = opened.and_then(|store| {
            store.wait(seen.saturating_sub(1), Duration::from_secs(20))?;
            store.backup_to(&to)
        });
        copied.map_err(|error| format!("copying it: {error:?}"))?;
        let copy = Options::new().create(false).open(&to);
        let copy = copy.map_err(|error| format!("opening a copy: {error:?}"))?;
        let found = look(&copy, self.seed, 0).map_err(|what| format!("a copy: {what}"))?;
        if found.walk.head < seen {
            return Err(format!("a copy ends at {}, {seen} was seen before", found.walk.head));
        }
        self.saw(found.walk.head, found.walk.chain)?;
        drop(copy);
        self.counts.copies += 1;
        std::fs::remove_file(&to).map_err(|error| error.to_string())
    }

    /// All are killed, and everything that was ever seen is there.
    fn finish(&mut self) -> Result<(), String> {
        self.listen()?;
        self.kill_writer()?;
        while !self.readers.is_empty() {
            let (_, reader) = self.readers.remove(0);
            let ended = reader.kill().map_err(|error| error.to_string())?;
            if !ended.is_as_it_may() {
                return Err(format!("a reader: {}", ended.how()));
            }
        }
        check(self.path, self.seed, &mut self.ledger, How::Closing)?;
        let store = Store::open_read_only(self.path).map_err(|error| error.to_string())?;
        let view = store.view().map_err(|error| error.to_string())?;
        let (mut walk, mut wrong) = (Walk::new(self.seed), None);
        walk_on(&view, &mut walk, |walk| {
            let said = self.chains.get(&walk.head);
            if said.is_some_and(|chain| *chain != walk.chain) {
                wrong.get_or_insert(walk.head);
            }
        })?;
        if let Some(position) = wrong {
            return Err(format!("a reader has seen other events up to position {position}"));
        }
        if walk.head < self.seen() {
            return Err(format!("{} was seen, {} is the last", self.seen(), walk.head));
        }
        self.counts.events += walk.head;
        self.counts.landed += self.ledger.landed;
        Ok(())
    }
}
