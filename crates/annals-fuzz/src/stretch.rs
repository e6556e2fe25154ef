//! Inputs without a fuzzer: healthy ones as they are, then from a seed, such with something done to
//! them, and some that are nothing but random.

use crate::targets::Target;
use annals_sim::Random;

/// Numbers that lengths, counts and offsets go wrong at.
pub const EDGES: [u64; 16] = [
    0,
    1,
    7,
    8,
    64,
    96,
    4_096,
    16_384,
    (1 << 31) - 8,
    1 << 31,
    u32::MAX as u64 - 7,
    u32::MAX as u64,
    (1 << 63) - 4_096,
    (1 << 63) - 1,
    u64::MAX - 1,
    u64::MAX,
];

/// The inputs of a target that a seed gives.
pub struct Stretch {
    seeds: Vec<Vec<u8>>,
    seed: u64,
}

impl Stretch {
    /// Those of this target and seed.
    pub fn new(target: &Target, seed: u64) -> Self {
        Self { seeds: (target.seeds)(), seed }
    }

    /// How many healthy ones it begins with.
    pub fn healthy(&self) -> u64 {
        self.seeds.len() as u64
    }

    /// The `nth` of them, whichever were asked for before.
    pub fn input(&self, nth: u64) -> Vec<u8> {
        if let Some(healthy) = self.seeds.get(crate::layout::index(nth)) {
            return healthy.clone();
        }
        let random = &mut Random::new(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ nth);
        if random.one_in(8) || self.seeds.is_empty() {
            let most = if random.one_in(4) { 2_000 } else { 80 };
            return (0..random.below(most)).map(|_| random.byte()).collect();
        }
        let mut input = self.seeds[random.below(self.seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &self.seeds[random.below(self.seeds.len())];
            change(&mut input, other, random);
        }
        input
    }
}

/// Does one thing to an input.
fn change(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = spot(input, random);
    let left = input.len() - at;
    match random.below(9) {
        0 if left > 0 => input[at] ^= 1 << random.below(8),
        1 if left > 0 => input[at] = random.byte(),
        2 => {
            let at = at & !3;
            let number = EDGES[random.below(EDGES.len())].to_le_bytes();
            write(input, at, &number[..[1, 2, 4, 8][random.below(4)]]);
        }
        3 => {
            let at = at & !7;
            let more = random.below(64) as u64;
            let old = crate::layout::number(input, at..at + 8);
            let new =
                if random.one_in(2) { old.wrapping_add(more) } else { old.wrapping_sub(more) };
            write(input, at, &new.to_le_bytes());
        }
        4 => {
            let new: Vec<u8> = (0..random.below(17)).map(|_| random.byte()).collect();
            input.splice(at..at, new);
        }
        5 => {
            let length = random.below(left.min(64) + 1);
            input.drain(at..at + length);
        }
        6 => {
            let length = random.below(left.min(200) + 1);
            let copy = input[at..at + length].to_vec();
            let to = spot(input, random) & !7;
            write(input, to, &copy);
        }
        7 => {
            let from = spot(other, random) & !7;
            let length = random.below((other.len() - from).min(400) + 1);
            write(input, at & !7, &other[from..from + length]);
        }
        _ if random.one_in(4) => input.truncate(at),
        _ => {}
    }
}

/// A place, mostly where something stands: much of a file is zero.
fn spot(input: &[u8], random: &mut Random) -> usize {
    let mut at = random.below(input.len() + 1);
    for _ in 0..6 {
        if input.get(at).is_some_and(|byte| *byte != 0) {
            break;
        }
        at = random.below(input.len() + 1);
    }
    at
}

/// Writes over what stands there, as far as there is something.
pub fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = (at + new.len()).min(bytes.len());
    if let Some(room) = bytes.get_mut(at..end) {
        room.copy_from_slice(&new[..room.len()]);
    }
}
