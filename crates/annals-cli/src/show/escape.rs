//! Text that comes from a file, made harmless: nothing of it moves a cursor, changes a colour,
//! rings, or turns the direction of what follows.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;
use unicode_width::UnicodeWidthChar;

/// Whether a character does something to a terminal, or hides what stands there.
fn acts(char: char) -> bool {
    char.is_control()
        || matches!(char,
            // Zero width, directions of writing, line and paragraph ends.
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push(out: &mut String, char: char) {
    match char {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => _ = write!(out, "\\u{{{:x}}}", u32::from(char)),
    }
}

/// The text with each character that acts written out, such as `\n` or `\u{1b}`.
///
/// ```text
/// escaped("a\x1b[31m") == r"a\u{1b}[31m"
/// ```
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if acts(char) { push(&mut out, char) } else { out.push(char) }
    }
    Cow::Owned(out)
}

/// Bytes as one line of text: UTF-8 as it is, what acts escaped, other bytes as `\xff`.
pub fn escaped_line(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&escaped(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// A file's name, made harmless.
pub fn path_name(path: &Path) -> String {
    escaped(&path.display().to_string()).into_owned()
}

/// As much of a text as fits into so many columns, with an ellipsis where something is left out. Of
/// characters that take no column, which stand on others, there are not many more than that.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    const ON_EACH: usize = 4;
    let width = |char: char| char.width().unwrap_or(0);
    let (mut used, mut fits) = (0, 0);
    for (nth, (at, char)) in text.char_indices().enumerate() {
        used += width(char);
        if used > columns || nth > columns.saturating_mul(ON_EACH) {
            let kept = text.get(..fits).unwrap_or_default();
            return Cow::Owned(format!("{kept}…"));
        }
        // One column is kept for the ellipsis.
        if used < columns {
            fits = at + char.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        assert_eq!(escaped("plain, ünï, 漢"), "plain, ünï, 漢");
        assert_eq!(escaped("a\x1b[31mred\x07"), r"a\u{1b}[31mred\u{7}");
        assert_eq!(escaped("two\nlines\u{9b}K\u{202e}"), r"two\nlines\u{9b}K\u{202e}");
        assert_eq!(escaped_line(b"a\xff\x00b"), r"a\xff\u{0}b");
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("漢字", 4), "漢字");
        assert_eq!(cut("x", 0), "…");
        let tower = "e".to_owned() + &"\u{301}".repeat(500);
        assert_eq!(cut(&tower, 10).chars().count(), 42);
    }
}
