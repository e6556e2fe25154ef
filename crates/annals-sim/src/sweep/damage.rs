//! What is done to a sample: one thing an image, by number.

use super::sample::Sample;
use crate::random::Random;

/// Bytes that a device reads and writes as one.
const SECTOR: usize = 512;

/// What is done to a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// This bit of the file is another one.
    Flip(usize),
    /// All bits of this byte are others.
    Byte(usize),
    /// A sector is zero.
    Zero(usize),
    /// A sector is random bytes.
    Garbage(usize),
    /// A sector is that of another store.
    Foreign(usize),
    /// A sector is as it was in one of the earlier forms of the store.
    Stale(usize, usize),
    /// Two sectors have changed places.
    Swap(usize, usize),
}

impl Sample {
    fn sectors(&self) -> usize {
        self.truth.bytes.len() / SECTOR
    }

    /// Images in which a bit is another one, or a byte.
    fn flips(&self) -> usize {
        self.truth.bytes.len() * 9
    }

    /// How many images of it there are, those included whose bytes are no other ones.
    pub(super) fn images(&self) -> u64 {
        let sectors = self.sectors();
        let swaps = sectors * (sectors - 1) / 2;
        (self.flips() + (3 + self.earlier.len()) * sectors + swaps) as u64
    }

    /// The numbers of one in so many images that flip something, and of one in so many that replace
    /// sectors.
    pub(super) fn some(&self, flips: usize, sectors: usize) -> impl Iterator<Item = u64> {
        let replaced = (self.flips() as u64..self.images()).step_by(sectors);
        (0..self.flips() as u64).step_by(flips).chain(replaced)
    }

    /// What is done in the image with this number.
    pub(super) fn damage(&self, number: u64) -> Damage {
        let (mut nth, sectors) = (number as usize, self.sectors());
        if nth < self.flips() {
            return match (nth / 9, nth % 9) {
                (byte, 8) => Damage::Byte(byte),
                (byte, bit) => Damage::Flip(8 * byte + bit),
            };
        }
        nth -= self.flips();
        for damage in [Damage::Zero, Damage::Garbage, Damage::Foreign] {
            if nth < sectors {
                return damage(nth);
            }
            nth -= sectors;
        }
        if nth < self.earlier.len() * sectors {
            return Damage::Stale(nth % sectors, nth / sectors);
        }
        nth -= self.earlier.len() * sectors;
        // Pairs in the order of the second of them.
        let mut second = 1;
        while nth >= second {
            nth -= second;
            second += 1;
        }
        Damage::Swap(nth, second)
    }

    /// The bytes with this done to them.
    pub(super) fn image(&self, damage: Damage) -> Vec<u8> {
        let mut image = self.truth.bytes.clone();
        let mut put = |sector: usize, bytes: &[u8]| {
            image[sector * SECTOR..(sector + 1) * SECTOR].copy_from_slice(bytes);
        };
        match damage {
            Damage::Flip(bit) => image[bit / 8] ^= 1 << (bit % 8),
            Damage::Byte(byte) => image[byte] ^= 0xFF,
            Damage::Zero(sector) => put(sector, &[0; SECTOR]),
            Damage::Garbage(sector) => {
                let mut random = Random::new(sector as u64);
                put(sector, &[(); SECTOR].map(|()| random.byte()));
            }
            Damage::Foreign(sector) => put(sector, sector_of(&self.other, sector)),
            Damage::Stale(sector, nth) => put(sector, sector_of(&self.earlier[nth], sector)),
            Damage::Swap(a, b) => {
                put(a, sector_of(&self.truth.bytes, b));
                put(b, sector_of(&self.truth.bytes, a));
            }
        }
        image
    }
}

/// A sector; zeros where the file was not that long.
fn sector_of(bytes: &[u8], sector: usize) -> &[u8] {
    bytes.get(sector * SECTOR..(sector + 1) * SECTOR).unwrap_or(&[0; SECTOR])
}
