//! What a writer writes: each commit is made from the store's seed, the writer's thread and a
//! number, so whoever looks at a store knows what should be in it, and nothing else has to be kept.

use annals::Uuid;
use annals_sim::Random;

/// Which commit it is, and who made it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Mark {
    /// Which of the writer's threads; each counts its own commits.
    pub(crate) thread: u8,
    /// Which of that thread's commits, from 1.
    pub(crate) number: u64,
    /// In which session of the writer it was made: a commit that was lost and made again differs.
    pub(crate) session: u64,
}

/// A session's number: the writer's life above, which opening of the store in that life below.
pub(crate) fn session_of(life: u64, opening: u64) -> u64 {
    life << 16 | opening & 0xFFFF
}

/// The life that a session belongs to.
pub(crate) fn life_of(session: u64) -> u64 {
    session >> 16
}

/// A payload and a value begin with a mark, and with which of how many of the commit it is.
pub(crate) const MARK_LEN: usize = 24;

impl Mark {
    fn encode(self, nth: usize, of: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MARK_LEN);
        bytes.extend((nth as u16).to_le_bytes());
        bytes.extend((of as u16).to_le_bytes());
        bytes.extend([self.thread, 0, 0, 0]);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.session.to_le_bytes());
        bytes
    }

    /// The mark that bytes begin with, if they can.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
        };
        Some(Self { thread: *bytes.get(4)?, number: word(8)?, session: word(16)? })
    }
}

/// An event as it is planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PlannedEvent {
    pub(crate) stream: String,
    pub(crate) event_type: String,
    pub(crate) tags: Vec<String>,
    pub(crate) id: Option<Uuid>,
    pub(crate) correlation: Option<Uuid>,
    pub(crate) metadata: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
}

/// A document as it is planned: its key, and its value; none where it is deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PlannedDocument {
    pub(crate) key: String,
    pub(crate) value: Option<Vec<u8>>,
}

/// A commit as it is planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Planned {
    pub(crate) events: Vec<PlannedEvent>,
    pub(crate) documents: Vec<PlannedDocument>,
    /// What no other commit has: a condition may say that it is not there yet.
    pub(crate) only: Option<String>,
}

/// How many streams a thread has beside its main one.
const STREAMS: usize = 6;
/// How many documents a thread has.
const DOCUMENTS: usize = 4;
/// The one stream that all threads write to.
pub(crate) const SHARED: &str = "shared-0";

/// The stream that each commit of a thread begins with, if it has events.
pub(crate) fn main_stream(thread: u8) -> String {
    format!("main-{thread}")
}

/// The keys of a thread's documents.
pub(crate) fn keys(thread: u8) -> impl Iterator<Item = String> {
    (0..DOCUMENTS).map(move |nth| format!("doc/{thread}/{nth}"))
}

/// The commit with this mark, in the store with this seed.
pub(crate) fn planned(seed: u64, mark: Mark) -> Planned {
    let Mark { thread, number, .. } = mark;
    let place = u64::from(thread) << 56 ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut random = Random::new(seed.rotate_left(17) ^ place);
    let documents = random_documents(mark, &mut random);
    // Nobody can tell from a store how often what is absent was deleted: a commit without events
    // puts something, so that its number can be found.
    let told_apart = documents.iter().any(|document| document.value.is_some());
    if told_apart && random.one_in(3) {
        return Planned { events: Vec::new(), documents, only: None };
    }
    let only = random.one_in(8).then(|| format!("only:{thread}:{number}"));
    let with_ids = random.one_in(4);
    let count = match random.below(32) {
        0 => 24,
        1..8 => 3 + random.below(4),
        _ => 1 + random.below(2),
    };
    let events = (0..count).map(|nth| {
        let stream = match (nth, random.below(10)) {
            (0, _) => main_stream(thread),
            (_, 0) => SHARED.to_owned(),
            _ => format!("s{thread}-{}", random.below(STREAMS)),
        };
        let mut tags: Vec<String> =
            (0..random.below(3)).map(|tag| format!("tag:{tag}:{}", random.below(4))).collect();
        tags.extend(only.clone().filter(|_| nth == 0));
        let length = match random.below(64) {
            0 => 9_000,
            1..4 => 1_500,
            _ => random.below(160),
        };
        PlannedEvent {
            stream,
            event_type: format!("Type{}", random.below(5)),
            tags,
            id: with_ids.then(|| Uuid::from_u64_pair(random.bits(), random.bits())),
            correlation: random.one_in(6).then(|| Uuid::from_u128(number as u128 % 7 + 1)),
            metadata: random.one_in(5).then(|| filled(Vec::new(), random.below(30), &mut random)),
            payload: filled(mark.encode(nth, count), length, &mut random),
        }
    });
    Planned { events: events.collect(), documents, only: only.clone() }
}

fn random_documents(mark: Mark, random: &mut Random) -> Vec<PlannedDocument> {
    if random.one_in(2) {
        return Vec::new();
    }
    let (first, count) = (random.below(DOCUMENTS), 1 + random.below(2));
    let documents = (0..count).map(|nth| {
        let key = keys(mark.thread).nth((first + nth) % DOCUMENTS).unwrap_or_default();
        let length = if random.one_in(16) { 3_000 } else { random.below(120) };
        let put = !random.one_in(5);
        PlannedDocument { key, value: put.then(|| filled(mark.encode(nth, count), length, random)) }
    });
    documents.collect()
}

fn filled(mut bytes: Vec<u8>, length: usize, random: &mut Random) -> Vec<u8> {
    let end = bytes.len() + length;
    while bytes.len() < end {
        bytes.extend(random.bits().to_le_bytes());
    }
    bytes.truncate(end);
    bytes
}
