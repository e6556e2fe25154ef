//! Text in blocks of whole lines.

use std::io::{self, Read};

/// A block has so many bytes, unless a single line has more.
const BLOCK: usize = 1 << 18;
/// No line is longer: the largest payload and the largest metadata as Base64, and then some.
const LONGEST: usize = 128 << 20;

/// What some programs put before the first line, to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole lines.
#[derive(Default)]
pub struct Block {
    /// The number of its first line, from 1.
    pub first: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// Its lines, each with its number, without their ends; empty ones are passed over.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let ends = memchr::memchr_iter(b'\n', &self.bytes).chain([self.bytes.len()]);
        let lines = ends.scan(0, |begin, end| {
            let line = self.bytes.get(*begin..end).unwrap_or_default();
            let is_first = self.first == 1 && *begin == 0;
            *begin = end + 1;
            let mark = if is_first { BYTE_ORDER_MARK } else { b"" };
            Some(line.strip_prefix(mark).unwrap_or(line).trim_ascii_end())
        });
        (self.first..).zip(lines).filter(|(_, line)| !line.is_empty())
    }
}

/// Cuts what it reads into blocks. Where it cuts follows from the text alone: read again, the same
/// text comes in the same blocks.
pub struct Blocks<R> {
    reader: R,
    rest: Vec<u8>,
    next: u64,
    is_over: bool,
}

impl<R: Read> Blocks<R> {
    /// Of what this reads.
    pub fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), next: 1, is_over: false }
    }

    /// The number of the line that the next block begins with.
    pub fn line(&self) -> u64 {
        self.next
    }

    /// The next block; nothing at the end.
    pub fn next(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut wanted = BLOCK;
        loop {
            let missing = wanted.saturating_sub(bytes.len());
            if missing > 0 && !self.is_over {
                let limit = u64::try_from(missing).unwrap_or(u64::MAX);
                bytes.reserve_exact(missing);
                let read = (&mut self.reader).take(limit).read_to_end(&mut bytes)?;
                self.is_over = read < missing;
            }
            let end = match memchr::memrchr(b'\n', &bytes) {
                Some(last) if !self.is_over => last + 1,
                _ if self.is_over => bytes.len(),
                _ if bytes.len() >= LONGEST => {
                    let what = format!("a line has more than {LONGEST} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                // A line that is longer than a block.
                _ => {
                    wanted = bytes.len() * 2;
                    continue;
                }
            };
            if bytes.is_empty() {
                return Ok(None);
            }
            self.rest = bytes.split_off(end);
            let lines = memchr::memchr_iter(b'\n', &bytes).count();
            let first = self.next;
            self.next += u64::try_from(lines).unwrap_or(u64::MAX);
            return Ok(Some(Block { first, bytes }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let (mut blocks, mut lines) = (Blocks::new(text), Vec::new());
        while let Some(block) = blocks.next().unwrap() {
            lines.extend(block.lines().map(|(number, line)| (number, line.to_vec())));
        }
        lines
    }

    #[test]
    fn lines_come_whole_and_numbered_however_long_they_are() {
        let line = |number: u64| {
            let length = usize::try_from(number * 7_919 % 3_000).unwrap();
            let length = if number == 400 { 3 * BLOCK } else { length };
            vec![b'a' + u8::try_from(number % 26).unwrap(); length]
        };
        let mut text = Vec::new();
        for number in 1..=1_000 {
            text.extend(line(number));
            text.extend(if number % 2 == 0 { &b"\r\n"[..] } else { b"\n" });
        }
        let expected: Vec<_> = (1..=1_000).map(|number| (number, line(number))).collect();
        let expected: Vec<_> = expected.into_iter().filter(|(_, line)| !line.is_empty()).collect();
        assert_eq!(lines(&text), expected);
        // The last line needs no end.
        assert_eq!(lines(b"a\n\nb"), [(1, b"a".to_vec()), (3, b"b".to_vec())]);
        assert!(lines(b"").is_empty());
        // A mark at the beginning is none of its bytes.
        assert_eq!(lines(b"\xef\xbb\xbfa\nb"), [(1, b"a".to_vec()), (2, b"b".to_vec())]);
    }
}
