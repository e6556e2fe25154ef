//! A session: what the writer does between opening a store and closing it.

use super::hand::{Hand, Trouble};
use super::{Part, WRONG};
use crate::said::{Said, What};
use annals::{Chore, Durability, Error, Store};
use annals_sim::Random;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// How many threads there may be.
const THREADS: u8 = 3;
/// A commit that is refused is tried so many times before the store is closed.
const TRIES: u32 = 3;
/// A store with more events is not verified by the writer.
const SMALL: u64 = 3_000;

/// How a session has ended.
pub(super) enum End {
    /// The store was closed.
    Closed,
    /// The system has failed it.
    Failed(Error),
}

/// A store that is open.
pub(super) struct Session<'a> {
    part: &'a Part,
    store: Store,
    number: u64,
    random: &'a mut Random,
    /// Whether it commits mostly without waiting for syncs.
    is_buffered: bool,
    /// Whether anything was acknowledged.
    pub(super) has_landed: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(part: &'a Part, store: Store, number: u64, random: &'a mut Random) -> Self {
        let is_buffered = random.one_in(2);
        Self { part, store, number, random, is_buffered, has_landed: false }
    }

    /// Works until the steps are done, or the store is to be closed, or it fails.
    pub(super) fn run(&mut self, threads: u8, steps: &mut u64) -> Result<End, String> {
        let store = self.store.clone();
        let ended = self.work(&store, threads, steps);
        drop(store);
        match ended {
            Err(Trouble::Wrong(wrong)) => Err(wrong),
            Err(Trouble::Failed(error)) => Ok(End::Failed(error)),
            Ok(()) => {
                Said::of(What::Closing, 0, 0).say();
                match self.store.close() {
                    Ok(()) => {
                        Said::of(What::Closed, 0, 0).say();
                        Ok(End::Closed)
                    }
                    Err(error) => {
                        super::tolerate(self.part, "closing", &error)?;
                        Said::of(What::Unknown, 0, 0).because(&error).say();
                        Ok(End::Failed(error))
                    }
                }
            }
        }
    }

    fn work(&mut self, store: &Store, threads: u8, steps: &mut u64) -> Result<(), Trouble> {
        let mut hands = Vec::new();
        for thread in 0..THREADS {
            hands.push(Hand::resume(self.part, store, self.number, thread)?);
        }
        hands.iter_mut().take(1).try_for_each(Hand::commit_again)?;
        let Some((lead, others)) = hands.split_first_mut() else { return Ok(()) };
        let left = AtomicU64::new(*steps);
        let others = others.iter_mut().take(usize::from(threads.saturating_sub(1)));
        let lots: Vec<_> = others.map(|hand| (hand, Random::new(self.random.bits()))).collect();
        let is_buffered = self.is_buffered;
        let done = AtomicBool::new(false);
        let ended = thread::scope(|scope| {
            let (left, done) = (&left, &done);
            for (hand, mut random) in lots {
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) && take(left) {
                        match tried(|| hand.commit(durability(is_buffered, &mut random))) {
                            Ok(()) => {}
                            Err(Trouble::Failed(_)) => break,
                            Err(Trouble::Wrong(wrong)) => stop(&wrong),
                        }
                    }
                });
            }
            let ended = self.lead(lead, left);
            done.store(true, Ordering::Relaxed);
            ended
        });
        *steps = left.into_inner();
        ended
    }

    /// What the first thread does: commits, and everything else.
    fn lead(&mut self, hand: &mut Hand<'_>, left: &AtomicU64) -> Result<(), Trouble> {
        while take(left) {
            let done = match self.random.below(72) {
                0 => return Ok(()),
                1 | 2 => self.sync(hand),
                3 => {
                    let durable = self.store.durable().get();
                    Said::of(What::Durable, 0, 0).at(0, durable).say();
                    Ok(())
                }
                4 => hand.met(self.store.chore(Chore::Prepare)),
                5 => hand.met(self.store.chore(Chore::Mark)),
                6 | 7 => hand.met(self.store.chore(Chore::Index)),
                8 => hand.read_back(),
                9 if hand.met(self.store.head())?.get() < SMALL => self.verify(hand),
                _ => {
                    let durability = durability(self.is_buffered, self.random);
                    let done = tried(|| hand.commit(durability));
                    self.has_landed |= done.is_ok();
                    done
                }
            };
            if let Err(trouble) = done {
                self.after(hand, &trouble);
                return Err(trouble);
            }
            if !self.part.pace.is_zero() {
                thread::sleep(self.part.pace);
            }
        }
        Ok(())
    }

    fn sync(&self, hand: &Hand<'_>) -> Result<(), Trouble> {
        hand.met(self.store.sync())?;
        let durable = self.store.durable().get();
        Said::of(What::Durable, 0, hand.number).at(0, durable).say();
        Ok(())
    }

    fn verify(&self, hand: &Hand<'_>) -> Result<(), Trouble> {
        let report = hand.met(self.store.verify())?;
        if report.is_whole() {
            return Ok(());
        }
        Err(Trouble::Wrong(format!("verified while it is open: {report:?}")))
    }

    /// A store that was poisoned says so, and acknowledges nothing any more: if it does, whoever
    /// listens knows that this was begun later.
    fn after(&self, hand: &mut Hand<'_>, trouble: &Trouble) {
        let Trouble::Failed(error) = trouble else { return };
        let is_poisoned = self.store.health().poisoned;
        if error.kind() == annals::ErrorKind::OutcomeUnknown && !is_poisoned {
            stop(&format!("the outcome is unknown, but the store is not poisoned: {error}"));
        }
        if is_poisoned {
            Said::of(What::Unknown, 0, 0).because(error).say();
            for durability in [Durability::Synced, Durability::Buffered] {
                if let Err(Trouble::Wrong(wrong)) = hand.commit(durability) {
                    stop(&wrong);
                }
            }
        }
    }
}

/// Tries a few times what the store refuses, as long as it can be written.
fn tried(mut attempt: impl FnMut() -> Result<(), Trouble>) -> Result<(), Trouble> {
    for _ in 1..TRIES {
        match attempt() {
            Err(Trouble::Failed(error)) if error.kind() != annals::ErrorKind::OutcomeUnknown => {}
            ended => return ended,
        }
    }
    attempt()
}

/// Takes one of the steps that are left.
fn take(left: &AtomicU64) -> bool {
    let less = |steps: u64| steps.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
}

fn durability(is_buffered: bool, random: &mut Random) -> Durability {
    match (is_buffered, random.below(8)) {
        (_, 0) => Durability::Strict,
        (true, 1..7) | (false, 1..3) => Durability::Buffered,
        _ => Durability::Synced,
    }
}

/// Ends the writer at once: something may not be.
fn stop(wrong: &str) -> ! {
    eprintln!("{wrong}");
    std::process::exit(i32::from(WRONG))
}
