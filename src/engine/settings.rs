//! How an engine is to behave.

use crate::log::Rules;
use crate::words::{Durability, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Where recorded times come from.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// How an engine is to behave. `store::Options` documents each for users.
#[derive(Clone)]
pub struct Settings {
    /// Of commits that don't say.
    pub durability: Durability,
    /// The longest that a buffered commit waits for its sync.
    pub sync_within: Duration,
    /// The most bytes that wait for a sync.
    pub sync_bytes: u64,
    /// Bytes of room kept ahead, filled with zeros.
    pub reserve: u64,
    /// Whether each commit begins with a sector of its own.
    pub pad_to_sector: bool,
    /// How long nothing has to happen until the watermark goes to a slot.
    pub idle: Duration,
    /// Whether there is a background thread; without one, chores are done when asked.
    pub keeper: bool,
    /// Where recorded times come from.
    pub clock: Arc<dyn Clock>,
    /// The smallest segment, in bytes; that of a new file.
    pub segment_min: u64,
    /// The largest segment but for larger commits.
    pub segment_max: u64,
    /// Who writes to a block of the file first, of so many bytes, fills it with zeros.
    pub write_block: u64,
    /// So many events make the index in memory a run.
    pub tail_events: u64,
    /// So many bytes of log make the index in memory a run.
    pub tail_bytes: u64,
    /// Which parts of the recovery rule hold: all, outside of the simulator.
    pub rules: Rules,
    /// What random bits are made from, where runs have to be repeatable.
    pub seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::Synced,
            sync_within: Duration::from_secs(1),
            sync_bytes: 16 << 20,
            reserve: 0,
            pad_to_sector: false,
            idle: Duration::from_secs(5),
            keeper: true,
            clock: Arc::new(SystemClock),
            segment_min: 64 << 10,
            segment_max: 64 << 20,
            write_block: 512 << 10,
            tail_events: 18 << 10,
            tail_bytes: 5 << 20,
            rules: Rules::ALL,
            seed: None,
        }
    }
}

impl Settings {
    /// 64 random bits; with a seed, a function of the seed and of `nth`.
    pub fn random(&self, nth: u64) -> u64 {
        match self.seed {
            None => {
                let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
                // Six bits of a UUID are fixed, in different places of the halves.
                high ^ low.rotate_left(32)
            }
            Some(seed) => {
                // SplitMix64 (Steele, Lea, Flood 2014).
                let mut bits = seed.wrapping_add(nth.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                bits ^ (bits >> 31)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that other implementations of it give for this seed.
    #[test]
    fn a_seeds_numbers_are_those_of_split_mix_64() {
        let settings = Settings { seed: Some(1_234_567), ..Settings::default() };
        let numbers: Vec<u64> = (1..=5).map(|nth| settings.random(nth)).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn no_bit_is_always_the_same_without_a_seed() {
        let settings = Settings::default();
        let numbers = (0..256).map(|_| settings.random(1));
        let (ones, zeros) =
            numbers.fold((0, 0), |(ones, zeros), bits| (ones | bits, zeros | !bits));
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }

    #[test]
    fn the_systems_clock_says_what_time_it_is() {
        let before = Timestamp::now();
        let now = SystemClock.now();
        assert!(before <= now && now <= Timestamp::now());
    }
}
