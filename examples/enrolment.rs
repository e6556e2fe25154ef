//! Enrolment: a decision that rests on two states, by a unit of work over tags.
//!
//! A course has a number of seats, a student takes two courses at the most. So who enrols somebody
//! has to know both, and neither may change before it is done. A unit of work loads each state
//! once, by the tags of its events, buffers what is decided, and commits it on condition that
//! nothing has come in between that either state rests on. `course_subscriptions` does the same
//! with the store alone.
//!
//! `cargo run --example enrolment`

use annals::toolkit::{
    Boundary, Codec, Envelope, Evolve, ExecuteError, Handle, Metadata, MetadataTags, Port,
    Repository, Retry, ToolError, UnitOfWork,
};
use annals::{Commit, Position, Query, QueryItem, Read, Store, event_types};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::io::{Write, stdout};
use std::thread;

/// Courses that a student may take.
const MOST: usize = 2;

/// What happens.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Campus {
    CourseDefined { course: String, seats: u64 },
    StudentEnrolled { course: String, student: String },
}

event_types! {
    Campus {
        CourseDefined => "CourseDefined" version 1,
        StudentEnrolled => "StudentEnrolled" version 1,
    }
}

/// How events are written, and by which tags they are found: those that the event itself gives, and
/// those that are made of what its metadata say.
fn codec() -> Codec<Campus> {
    Codec::json()
        .tags(|event: &Campus, _: &_| match event {
            Campus::CourseDefined { course, .. } => vec![format!("course:{course}")],
            Campus::StudentEnrolled { course, student } => {
                vec![format!("course:{course}"), format!("student:{student}")]
            }
        })
        .tags(MetadataTags::of(["campus"]))
}

/// How many seats a course has, and how many of them are taken.
struct Course;

#[derive(Default)]
struct Seats {
    /// Nothing: there is no such course.
    of: Option<u64>,
    taken: u64,
}

impl Evolve for Course {
    type State = Seats;
    type Event = Campus;

    fn initial(&self) -> Seats {
        Seats::default()
    }

    fn evolve(&self, seats: &mut Seats, event: &Campus) {
        match event {
            Campus::CourseDefined { seats: of, .. } => seats.of = Some(*of),
            Campus::StudentEnrolled { .. } => seats.taken += 1,
        }
    }
}

/// Which courses a student takes.
struct Student;

impl Evolve for Student {
    type State = Vec<String>;
    type Event = Campus;

    fn initial(&self) -> Vec<String> {
        Vec::new()
    }

    fn evolve(&self, courses: &mut Vec<String>, event: &Campus) {
        if let Campus::StudentEnrolled { course, .. } = event {
            courses.push(course.clone());
        }
    }
}

/// The two kinds of state, and who makes them.
struct School {
    port: Port,
    courses: Repository<Course>,
    students: Repository<Student>,
}

/// What both states are, in a unit of work.
struct Seen {
    seats: Handle<Seats>,
    courses: Handle<Vec<String>>,
}

impl School {
    fn new(store: &Store) -> Result<Self, ToolError> {
        let port = Port::new(store);
        let courses = Repository::new(&port, "course", Course, codec())?;
        let students = Repository::new(&port, "student", Student, codec())?;
        Ok(Self { port, courses, students })
    }

    /// A unit of work, to be begun.
    fn unit(&self) -> UnitOfWork<Campus> {
        UnitOfWork::new(&self.port, codec())
    }

    /// What a decision rests on that is about this: `course:chess`.
    fn about(tag: &str) -> Boundary {
        Boundary::query(tag, criteria(tag), "campus")
    }

    /// Loads both, once each.
    fn look(
        &self,
        unit: &mut UnitOfWork<Campus>,
        course: &str,
        student: &str,
    ) -> Result<Seen, ToolError> {
        let seats = unit.load(&self.courses, &Self::about(&format!("course:{course}")))?;
        let courses = unit.load(&self.students, &Self::about(&format!("student:{student}")))?;
        Ok(Seen { seats, courses })
    }

    /// Enrols a student, within a unit of work that is open.
    fn enrol(
        &self,
        unit: &mut UnitOfWork<Campus>,
        course: &str,
        student: &str,
    ) -> Result<Seen, ExecuteError<Refused>> {
        let seen = self.look(unit, course, student)?;
        let (seats, courses) = (unit.state(seen.seats)?, unit.state(seen.courses)?);
        let refused = match seats.of {
            None => Some(Refused::NoSuchCourse),
            Some(_) if courses.iter().any(|taken| taken == course) => Some(Refused::IsIn),
            Some(of) if seats.taken >= of => Some(Refused::Full { seats: of }),
            Some(_) if courses.len() >= MOST => Some(Refused::TooMany),
            Some(_) => None,
        };
        if let Some(refused) = refused {
            return Err(ExecuteError::Refused(refused));
        }
        let (course, student) = (course.to_owned(), student.to_owned());
        let stream = format!("student-{student}");
        // The metadata give one more tag.
        let envelope = Envelope::new().metadata(Metadata::new().set("campus", "north"));
        unit.append(stream, &Campus::StudentEnrolled { course, student }, &envelope)?;
        Ok(seen)
    }
}

