//! Course subscriptions: decisions that no single stream could guard.
//!
//! A course has a number of seats, and a student takes at most two courses. So whether a student
//! may take a seat depends on events of the course and of the student. A decision reads exactly
//! those, by a query over tags, and is committed under the condition that no more of them have come
//! since: a dynamic consistency boundary. Decisions that have nothing in common never meet.
//!
//! `cargo run --example course_subscriptions`

use annals::{AppendError, Commit, Event, NewEvent, Query, QueryItem, Read, Store};
use std::error::Error;
use std::fmt;
use std::io::{Write, stdout};
use std::thread;

/// Courses that a student may take.
const MOST: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut stdout().lock())
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let store = Store::in_memory()?; // or Store::open("courses.annals")?

    // A name is given once: the condition is that the whole store has no such event.
    define(&store, "chess", 2)?;
    define(&store, "music", 9)?;
    define(&store, "rust", 9)?;
    match define(&store, "chess", 5) {
        Err(AppendError::AlreadyExists(found)) => {
            writeln!(out, "there is a chess course already, at position {}", found.position)?;
        }
        other => writeln!(out, "{other:?}")?,
    }

    // Ann and Bob each see two free seats, and decide to take one. Ann is faster.
    let ann = decide(&store, "chess", "ann")?;
    let bob = decide(&store, "chess", "bob")?;
    let eve = decide(&store, "music", "eve")?;
    writeln!(out, "ann has a seat in chess, at position {}", store.commit(ann)?.last)?;
    match store.commit(bob) {
        Err(AppendError::ConditionFailed(failed)) => {
            writeln!(out, "bob decided without the event at position {}", failed.position)?;
        }
        other => writeln!(out, "{other:?}")?,
    }
    // He looks again, and there is still a seat. For Eve nothing has changed.
    writeln!(out, "bob has a seat in chess, at position {}", subscribe(&store, "chess", "bob")?)?;
    writeln!(out, "eve has a seat in music, at position {}", store.commit(eve)?.last)?;

    // Where a seat is refused, the rules have refused it, not the store.
    let ann = ["chess", "music", "rust"].map(|course| (course, "ann"));
    for (course, student) in [("chess", "eve"), ("yoga", "eve")].into_iter().chain(ann) {
        match subscribe(&store, course, student) {
            Ok(position) => {
                writeln!(out, "{student} has a seat in {course}, at position {position}")?
            }
            Err(refused) => writeln!(out, "{student} has no seat in {course}: {refused}")?,
        }
    }

    // Twenty students run for the nine seats of a course, each in a thread of his own.
    let seats = thread::scope(|scope| {
        let run = |nth: u32| {
            let store = &store;
            scope.spawn(move || subscribe(store, "rust", &format!("runner{nth}")).is_ok())
        };
        let threads: Vec<_> = (0..20).map(run).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|seat| *seat).count()
    });
    writeln!(out, "of 20 runners {seats} have a seat in rust")?;

    // Whatever the streams, the tags find it.
    let about_ann = Query::from(QueryItem::new().tag("student:ann"));
    for event in store.query(&about_ann, Read::new())? {
        let event = event?;
        writeln!(out, "about ann: {} {:?}", event.event_type, event.tags)?;
    }
    Ok(())
}

/// Defines a course, whose name nobody else may have taken.
fn define(store: &Store, course: &str, seats: u64) -> Result<(), AppendError> {
    let tag = format!("course:{course}");
    let name = Query::from(QueryItem::new().event_type("CourseDefined").tag(&*tag));
    let defined = NewEvent::new("CourseDefined", seats.to_string()).tag(tag);
    store.commit(Commit::new().event(format!("course-{course}"), defined).fail_if_exists(name))?;
    Ok(())
}

/// Decides, and decides again as long as others are faster; the position of the event.
fn subscribe(store: &Store, course: &str, student: &str) -> Result<u64, Box<dyn Error>> {
    loop {
        let decision = decide(store, course, student)?;
        match store.commit(decision) {
            Err(AppendError::ConditionFailed(_)) => {}
            done => return Ok(done?.last.get()),
        }
    }
}

/// Reads what matters, and makes the commit that gives the student a seat; or says why not.
fn decide(store: &Store, course: &str, student: &str) -> Result<Commit, Box<dyn Error>> {
    let (course_tag, student_tag) = (format!("course:{course}"), format!("student:{student}"));
    // What the decision rests on: all of the course, and what courses the student has.
    let of_course = QueryItem::new().tag(&*course_tag);
    let of_student = QueryItem::new().event_type("StudentSubscribed").tag(&*student_tag);
    let boundary = Query::any([of_course, of_student]);

    let mut known = Known::default();
    let mut events = store.query(&boundary, Read::new())?;
    while let Some(event) = events.next_event()? {
        known.apply(&event, &course_tag, &student_tag)?;
    }
    known.check()?;

    let subscribed = NewEvent::new("StudentSubscribed", "").tag(course_tag).tag(student_tag);
    let commit = Commit::new().event(format!("course-{course}"), subscribed);
    // The marker says up to where all of it was seen.
    Ok(commit.fail_if_events_match(boundary, events.marker()))
}

/// What has to be known to decide.
#[derive(Default)]
struct Known {
    /// Nothing: there is no such course.
    seats: Option<u64>,
    /// Seats taken.
    taken: u64,
    /// Courses that the student takes.
    courses: u64,
    /// Whether this one is among them.
    is_in: bool,
}

impl Known {
    fn apply(
        &mut self,
        event: &Event<'_>,
        course: &str,
        student: &str,
    ) -> Result<(), Box<dyn Error>> {
        let tags = event.tags()?;
        let (course, student) = (tags.contains(course), tags.contains(student));
        match event.event_type()? {
            "CourseDefined" => self.seats = Some(serde_json::from_slice(event.payload)?),
            "StudentSubscribed" => {
                self.taken += u64::from(course);
                self.courses += u64::from(student);
                self.is_in |= course && student;
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refused> {
        match self.seats {
            None => Err(Refused::NoSuchCourse),
            _ if self.is_in => Err(Refused::IsIn),
            Some(seats) if self.taken >= seats => Err(Refused::Full { seats }),
            _ if self.courses >= MOST => Err(Refused::TooMany { courses: self.courses }),
            Some(_) => Ok(()),
        }
    }
}

/// Why a student gets no seat.
#[derive(Debug)]
enum Refused {
    NoSuchCourse,
    IsIn,
    Full { seats: u64 },
    TooMany { courses: u64 },
}

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCourse => write!(f, "there is no such course"),
            Self::IsIn => write!(f, "the student is in it already"),
            Self::Full { seats } => write!(f, "all {seats} seats are taken"),
            Self::TooMany { courses } => write!(f, "the student takes {courses} courses already"),
        }
    }
}
