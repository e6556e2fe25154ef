//! Inputs that are a healthy file and what is written over it.

use crate::images::{Image, image, images};
use crate::layout::{FIRST_EXTENT, SLOTS, number};
use crate::seal::{runs, seal};
use crate::stretch::{EDGES, write};
use arbitrary::{Result, Unstructured};
use std::iter;
use std::ops::Range;

/// What may be written over.
#[derive(Clone, Copy, Debug)]
pub enum Where {
    /// Everything but page 0, without which nothing is opened.
    Anywhere,
    /// Everything behind the slots and the holder's page.
    Log,
    /// The pages of runs.
    Runs,
}

impl Where {
    fn ranges(self, file: &[u8]) -> Vec<Range<usize>> {
        match self {
            Self::Anywhere => iter::once(SLOTS[0]..file.len()).collect(),
            Self::Log => iter::once(FIRST_EXTENT..file.len()).collect(),
            Self::Runs => runs(file).iter().map(|run| run.bytes()).collect(),
        }
    }
}

/// A healthy file, patched.
pub struct Patched {
    /// What it was.
    pub image: &'static Image,
    /// Its bytes now.
    pub bytes: Vec<u8>,
    /// Whether its checks were made right.
    pub sealed: bool,
    /// Whether it is to be looked at only.
    pub look: bool,
}

impl Patched {
    /// By the input: which image, whether it is sealed, and then what is written over it, piece by
    /// piece.
    pub fn new(input: &[u8], room: Where) -> Result<Self> {
        let input = &mut Unstructured::new(input);
        let image = image(input.arbitrary()?);
        let how = input.arbitrary::<u8>()?;
        let (sealed, look) = (how & 1 != 0, how & 2 != 0);
        let mut bytes = image.bytes.clone();
        let ranges = room.ranges(&bytes);
        let room: usize = ranges.iter().map(Range::len).sum();
        if room == 0 {
            return Err(arbitrary::Error::IncorrectFormat);
        }
        while !input.is_empty() {
            let [low, high, more] = input.arbitrary::<[u8; 3]>()?;
            let at = usize::from(u16::from_le_bytes([low, high])) << 3 | usize::from(more & 7);
            // Nothing is written behind the range's end.
            let room = place(&ranges, at % room);
            let new = piece(input, &bytes, room.start)?;
            write(&mut bytes[room], 0, &new);
        }
        if sealed {
            seal(&mut bytes);
        }
        Ok(Self { image, bytes, sealed, look })
    }
}

/// Inputs to begin with: each image as it is, then with something at each of these places, then
/// with something at several.
pub fn seeds(places: &[u16]) -> Vec<Vec<u8>> {
    let count = images().len() as u8;
    let piece = |at: u16, how: u8| {
        let [low, high] = at.to_le_bytes();
        [low, high, 0, how]
    };
    let mut seeds = Vec::new();
    for image in 0..count {
        let head = |how: u8| vec![image, how];
        seeds.extend([head(0), head(1), head(3)]);
        let one = |at: &u16| [head(*at as u8 | 1), piece(*at, 64 + image).to_vec()].concat();
        seeds.extend(places.iter().map(one));
        for several in places.chunks(7) {
            let pieces = several.iter().flat_map(|at| piece(*at, (*at % 128) as u8));
            seeds.push(head(1).into_iter().chain(pieces).collect());
        }
    }
    seeds
}

/// The `at`-th byte of some ranges, and what follows it in its range.
fn place(ranges: &[Range<usize>], mut at: usize) -> Range<usize> {
    for range in ranges {
        if at < range.len() {
            return range.start + at..range.end;
        }
        at -= range.len();
    }
    0..0
}

/// What is written next, over what stands at `at`.
fn piece(input: &mut Unstructured<'_>, bytes: &[u8], at: usize) -> Result<Vec<u8>> {
    Ok(match input.arbitrary::<u8>()? {
        // A field made another number.
        how @ 0..64 => {
            let width = [1, 2, 4, 8][usize::from(how % 4)];
            EDGES[usize::from(how / 4)].to_le_bytes()[..width].to_vec()
        }
        // A field a little more or less.
        how @ 64..128 => {
            let more = u64::from(how - 64) / 2 + 1;
            let old = number(bytes, at..at + 8);
            let new = if how % 2 == 0 { old.wrapping_add(more) } else { old.wrapping_sub(more) };
            new.to_le_bytes().to_vec()
        }
        // Bytes of elsewhere.
        how @ 128..160 => {
            let from = (usize::from(input.arbitrary::<u16>()?) << 3) % bytes.len();
            let length = (usize::from(how - 127) * 16).min(bytes.len() - from);
            bytes[from..from + length].to_vec()
        }
        // Bytes of the input.
        how => input.bytes(usize::from(how - 159).min(input.len()))?.to_vec(),
    })
}
