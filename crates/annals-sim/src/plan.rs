//! Plans: what a program does with a store, made from a seed.

use crate::clock::Ticks;
use crate::crash::Tearing;
use crate::disk::SimDisk;
use crate::model::{Change, KEYS, Model, ModelCommit, ModelEvent, STREAMS};
use crate::random::Random;
use annals::{Commit, Durability, NewEvent, Options, Rules, Uuid, Version};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What a program does, step by step. Each step has a seed of its own, so that steps can be left
/// out and the others stay what they are.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) style: Style,
    pub(crate) steps: Vec<(Step, u64)>,
}

/// A step of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A commit is made.
    Commit(Durability),
    /// Everything is synced.
    Sync,
    /// The next segment is prepared.
    Prepare,
    /// The watermark goes to a slot.
    Mark,
    /// Runs are written, merged, and their room used again.
    Index,
    /// The store is closed, and opened again.
    Reopen,
    /// The process dies and another one goes on; the machine stays up.
    Die,
    /// Another process looks: what it has seen is never taken back.
    Follow,
    /// A copy is made, and the copy's own disk crashes.
    Backup,
    /// The store is written anew.
    Compact,
}

/// What commits and the disk look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// All of the same length, so that what was written over may fit exactly.
    pub(crate) uniform: bool,
    /// Mostly buffered.
    pub(crate) buffered: bool,
    /// Each commit begins a sector, and torn sectors are spoilt wholly.
    pub(crate) padded: bool,
}

impl Style {
    fn random(random: &mut Random) -> Self {
        Self { uniform: random.one_in(2), buffered: random.one_in(2), padded: random.one_in(4) }
    }

    /// What the disk does to torn sectors.
    pub(crate) fn tearing(self) -> Tearing {
        if self.padded { Tearing::Spoils } else { Tearing::SparesWhatIsTheSame }
    }

    /// How a store is opened: small segments, no thread, repeatable.
    pub(crate) fn options(self, rules: Rules, seed: u64) -> Options {
        let options = Options::new().segments(4_096, 8_192).without_keeper();
        let options = options.rules(rules).seed(seed).clock(Ticks);
        let options = if self.padded { options.pad_to_sector() } else { options };
        // Blocks of a page or two, or a segment; or nothing is filled with zeros, so that few
        // sectors are written at a time.
        let options = options.write_block(match seed / 4 % 4 {
            0 => 4_096 << (seed / 16 % 2),
            1 => 65_536,
            _ => 1,
        });
        // An index in memory so small that runs are written and merged all the time, or never
        // written but at closing.
        match seed % 4 {
            0 => options.tail(u64::MAX, u64::MAX),
            1 => options.tail(1, u64::MAX),
            2 => options.tail(4, 2_048),
            _ => options.tail(12, u64::MAX),
        }
    }

    /// A new store's bytes.
    pub(crate) fn new_store(self, seed: u64) -> Vec<u8> {
        let disk = SimDisk::new(Vec::new());
        let store = self.options(Rules::ALL, seed).open_storage(Arc::new(disk.clone()));
        store.expect("a new store opens").close().expect("and closes");
        disk.durable()
    }
}

impl Plan {
    /// The plan of this seed, with so many steps.
    pub(crate) fn new(steps: usize, random: &mut Random) -> Self {
        let style = Style::random(random);
        let steps = (0..steps).map(|_| (Step::random(style, random), random.bits())).collect();
        Self { style, steps }
    }
}

impl Step {
    fn random(style: Style, random: &mut Random) -> Self {
        match random.below(48) {
            0 | 1 => Self::Sync,
            2 | 3 => Self::Prepare,
            4 | 5 => Self::Mark,
            6 | 7 => Self::Reopen,
            8 | 9 => Self::Die,
            10..14 => Self::Index,
            14 => Self::Backup,
            15 if random.one_in(3) => Self::Compact,
            16..19 => Self::Follow,
            _ => Self::Commit(match (style.buffered, random.below(8)) {
                (_, 0) => Durability::Strict,
                (true, 1..7) | (false, 1..3) => Durability::Buffered,
                _ => Durability::Synced,
            }),
        }
    }
}

/// A step a line, for whoever reads what is left of a failing plan.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.style)?;
        for (nth, (step, seed)) in self.steps.iter().enumerate() {
            writeln!(f, "  {nth}: {step:?} (seed {seed:#x})")?;
        }
        Ok(())
    }
}

/// Makes the next commit.
pub(crate) fn next_commit(model: &Model, style: Style, random: &mut Random) -> ModelCommit {
    let (mut made, mut documents) = (Commit::new(), Vec::new());
    if !style.uniform && random.one_in(2) {
        (made, documents) = next_documents(model, random);
    }
    // Nobody can tell from a store how often what is absent was deleted, so a commit without events
    // puts something: then no two prefixes look the same, and `check::prefix` says which one it is.
    let told_apart = documents.iter().any(|(_, value)| value.is_some());
    if told_apart && random.one_in(3) {
        return ModelCommit { events: Vec::new(), documents, made };
    }
    let mut versions: HashMap<&str, u64> = model.versions();
    let mut events = Vec::new();
    let streams = if style.uniform { 1 } else { 1 + random.below(3) };
    let first = random.below(4);
    for nth in 0..streams {
        let stream = STREAMS[(first + nth) % 4];
        let version = versions.entry(stream).or_default();
        let before = *version;
        let count = if style.uniform { 1 } else { 1 + random.below(3) };
        let mut new = Vec::new();
        for _ in 0..count {
            *version += 1;
            let length = match style.uniform {
                true => 200,
                false if random.one_in(8) => 1_500,
                false => random.below(400),
            };
            let event = ModelEvent {
                stream: stream.to_owned(),
                version: *version,
                event_type: format!("Type{}", random.below(3)),
                payload: (0..length).map(|_| random.byte()).collect(),
                tags: (0..random.below(3)).map(|nth| format!("tag:{nth}")).collect(),
            };
            let id = Uuid::from_u64_pair(random.bits(), random.bits());
            let to_append = NewEvent::new(&*event.event_type, &*event.payload).id(id);
            new.push(to_append.tags(event.tags.clone()));
            events.push(event);
        }
        made = made.append(stream, Version::new(before), new);
    }
    ModelCommit { events, documents, made }
}

/// Some documents that are put or deleted, each over the revision that it has.
fn next_documents(model: &Model, random: &mut Random) -> (Commit, Vec<Change>) {
    let there = model.documents(model.commits.len());
    let first = random.below(KEYS.len());
    let mut made = Commit::new();
    let mut documents = Vec::new();
    for nth in 0..1 + random.below(3) {
        let key = KEYS[(first + nth) % KEYS.len()];
        let now = there.get(key).filter(|document| document.value.is_some());
        let revision = now.map_or(0, |document| document.revision);
        if random.one_in(4) {
            made = made.delete_over(key, revision);
            documents.push((key, None));
        } else {
            let length = if random.one_in(8) { 1_500 } else { random.below(200) };
            let value: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            made = made.put_over(key, revision, value.clone());
            documents.push((key, Some(value)));
        }
    }
    (made, documents)
}
