//! Plans: what a program does with a store, made from a seed, run on the store and on a model.

use crate::disk::{Op, SimDisk};
use crate::random::Random;
use annals::{
    Chore, Commit, Durability, ErrorKind, NewEvent, Options, Rules, Store, Uuid, Version,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An event as the model has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelEvent {
    pub(crate) stream: String,
    pub(crate) version: u64,
    pub(crate) event_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) tags: Vec<String>,
}

/// The key of a document, and the value that was put under it; nothing where it was deleted.
pub(crate) type Change = (&'static str, Option<Vec<u8>>);

/// A commit as the model has it.
#[derive(Clone, Debug)]
pub(crate) struct ModelCommit {
    pub(crate) events: Vec<ModelEvent>,
    pub(crate) documents: Vec<Change>,
    /// As it was made, so that it can be made once more.
    pub(crate) made: Commit,
}

/// A document as the model has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ModelDocument {
    pub(crate) revision: u64,
    pub(crate) head: u64,
    pub(crate) value: Option<Vec<u8>>,
}

/// The keys of all documents.
pub(crate) const KEYS: [&str; 4] = ["d/0", "d/1", "d/2", "e"];

/// What should be in the store: commits in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) commits: Vec<ModelCommit>,
}

impl Model {
    /// Each event, in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &ModelEvent> {
        self.commits.iter().flat_map(|commit| &commit.events)
    }

    /// The version of each stream.
    fn versions(&self) -> HashMap<&str, u64> {
        self.events().map(|event| (event.stream.as_str(), event.version)).collect()
    }

    /// Each document, those that were deleted too.
    pub(crate) fn documents(&self) -> BTreeMap<&'static str, ModelDocument> {
        let mut documents: BTreeMap<&'static str, ModelDocument> = BTreeMap::new();
        let mut head = 0;
        for commit in &self.commits {
            head += commit.events.len() as u64;
            for (key, value) in &commit.documents {
                let document = documents.entry(key).or_default();
                let (revision, value) = (document.revision + 1, value.clone());
                *document = ModelDocument { revision, head, value };
            }
        }
        documents
    }

    /// Only the first so many commits.
    pub(crate) fn cut(&self, commits: usize) -> Self {
        Self { commits: self.commits[..commits].to_vec() }
    }
}

/// How a store is opened here: small segments, no thread, repeatable.
pub(crate) fn options(rules: Rules, seed: u64) -> Options {
    let options = Options::new().segments(4_096, 8_192).without_keeper().rules(rules).seed(seed);
    // An index in memory so small that runs are written and merged all the time, or never written
    // but at closing.
    match seed % 4 {
        0 => options.tail(u64::MAX, u64::MAX),
        1 => options.tail(1, u64::MAX),
        2 => options.tail(4, 2_048),
        _ => options.tail(12, u64::MAX),
    }
}

/// A new store's bytes.
pub(crate) fn new_store(seed: u64) -> Vec<u8> {
    let disk = SimDisk::new(Vec::new());
    let store = options(Rules::ALL, seed).open_storage(Arc::new(disk.clone()));
    store.expect("a new store opens").close().expect("and closes");
    disk.durable()
}

/// What commits look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// All of the same length, so that what was written over may fit exactly.
    pub(crate) uniform: bool,
    /// Mostly buffered.
    pub(crate) buffered: bool,
}

