//! What FORMAT.md shows: its tables and its blocks of hex.

const DOCUMENT: &str = include_str!("../../../FORMAT.md");

/// The rows of each table whose first row is `head`, with the last name in backquotes of the
/// heading above it.
pub fn tables(head: &str) -> Vec<(&'static str, Vec<Vec<&'static str>>)> {
    let mut found: Vec<(&str, Vec<Vec<&str>>)> = Vec::new();
    let (mut heading, mut inside) = ("", false);
    for line in DOCUMENT.lines() {
        if line.starts_with('#') {
            heading = line.split('`').rev().nth(1).unwrap_or_default();
        }
        if line == head {
            found.push((heading, Vec::new()));
            inside = true;
        } else if !line.starts_with('|') {
            inside = false;
        } else if let (true, Some((_, rows))) =
            (inside && !line.starts_with("|--"), found.last_mut())
        {
            rows.push(line.trim_matches('|').split('|').map(str::trim).collect());
        }
    }
    found
}

/// The rows of the one table whose first row is `head`.
pub fn table(head: &str) -> Vec<Vec<&'static str>> {
    let mut found = tables(head);
    assert_eq!(found.len(), 1, "tables with {head}");
    found.remove(0).1
}

/// A number as the document writes it.
pub fn number(text: &str) -> u64 {
    let digits = text.replace(',', "");
    let parsed = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("'{text}' is no number"))
}

pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "'{text}' is cut");
    let pair = |nth: usize| u8::from_str_radix(&text[nth..nth + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

/// A block of hex: what structure it is, its title, its bytes, and what is said beside them.
pub struct Example {
    pub structure: &'static str,
    pub title: &'static str,
    pub bytes: Vec<u8>,
    pub notes: Vec<(&'static str, &'static str)>,
}

/// Every block of hex. Lines that are left out are zero; the last line is the length.
pub fn examples() -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in DOCUMENT.lines() {
        if let Some(info) = line.strip_prefix("```hex ") {
            let (structure, title) = info.split_once(' ').unwrap_or((info, ""));
            found.push(Example { structure, title, bytes: Vec::new(), notes: Vec::new() });
            inside = true;
        } else if line.starts_with("```") {
            inside = false;
        } else if let (true, Some(example)) = (inside, found.last_mut()) {
            let (line, notes) = line.split_once(';').unwrap_or((line, ""));
            let mut words = line.split_whitespace();
            let offset = usize::from_str_radix(words.next().unwrap(), 16).unwrap();
            example.bytes.resize(offset, 0);
            example.bytes.extend(words.flat_map(hex));
            example.notes.extend(notes.split_whitespace().filter_map(|note| note.split_once('=')));
        }
    }
    found
}

pub fn example(structure: &str, title: &str) -> Vec<u8> {
    let mut all = examples().into_iter();
    let found = all.find(|example| example.structure == structure && example.title == title);
    found.unwrap_or_else(|| panic!("no example '{structure} {title}'")).bytes
}

/// Bytes in hex, as the document writes them.
pub fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// A structure as the document shows it, for the message of a failed comparison.
pub fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (nth, line) in bytes.chunks(16).enumerate() {
        if line.iter().any(|&byte| byte != 0) {
            text += &format!("{:04x}  {}\n", nth * 16, spaced(line));
        }
    }
    text + &format!("{:04x}\n", bytes.len())
}
