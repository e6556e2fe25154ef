//! The filter of a run: a split block Bloom filter.
//!
//! As in Apache Parquet (its specification, 'Bloom Filter'; after Putze, Sanders and Singler 2007):
//! a term sets one bit in each of a block's eight words, so that asking costs one page. Blocks are
//! chosen by the upper half of the hash, so terms sorted by hash fill one block after another.

use crate::format::{BLOCK_LEN, TermHash};

/// A block: eight words of 32 bits.
#[derive(Clone, Copy, Default)]
pub struct Block([u32; 8]);

/// Odd numbers that spread a key's bits over the words (those of Parquet).
const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

impl Block {
    /// Which of `blocks` a term belongs to.
    pub fn of(hash: TermHash, blocks: u32) -> u32 {
        let scaled = (u128::from(hash.high()) * u128::from(blocks)) >> 64;
        u32::try_from(scaled).unwrap_or(u32::MAX)
    }

    /// Its bytes.
    pub fn bytes(&self) -> [u8; BLOCK_LEN] {
        let mut out = [0; BLOCK_LEN];
        let (chunks, _) = out.as_chunks_mut::<4>();
        for (chunk, word) in chunks.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        out
    }

    /// Adds a term.
    pub fn add(&mut self, hash: TermHash) {
        for (word, bit) in self.0.iter_mut().zip(bits(hash)) {
            *word |= bit;
        }
    }
}

/// `false` if the term was never added to the block with these bytes.
#[inline]
pub fn may_have(block: &[u8; BLOCK_LEN], hash: TermHash) -> bool {
    let (words, _) = block.as_chunks::<4>();
    words.iter().zip(bits(hash)).all(|(word, bit)| u32::from_le_bytes(*word) & bit != 0)
}

/// A bit for each word, by the lowest bits of the hash.
fn bits(hash: TermHash) -> impl Iterator<Item = u32> {
    let [a, b, c, d, ..] = hash.0.to_le_bytes();
    let key = u32::from_le_bytes([a, b, c, d]);
    SALT.into_iter().map(move |salt| 1 << (key.wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::document_tests::{page, store};
    use crate::format::{FileKey, RunHeader, TermKind};

    #[test]
    fn the_salts_in_format_md_are_those_of_the_code() {
        let shown: Vec<_> = page::table("| word | salt |")
            .iter()
            .map(|row| (page::number(row[0]), page::number(row[1].trim_matches('`'))))
            .collect();
        let salts = (0..).zip(SALT.map(u64::from));
        assert_eq!(shown, salts.collect::<Vec<_>>());
    }

    #[test]
    fn the_place_in_the_filter_that_format_md_works_out_is_what_the_code_computes() {
        let blocks = RunHeader { terms: 128, ..RunHeader::default() }.filter_blocks();
        assert_eq!((blocks, BLOCK_LEN), (6, 32));
        let hash = store::key().term(b"order-1").of(TermKind::Stream);
        let mut block = Block::default();
        block.add(hash);
        let bits: Vec<_> = block.0.iter().map(|word| word.trailing_zeros().to_string()).collect();
        assert!(block.0.iter().all(|word| word.count_ones() == 1), "a bit in each word");
        let computed = [
            ("hash", page::spaced(&hash.0.to_le_bytes()).replace(' ', "")),
            ("upper half", format!("{:#018x}", hash.high())),
            ("block", Block::of(hash, blocks).to_string()),
            ("bits of the words 0 to 7", bits.join(", ")),
        ];
        let shown: Vec<_> = page::table("| of the term | value |")
            .iter()
            .map(|row| (row[0], row[1].trim_matches('`').to_owned()))
            .collect();
        assert_eq!(shown, computed);
    }

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let key = FileKey::new([7; 16]);
        let blocks = 1_000_u32.div_ceil(24);
        let at = |hash| crate::format::index(u64::from(Block::of(hash, blocks)));
        let mut filter = vec![Block::default(); crate::format::index(u64::from(blocks))];
        let hash = |nth: u32| key.term(&nth.to_le_bytes());
        for nth in 0..1_000 {
            filter[at(hash(nth))].add(hash(nth));
        }
        let has = |nth| may_have(&filter[at(hash(nth))].bytes(), hash(nth));
        assert!((0..1_000).all(has));
        let wrong = (1_000..11_000).filter(|nth| has(*nth)).count();
        assert!(wrong < 400, "{wrong} of 10,000 were let through");
    }
}
