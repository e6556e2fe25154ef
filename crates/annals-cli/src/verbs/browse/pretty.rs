//! Bytes as lines for people: JSON with a member on each line, text as it is, other bytes in hex.

use super::looks::Look;
use super::piece::{Line, piece};
use crate::show::{bytes, escaped};
use serde::de::IgnoredAny;
use std::fmt::Write;
use std::str;

/// As much is shown of a payload or of metadata.
const SHOWN: usize = 256 << 10;
/// What stands deeper is not moved further to the right.
const DEEPEST: usize = 20;
/// Bytes on a line of hex.
const IN_HEX: usize = 16;

/// What bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// JSON.
    Json,
    /// Other text.
    Text,
    /// No text.
    Bytes,
}

impl Kind {
    /// What these are.
    pub fn of(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => Self::Json,
            Ok(_) => Self::Text,
            Err(_) => Self::Bytes,
        }
    }

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Text => "text",
            Self::Bytes => "no text",
        }
    }
}

/// These bytes as lines; of very many of them those that come first, and how many are left out.
pub fn lines(whole: &[u8], kind: Kind) -> Vec<Line> {
    let shown = whole.get(..SHOWN).unwrap_or(whole);
    // A character that is cut in two is left out.
    let text = match str::from_utf8(shown) {
        Ok(text) => text,
        Err(error) => {
            str::from_utf8(shown.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
    };
    let mut lines = match kind {
        Kind::Json => json(text),
        Kind::Text => text_lines(text),
        Kind::Bytes => hex(shown),
    };
    let left = u64::try_from(whole.len() - shown.len()).unwrap_or(u64::MAX);
    if left > 0 {
        lines.push(vec![piece(Look::Dim, format!("… {} more", bytes(left)))]);
    }
    lines
}

fn text_lines(text: &str) -> Vec<Line> {
    let lines = text.split('\n');
    lines.map(|line| vec![piece(Look::Plain, escaped(line))]).collect()
}

/// JSON, or the beginning of some, with a line for each member. Whatever stands in it stays as it
/// stands: each digit of a number, and the order of the members.
fn json(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut line, mut depth) = (Line::new(), 0_usize);
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '[' | '}' | ']' | ',' | ':' => 1,
            _ => rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = behind.trim_start();
        let look = match first {
            '"' if rest.starts_with(':') => Look::Name,
            '"' => Look::Text,
            '{' | '[' | '}' | ']' | ',' | ':' => Look::Dim,
            _ => Look::Word,
        };
        match first {
            '{' | '[' => {
                line.push(piece(look, token));
                // Nothing in it: it stays on its line.
                if let Some(behind) = rest.strip_prefix(['}', ']']) {
                    line.push(piece(look, if first == '{' { "}" } else { "]" }));
                    rest = behind.trim_start();
                } else {
                    depth += 1;
                    next_line(&mut lines, &mut line, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                next_line(&mut lines, &mut line, depth);
                line.push(piece(look, token));
            }
            ',' => {
                line.push(piece(look, token));
                next_line(&mut lines, &mut line, depth);
            }
            ':' => line.push(piece(look, ": ")),
            _ => line.push(piece(look, escaped(token))),
        }
    }
    lines.push(line);
    lines
}

fn next_line(lines: &mut Vec<Line>, line: &mut Line, depth: usize) {
    lines.push(std::mem::take(line));
    line.push(piece(Look::Plain, "  ".repeat(depth.min(DEEPEST))));
}

/// How many bytes the string takes that this begins with.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn hex(bytes: &[u8]) -> Vec<Line> {
    let lines = bytes.chunks(IN_HEX).enumerate().map(|(nth, chunk)| {
        let (mut codes, mut text) = (String::new(), String::new());
        for (at, byte) in chunk.iter().enumerate() {
            let gap = if at == IN_HEX / 2 { "  " } else { " " };
            // A string takes everything.
            let _ = write!(codes, "{gap}{byte:02x}");
            let is_seen = byte.is_ascii_graphic() || *byte == b' ';
            text.push(if is_seen { char::from(*byte) } else { '.' });
        }
        vec![
            piece(Look::Dim, format!("{:06x} ", nth * IN_HEX)),
            piece(Look::Plain, format!("{codes:<49}")),
            piece(Look::Dim, format!("  {text}")),
        ]
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::super::piece::text_of;
    use super::*;

    fn shown(bytes: &[u8]) -> Vec<String> {
        lines(bytes, Kind::of(bytes)).iter().map(|line| text_of(line)).collect()
    }

    #[test]
    fn json_has_a_member_on_each_line_and_every_digit_it_had() {
        let json = br#" {"b":1.50,"a":[1e400,{}, [ ] ],"s":"a\"},{","t":true} "#;
        assert_eq!(
            shown(json),
            [
                "{",
                "  \"b\": 1.50,",
                "  \"a\": [",
                "    1e400,",
                "    {},",
                "    []",
                "  ],",
                "  \"s\": \"a\\\"},{\",",
                "  \"t\": true",
                "}"
            ]
        );
        assert_eq!(shown(b"10.3570190"), ["10.3570190"]);
        assert_eq!(shown(b"\"x\""), ["\"x\""]);
    }

    #[test]
    fn names_and_values_look_different() {
        let lines = lines(br#"{"a": "b", "c": 1}"#, Kind::Json);
        let looks: Vec<_> = lines.iter().flatten().map(|piece| piece.look).collect();
        let count = |look| looks.iter().filter(|other| **other == look).count();
        assert_eq!((count(Look::Name), count(Look::Text), count(Look::Word)), (2, 1, 1));
    }

    #[test]
    fn other_text_keeps_its_lines_and_what_acts_is_written_out() {
        assert_eq!(shown(b"one\n\x1b[2Jtwo\ttabs"), ["one", r"\u{1b}[2Jtwo\ttabs"]);
        let csi = "\"\u{9b}2J\"";
        assert_eq!(shown(csi.as_bytes()), [r#""\u{9b}2J""#]);
    }

    #[test]
    fn what_is_no_text_is_shown_in_hex() {
        let lines = shown(b"\xff\x00abcdefghijklmnop");
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("000000  ff 00 61"), "{}", lines[0]);
        assert!(lines[0].ends_with("  ..abcdefghijklmn"), "{}", lines[0]);
        assert!(lines[1].starts_with("000010  6f 70"), "{}", lines[1]);
        assert!(lines[1].ends_with("  op"), "{}", lines[1]);
    }

    #[test]
    fn of_very_much_the_beginning_is_shown_and_how_much_is_left_out() {
        let long = format!("\"{}\"", "ü".repeat(SHOWN));
        let lines = shown(long.as_bytes());
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "… 256.0 KiB more");
        let deep = "[".repeat(300_000) + &"]".repeat(300_000);
        let lines = lines_of_deep(&deep);
        assert!(lines.iter().all(|line| text_of(line).len() <= 2 * DEEPEST + 2));
    }

    fn lines_of_deep(deep: &str) -> Vec<Line> {
        lines(deep.as_bytes(), Kind::Json)
    }
}
