//! The sweep: each bit and each byte of a store flipped, each sector replaced. What is damaged is
//! reported, or rebuilt, or harmless; never does a store answer something else than what was there.

mod damage;
mod judge;
mod sample;

pub use damage::Damage;
use judge::{Image, Told};
use sample::Sample;

use crate::random::Random;
use crate::truth::{Questions, Truth};

/// What was tried and found.
#[derive(Clone, Debug, Default)]
pub struct SweepCount {
    /// Images that differ from the healthy store.
    pub images: u64,
    /// Of these: something was told; refused, reported, or rebuilt.
    pub told: u64,
    /// Nothing was told, and nothing is missing.
    pub harmless: u64,
    /// Commits are missing of which no surviving byte tells that they were synced.
    pub silent: u64,
    /// Violations.
    pub violations: u64,
    /// What the first few were, with the number that replays them.
    pub examples: Vec<String>,
}

/// How much is tried with an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thoroughness {
    /// Opened for writing and asked in every way, opened to look and asked in one, salvaged; one in
    /// four goes on.
    Full,
    /// Opened for writing or to look and asked in one way, or salvaged; some go on.
    Light,
}

/// All images of two small stores, by number: one that was closed, and one as its last commit left
/// it.
pub struct Sweep {
    samples: [Sample; 2],
}

impl Default for Sweep {
    fn default() -> Self {
        Self { samples: Sample::both() }
    }
}

impl Sweep {
    /// How many images there are.
    pub fn images(&self) -> u64 {
        self.samples.iter().map(Sample::images).sum()
    }

    /// What is swept, in a line for each store.
    pub fn samples(&self) -> impl Iterator<Item = String> {
        self.samples.iter().map(|sample| {
            let Truth { bytes, layout, events, .. } = &sample.truth;
            let documents = layout.frames.iter().map(|frame| frame.documents.len()).sum::<usize>();
            format!(
                "{}: {} bytes, {} segments, {} runs, {} events, {documents} records of documents, \
                 {} images",
                sample.name,
                bytes.len(),
                layout.segments.len(),
                layout.slots.iter().map(|slot| slot.runs.len()).max().unwrap_or(0),
                events.len(),
                sample.images()
            )
        })
    }

    /// The numbers of one in so many images that flip something, and of one in so many that replace
    /// sectors.
    pub fn some(&self, flips: usize, sectors: usize) -> Vec<u64> {
        let [closed, open] = &self.samples;
        let of_open = open.some(flips, sectors).map(|nth| closed.images() + nth);
        closed.some(flips, sectors).chain(of_open).collect()
    }

    /// Tries the image with this number.
    pub fn one(&self, number: u64, how: Thoroughness) -> SweepCount {
        let [closed, open] = &self.samples;
        let (sample, nth) = match number.checked_sub(closed.images()) {
            None => (closed, number),
            Some(nth) => (open, nth),
        };
        let mut count = SweepCount::default();
        if nth >= sample.images() {
            return count;
        }
        let damage = sample.damage(nth);
        let Some(image) = Image::new(sample, sample.image(damage)) else { return count };
        count.images += 1;
        let mut random = Random::new(number);
        let question = Questions::One(random.bits());
        let (tried, goes_on) = match how {
            Thoroughness::Full => ([true; 3], random.one_in(4)),
            Thoroughness::Light => {
                let part = random.below(8);
                ([part < 4, (4..7).contains(&part), part == 7], random.one_in(12))
            }
        };
        let [writes, looks, salvages] = tried;
        // It goes on only as far as everything is there.
        let asked = if goes_on || how == Thoroughness::Full { Questions::All } else { question };
        let fits = |told| image.fits(told);
        let written = writes.then(|| image.write(asked, goes_on).and_then(fits));
        let looked = looks.then(|| image.look(question).and_then(fits));
        let salvaged = salvages.then(|| image.salvage());
        for told in [&written, &looked].into_iter().flatten() {
            match told {
                Ok(Told::Damage) => count.told = 1,
                Ok(Told::Silence) => count.silent = 1,
                Ok(Told::Nothing) | Err(_) => {}
            }
        }
        let (written, looked) = (written.map(|it| it.map(|_| ())), looked.map(|it| it.map(|_| ())));
        for (what, result) in [("opened", written), ("looked at", looked), ("salvaged", salvaged)] {
            if let Some(Err(wrong)) = result {
                count.violations = 1;
                let name = sample.name;
                count
                    .examples
                    .push(format!("image {number} ({name}, {damage:?}), {what}: {wrong}"));
            }
        }
        count.harmless = u64::from(count.told + count.silent + count.violations == 0);
        count
    }
}

impl SweepCount {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.images += other.images;
        self.told += other.told;
        self.harmless += other.harmless;
        self.silent += other.silent;
        self.violations += other.violations;
        self.examples.extend(other.examples);
        self.examples.truncate(5);
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.violations == 0
    }
}
