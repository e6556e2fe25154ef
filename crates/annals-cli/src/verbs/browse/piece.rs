//! Lines made of pieces that each look their way, and as wide as there is room.

use super::looks::Look;
use unicode_width::UnicodeWidthChar;

/// A piece of a line. Its text is harmless already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// What it is.
    pub look: Look,
    /// What it says.
    pub text: String,
}

/// A line.
pub type Line = Vec<Piece>;

/// A piece that is this.
pub fn piece(look: Look, text: impl Into<String>) -> Piece {
    Piece { look, text: text.into() }
}

/// Appends the rows that a line takes where there are so many columns; all but the first begin with
/// `hang` spaces, if there is room.
pub fn wrap(line: &[Piece], columns: usize, hang: usize, rows: &mut Vec<Line>) {
    let columns = columns.max(2);
    let hang = if hang * 2 <= columns { hang } else { 0 };
    let (mut row, mut used) = (Line::new(), 0);
    for whole in line {
        let mut text = String::new();
        for char in whole.text.chars() {
            let width = char.width().unwrap_or(0);
            if used + width > columns {
                row.push(piece(whole.look, std::mem::take(&mut text)));
                rows.push(std::mem::take(&mut row));
                row.push(piece(Look::Plain, " ".repeat(hang)));
                used = hang;
            }
            used += width;
            text.push(char);
        }
        row.push(piece(whole.look, text));
    }
    rows.push(row);
}

/// What a line says.
#[cfg(test)]
pub fn text_of(line: &[Piece]) -> String {
    line.iter().map(|piece| piece.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize, hang: usize) -> Vec<String> {
        let mut rows = Vec::new();
        wrap(&[piece(Look::Plain, text)], columns, hang, &mut rows);
        rows.iter().map(|row| text_of(row)).collect()
    }

    #[test]
    fn a_line_takes_as_many_rows_as_it_needs() {
        assert_eq!(wrapped("abcdef", 6, 2), ["abcdef"]);
        assert_eq!(wrapped("abcdefgh", 6, 2), ["abcdef", "  gh"]);
        assert_eq!(wrapped("漢字漢字", 5, 0), ["漢字", "漢字"]);
        assert_eq!(wrapped("abc", 2, 2), ["ab", "c"]);
        assert_eq!(wrapped("", 6, 2), [""]);
    }

    #[test]
    fn each_part_of_a_piece_looks_like_it() {
        let line = [piece(Look::Name, "abc"), piece(Look::Bad, "def")];
        let mut rows = Vec::new();
        wrap(&line, 4, 0, &mut rows);
        let parts = |row: &Line| -> Vec<_> {
            let parts = row.iter().filter(|piece| !piece.text.is_empty());
            parts.map(|piece| (piece.look, piece.text.clone())).collect()
        };
        let of = |look, text: &str| (look, text.to_owned());
        assert_eq!(parts(&rows[0]), [of(Look::Name, "abc"), of(Look::Bad, "d")]);
        assert_eq!(parts(&rows[1]), [of(Look::Bad, "ef")]);
    }
}