impl Style {
    pub(crate) fn random(random: &mut Random) -> Self {
        Self { uniform: random.one_in(2), buffered: random.one_in(2) }
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
    let mut versions: HashMap<String, u64> =
        model.versions().into_iter().map(|(name, version)| (name.to_owned(), version)).collect();
    let mut events = Vec::new();
    let streams = if style.uniform { 1 } else { 1 + random.below(3) };
    let first = random.below(4);
    for nth in 0..streams {
        let stream = format!("s-{}", (first + nth) % 4);
        let version = versions.entry(stream.clone()).or_default();
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
                stream: stream.clone(),
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
    let there = model.documents();
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

/// Runs a plan of `steps` steps on a disk, noting what is begun, acknowledged and durable. Returns
/// the model of all that was begun, and the disk as the last process has it.
pub(crate) fn run(
    mut disk: SimDisk,
    mut model: Model,
    steps: usize,
    rules: Rules,
    random: &mut Random,
) -> Run {
    let style = Style::random(random);
    let mut store = match open(&disk, rules, random) {
        Ok(store) => store,
        Err(error) => return Run { model, disk, wrong: None, error: Some(error), store: None },
    };
    let there = model.commits.len();
    for note in [Op::Begun(there), Op::Acknowledged(there), Op::Durable(there)] {
        disk.note(note);
    }
    for _ in 0..steps {
        let result = match random.below(24) {
            0 => store.sync().map(|()| disk.note(Op::Durable(model.commits.len()))),
            1 => store.chore(Chore::Prepare),
            2 => store.chore(Chore::Mark).map(|()| disk.note(Op::Durable(model.commits.len()))),
            3 => {
                let closed = store.close();
                drop(store);
                if closed.is_ok() {
                    disk.note(Op::Durable(model.commits.len()));
                }
                match open(&disk, rules, random) {
                    Ok(opened) => store = opened,
                    Err(error) => {
                        return Run { model, disk, wrong: None, error: Some(error), store: None };
                    }
                }
                closed
            }
            // Runs are written, merged, and their room used again.
            5 | 6 => store.chore(Chore::Index),
            4 => {
                // The process dies and another one goes on; the machine stays up.
                disk = disk.kill();
                match open(&disk, rules, random) {
                    Ok(opened) => store = opened,
                    Err(error) => {
                        return Run { model, disk, wrong: None, error: Some(error), store: None };
                    }
                }
                disk.note(Op::Durable(model.commits.len()));
                Ok(())
            }
            _ => {
                let commit = next_commit(&model, style, random);
                let made = commit.made.clone();
                let durability = match (style.buffered, random.below(8)) {
                    (_, 0) => Durability::Strict,
                    (true, 1..7) | (false, 1..3) => Durability::Buffered,
                    _ => Durability::Synced,
                };
                model.commits.push(commit);
                disk.note(Op::Begun(model.commits.len()));
                let done = store.commit(made.durability(durability));
                match done {
                    Ok(_) => {
                        disk.note(Op::Acknowledged(model.commits.len()));
                        if durability != Durability::Buffered {
                            disk.note(Op::Durable(model.commits.len()));
                        }
                        Ok(())
                    }
                    Err(annals::AppendError::OutcomeUnknown(error)) => Err(error),
                    Err(error) => {
                        // Refused: nothing of it is there, and nothing of it may come.
                        model.commits.pop();
                        let full = error.kind() == Some(ErrorKind::Full)
                            || error.kind() == Some(ErrorKind::Io);
                        disk.note(Op::Begun(model.commits.len()));
                        if !full {
                            let wrong = Some(format!("a commit as expected was refused: {error}"));
                            return Run { model, disk, wrong, error: None, store: Some(store) };
                        }
                        Ok(())
                    }
                }
            }
        };
        if let Err(error) = result {
            return Run { model, disk, wrong: None, error: Some(error), store: Some(store) };
        }
    }
    Run { model, disk, wrong: None, error: None, store: Some(store) }
}

/// What came of a plan.
pub(crate) struct Run {
    /// All that was begun.
    pub(crate) model: Model,
    /// The disk.
    pub(crate) disk: SimDisk,
    /// What the store did that it may not, if it did.
    pub(crate) wrong: Option<String>,
    /// What stopped it, if something did.
    pub(crate) error: Option<annals::Error>,
    /// The store, left open.
    pub(crate) store: Option<Store>,
}

fn open(disk: &SimDisk, rules: Rules, random: &mut Random) -> Result<Store, annals::Error> {
    options(rules, random.bits()).open_storage(Arc::new(disk.clone()))
}
