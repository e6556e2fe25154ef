//! What is known of a store over the lives of its writers, and what therefore has to be in it.

use crate::check::Found;
use crate::plan::{Mark, life_of};
use crate::said::{Said, What};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// What a writer dies of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Death {
    /// It is killed: everything that was acknowledged stays.
    Process,
    /// The power goes, or what was written is lost on its way: what was acknowledged as durable
    /// stays.
    Power,
}

/// What is known of a store.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    death: Death,
    threads: Vec<Known>,
    /// Up to here everything was said to be durable.
    durable: u64,
    /// The head and its chain when somebody last looked.
    head: u64,
    chain: u64,
    documents: BTreeMap<String, Mark>,
    session: u64,
    is_poisoned: bool,
    /// Whether what is said to be durable counts: not once the disk is off.
    is_on: bool,
    /// The last that was heard of where the writer is.
    pub(crate) phase: What,
    /// What was said last.
    last: VecDeque<Said>,
    /// Commits that were acknowledged, and those of them as durable.
    pub(crate) landed: u64,
    pub(crate) synced: u64,
}

/// So much of what was said last is shown if something is wrong.
const LAST: usize = 16;

/// What is known of the commits of one of the writer's threads.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last that was there when somebody looked.
    seen: u64,
    /// The last that was begun, acknowledged, acknowledged as durable.
    begun: u64,
    landed: u64,
    durable: u64,
    /// One that was refused, and not begun again.
    refused: Option<u64>,
    /// One that was begun after the store was poisoned.
    late: Option<u64>,
    /// Where commits were said to be.
    placed: Vec<(u64, u64, u64)>,
    /// The sessions since then, and after which commit each began.
    sessions: Vec<(u64, u64)>,
}

impl Ledger {
    /// Of a store that is not there yet.
    pub(crate) fn new(death: Death) -> Self {
        Self {
            death,
            threads: Vec::new(),
            durable: 0,
            head: 0,
            chain: 0,
            documents: BTreeMap::new(),
            session: 0,
            is_poisoned: false,
            is_on: true,
            phase: What::Done,
            last: VecDeque::new(),
            landed: 0,
            synced: 0,
        }
    }

    /// The head when somebody last looked.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The disk is switched off: what is called durable from now on is not believed.
    ///
    /// A sync that is under way when a file system is shut down may return as if all were well
    /// (ext4 and XFS, seen with a program of thirty lines). When the power goes, nobody is left to
    /// believe it.
    pub(crate) fn switch_off(&mut self) {
        self.is_on = false;
    }

