//! Events that say who wrote them, in which commit, and where: so that whoever reads any of them
//! can tell whether it is right.

use super::Random;
use annals::{NewEvent, RecordedEvent};

/// What an event says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub writer: usize,
    /// The number of the writer's commit, and of the event in it, of so many.
    pub commit: u64,
    pub nth: usize,
    pub of: usize,
    pub stream: String,
    /// 0 if the writer could not know.
    pub version: u64,
}

impl Said {
    /// As an event, longer or shorter.
    pub fn event(&self, random: &mut Random) -> NewEvent {
        let Self { writer, commit, nth, of, stream, version } = self;
        let filler = match random.below(40) {
            0 => 5_000,
            1..10 => 300,
            _ => 20,
        };
        let filler = "x".repeat(random.below(filler) as usize);
        let payload = format!("{writer} {commit} {nth} {of} {stream} {version} {filler}");
        NewEvent::new(format!("Type{}", commit % 3), payload).tag(writer_tag(*writer))
    }

    fn of(event: &RecordedEvent) -> Self {
        let text = std::str::from_utf8(&event.payload).expect("payloads are texts");
        let parts: Vec<&str> = text.split(' ').collect();
        let number = |nth: usize| parts[nth].parse::<u64>().unwrap();
        Self {
            writer: number(0) as usize,
            commit: number(1),
            nth: number(2) as usize,
            of: number(3) as usize,
            stream: parts[4].to_owned(),
            version: number(5),
        }
    }
}

pub fn writer_tag(writer: usize) -> String {
    format!("writer:{writer}")
}

/// Checks one event by what it says.
pub fn check(event: &RecordedEvent) -> Said {
    let said = Said::of(event);
    assert_eq!(event.stream, said.stream, "{said:?}");
    assert!(said.version == 0 || event.version.get() == said.version, "{said:?} {}", event.version);
    assert_eq!(event.event_type, format!("Type{}", said.commit % 3), "{said:?}");
    assert!(event.tags.contains(&writer_tag(said.writer)), "{said:?} {:?}", event.tags);
    said
}

/// Checks events that are to stand side by side from this position on: none is missing, commits are
/// whole, and in the order of time. If they end a view, that is not within a commit.
pub fn check_run(events: &[RecordedEvent], first: u64, ends: bool) {
    assert!(events.is_sorted_by_key(|event| event.recorded), "time goes back");
    let mut before: Option<Said> = None;
    for (position, event) in (first..).zip(events) {
        assert_eq!(event.position.get(), position);
        let said = check(event);
        if let Some(before) = before {
            let goes_on = before.nth + 1 < before.of;
            let wanted = (before.writer, before.commit, before.nth + 1);
            let is_next = (said.writer, said.commit, said.nth) == wanted;
            assert!(if goes_on { is_next } else { said.nth == 0 }, "{before:?}, then {said:?}");
        }
        before = Some(said);
    }
    assert!(!ends || before.is_none_or(|last| last.nth + 1 == last.of), "half a commit");
}