/// The events that have this tag.
fn criteria(tag: &str) -> Query {
    Query::from(QueryItem::new().tag(tag))
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut stdout().lock())
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let school = School::new(&Store::in_memory()?)?; // or Store::open("school.annals")?

    // Two phases: staged, a commit is checked, and seen by nobody before it is committed.
    for (course, seats) in [("chess", 2), ("music", 9), ("rust", 9)] {
        let course = course.to_owned();
        let stream = format!("course-{course}");
        let name = criteria(&format!("course:{course}"));
        let event = codec().encode(&Campus::CourseDefined { course, seats }, &Envelope::new())?;
        let staged = school.port.stage(Commit::new().event(stream, event).fail_if_exists(name))?;
        let head = school.port.head()?;
        writeln!(out, "staged at head {head}, then at {}", staged.commit()?.marker())?;
    }

    // A unit of work is begun, then open until it is committed or rolled back. What is called in
    // another phase is an error that says so.
    let mut unit = school.unit();
    outside(&school, &mut unit, out)?;
    unit.begin()?;
    let seen = school.enrol(&mut unit, "chess", "ann")?;
    // What is appended is in both states at once, and in nobody else's before the commit.
    let (seats, courses) = (unit.state(seen.seats)?, unit.state(seen.courses)?);
    writeln!(out, "in the unit: {} seat taken, ann takes {courses:?}", seats.taken)?;
    let others = school.courses.load(&School::about("course:chess"))?;
    writeln!(out, "for others: {} seats taken", others.state.taken)?;
    let marker = unit.commit()?.appended.map(|appended| appended.marker());
    writeln!(out, "committed, up to {:?}", marker.unwrap_or_default())?;
    outside(&school, &mut unit, out)?;

    // Bob and Eve see the last seat, each in a unit of their own, and both want it.
    let (mut bob, mut eve) = (school.unit(), school.unit());
    bob.begin()?;
    eve.begin()?;
    school.enrol(&mut bob, "chess", "bob")?;
    school.enrol(&mut eve, "chess", "eve")?;
    bob.commit()?;
    match eve.commit() {
        Err(error) if error.is_conflict() => writeln!(out, "eve was too late: {}", told(&error))?,
        other => writeln!(out, "{other:?}")?,
    }
    // `run` begins, works and commits, and looks again if somebody was faster. Now there is none.
    for (course, student) in [
        ("chess", "eve"),
        ("music", "eve"),
        ("music", "ann"),
        ("rust", "ann"),
        ("music", "ann"),
        ("yoga", "eve"),
    ] {
        let enrol = |unit: &mut UnitOfWork<Campus>| school.enrol(unit, course, student);
        match unit.run(&Retry::default(), enrol) {
            Ok(_) => writeln!(out, "{student} is in {course}")?,
            Err(error) => writeln!(out, "{student} is not in {course}: {error}")?,
        }
    }

    // Twenty students run for the nine seats of a course, each in a thread of his own.
    let seats = thread::scope(|scope| {
        let run = |nth: u32| {
            let school = &school;
            scope.spawn(move || {
                let student = format!("runner{nth}");
                let retry = Retry::new(1_000);
                school.unit().run(&retry, |unit| school.enrol(unit, "rust", &student)).is_ok()
            })
        };
        let threads: Vec<_> = (0..20).map(run).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|seat| *seat).count()
    });
    writeln!(out, "of 20 runners {seats} are in rust")?;

    // Criteria give events and a marker: up to where they were looked for. It is a position, so the
    // lower bound of two is what both have seen.
    let source = |tag: &str, read: Read<Position>| {
        school.port.query(&criteria(tag), read)?.events_and_marker()
    };
    let (chess, upper) = source("course:chess", Read::new())?;
    let (music, lower) = source("course:music", Read::new().to(6))?;
    writeln!(out, "chess: {} events up to {upper}", chess.len())?;
    writeln!(out, "music: {} events up to {lower}", music.len())?;
    let (lower, upper) = (lower.min(upper), lower.max(upper));
    writeln!(out, "both seen up to {lower}, one up to {upper}, none before {}", Position::START)?;
    // What has come after a marker.
    let (since, _) = source("course:music", Read::new().after(lower))?;
    writeln!(out, "music since {lower}: {:?}", since.first().map(|event| &event.tags))?;
    // Found by the tag that its metadata gave.
    let (north, _) = source("campus:north", Read::new())?;
    writeln!(out, "enrolled at the north campus: {}", north.len())?;
    Ok(())
}

/// What cannot be done with a unit of work that is not open.
fn outside(
    school: &School,
    unit: &mut UnitOfWork<Campus>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let enrolled = Campus::StudentEnrolled { course: "chess".into(), student: "ann".into() };
    if let Err(error) = unit.append("student-ann", &enrolled, &Envelope::new()) {
        writeln!(out, "error: {error}")?;
    }
    if let Err(error) = school.look(unit, "chess", "ann") {
        writeln!(out, "error: {error}")?;
    }
    Ok(())
}

/// What a commit met that somebody else has hindered.
fn told(error: &ToolError) -> String {
    let failed = error.append_error().and_then(|error| error.condition_failed());
    failed.map_or_else(|| error.to_string(), |failed| format!("#{} has come", failed.position))
}

/// Why a student is not enrolled.
#[derive(Debug)]
enum Refused {
    NoSuchCourse,
    IsIn,
    Full { seats: u64 },
    TooMany,
}

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCourse => write!(f, "there is no such course"),
            Self::IsIn => write!(f, "the student is in it already"),
            Self::Full { seats } => write!(f, "all {seats} seats are taken"),
            Self::TooMany => write!(f, "the student takes {MOST} courses already"),
        }
    }
}