    /// How many commits were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.threads.iter().map(|known| known.landed).sum()
    }

    /// What was said last, a line each.
    pub(crate) fn last_words(&self) -> String {
        self.last.iter().map(|said| format!("\n        said: {said}")).collect()
    }

    /// Whether anything has to be there.
    pub(crate) fn expects_a_store(&self) -> bool {
        self.session > 0
    }

    /// Takes in what the writer says, which may not contradict what it has said.
    pub(crate) fn hear(&mut self, said: Said) -> Result<(), String> {
        let Said { what, number, first, last, .. } = said;
        self.last.push_back(said);
        if self.last.len() > LAST {
            self.last.pop_front();
        }
        let (death, session, is_poisoned) = (self.death, self.session, self.is_poisoned);
        let is_on = self.is_on;
        let known = self.known(said.thread);
        match what {
            What::Opening => self.is_poisoned = false,
            What::Opened => self.session = number,
            What::Found => {
                known.reopened(number, death, session, is_on)?;
            }
            What::Begun => {
                known.begun = number;
                known.refused = None;
                known.late = is_poisoned.then_some(number);
            }
            What::Buffered | What::Synced => {
                if known.late == Some(number) {
                    return Err(format!("{said}: acknowledged after the store was poisoned"));
                }
                if number != known.begun || number != known.landed + 1 {
                    return Err(format!("{said} was not next: {known}"));
                }
                known.landed = number;
                if first <= last {
                    known.placed.push((number, first, last));
                }
                self.landed += 1;
                if what == What::Synced && is_on {
                    self.known(said.thread).durable = number;
                    self.durable = self.durable.max(last);
                    self.synced += 1;
                }
            }
            What::Refused => known.refused = Some(number),
            What::Unknown => self.is_poisoned = true,
            What::Durable if is_on => {
                known.durable = known.durable.max(number);
                self.durable = self.durable.max(last);
            }
            What::Closed if is_poisoned => return Err("a poisoned store was closed".to_owned()),
            What::Closed if is_on => {
                self.threads.iter_mut().for_each(|known| known.durable = known.landed);
            }
            What::Durable | What::Closed => {}
            What::Closing | What::Done | What::GaveUp | What::Seen => {}
        }
        if what.is_a_phase() {
            self.phase = what;
        }
        Ok(())
    }

    /// Holds what was found in the store to what is known of it. From now on that is what is known.
    pub(crate) fn judge(&mut self, found: &Found) -> Result<(), String> {
        if found.chain_before != Some(self.chain) {
            let now = found.chain_before;
            return Err(format!(
                "what was there up to position {} has changed: {now:?}",
                self.head
            ));
        }
        let head = found.walk.head;
        if head < self.durable {
            return Err(format!("the head is {head}, position {} was durable", self.durable));
        }
        let threads = self.threads.len().max(found.walk.threads.len());
        for thread in 0..threads {
            let (death, known) = (self.death, self.known(thread as u8));
            known.judge(thread, found, death).map_err(|what| format!("thread {thread}: {what}"))?;
        }
        for (key, mark) in &found.documents {
            let known = self.known(mark.thread);
            let is_as_before = mark.number > known.seen || self.documents.get(key) == Some(mark);
            if !is_as_before {
                return Err(format!("document {key} is of {mark:?} again"));
            }
            self.known(mark.thread).is_of_its_session(*mark)?;
        }
        for (thread, known) in self.threads.iter_mut().enumerate() {
            let number = found.number(thread);
            *known = Known {
                seen: number,
                begun: number,
                landed: number,
                durable: number,
                ..Known::default()
            };
        }
        self.documents.clone_from(&found.documents);
        (self.head, self.chain, self.durable) = (head, found.walk.chain, head);
        (self.is_poisoned, self.is_on) = (false, true);
        Ok(())
    }

    fn known(&mut self, thread: u8) -> &mut Known {
        let nth = usize::from(thread);
        if self.threads.len() <= nth {
            self.threads.resize_with(nth + 1, Known::default);
        }
        &mut self.threads[nth]
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seen, begun, landed, durable, .. } = self;
        write!(f, "{seen} seen, {begun} begun, {landed} acknowledged, {durable} as durable")
    }
}

impl Known {
    /// The last commit that has to be there.
    fn least(&self, death: Death) -> u64 {
        match death {
            Death::Process => self.landed,
            Death::Power => self.durable,
        }
    }

    /// So many are there, no matter who says so.
    fn holds(&self, number: u64, death: Death) -> Result<(), String> {
        if number < self.least(death) {
            return Err(format!("{number} commits are there: acknowledged ones are lost: {self}"));
        }
        if number > self.begun {
            return Err(format!("{number} commits are there, more than were begun: {self}"));
        }
        if self.refused.is_some_and(|refused| number >= refused) {
            return Err(format!("{number} commits are there, a refused one too: {self}"));
        }
        Ok(())
    }

    /// The writer has opened the store again and found so many.
    fn reopened(
        &mut self,
        number: u64,
        death: Death,
        session: u64,
        is_on: bool,
    ) -> Result<(), String> {
        self.holds(number, death)?;
        (self.begun, self.landed) = (number, number);
        if is_on {
            self.durable = number;
        }
        self.placed.retain(|(placed, ..)| *placed <= number);
        self.sessions.push((session, number));
        (self.refused, self.late) = (None, None);
        Ok(())
    }

    fn judge(&self, thread: usize, found: &Found, death: Death) -> Result<(), String> {
        let number = found.number(thread);
        self.holds(number, death)?;
        let Some(line) = found.walk.threads.get(thread) else { return Ok(()) };
        for &(placed, first, last) in self.placed.iter().filter(|(it, ..)| *it <= number) {
            let there = line.place(placed).map(|(_, first, last)| (first, last));
            if there != Some((first, last)) {
                return Err(format!("commit {placed} is at {there:?}, not {first} to {last}"));
            }
        }
        line.placed.iter().try_for_each(|(mark, ..)| self.is_of_its_session(*mark))
    }

    /// What has come since somebody looked is of the session that made it last: what was lost once
    /// has not come back.
    fn is_of_its_session(&self, mark: Mark) -> Result<(), String> {
        if mark.number <= self.seen {
            return Ok(());
        }
        let session = self.sessions.iter().rev().find(|(_, from)| *from < mark.number);
        if session.map(|(session, _)| *session) == Some(mark.session) {
            return Ok(());
        }
        let (life, number) = (life_of(mark.session), mark.number);
        Err(format!("commit {number} of life {life} has come back: {mark:?}, {:?}", self.sessions))
    }
}
