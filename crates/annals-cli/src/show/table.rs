//! Tables whose rows come one after another.

use super::escape::{cut, escaped};
use super::out::{Out, Style};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// Rows that are looked at to see how wide the columns have to be.
const AHEAD: usize = 200;
/// Between two columns.
const GAP: usize = 2;

/// On which side a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    head: &'static str,
    align: Align,
    style: Style,
    most: usize,
}

impl Column {
    /// A column of text.
    pub fn text(head: &'static str) -> Self {
        Self { head, align: Align::Left, style: Style::Plain, most: usize::MAX }
    }

    /// A column of numbers.
    pub fn number(head: &'static str) -> Self {
        Self { align: Align::Right, ..Self::text(head) }
    }

    /// In this style.
    pub fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// At most so wide: what is longer is cut.
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

/// A table. The first rows say how wide its columns are; a cell of a later row that is wider pushes
/// the rest of its row to the right. The last column gets what room is left, and is cut at the
/// terminal's width.
pub struct Table {
    columns: Vec<Column>,
    width: Option<usize>,
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl Table {
    /// A table of these columns, at most so wide as what it is written to.
    pub fn new(columns: impl IntoIterator<Item = Column>, out: &Out) -> Self {
        let columns = columns.into_iter().collect();
        Self { columns, width: out.width(), waiting: Vec::new(), widths: None }
    }

    /// One more row; its cells are escaped.
    pub fn row(&mut self, out: &mut Out, cells: Vec<String>) -> io::Result<()> {
        let escape = |cell: String| match escaped(&cell) {
            std::borrow::Cow::Borrowed(_) => cell,
            std::borrow::Cow::Owned(other) => other,
        };
        let cells: Vec<String> = cells.into_iter().map(escape).collect();
        match &self.widths {
            Some(widths) => self.write(out, &cells, widths, false),
            None => {
                self.waiting.push(cells);
                if self.waiting.len() >= AHEAD { self.flush(out) } else { Ok(()) }
            }
        }
    }

    /// Writes the rows that wait, with the heads of the columns before the first one. Without any
    /// row there is nothing to write.
    pub fn flush(&mut self, out: &mut Out) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        if self.widths.is_none() {
            let mut widths: Vec<usize> =
                self.columns.iter().map(|column| column.head.width()).collect();
            for row in &waiting {
                for ((width, cell), column) in widths.iter_mut().zip(row).zip(&self.columns) {
                    *width = (*width).max(cell.width()).min(column.most);
                }
            }
            let heads: Vec<String> =
                self.columns.iter().map(|column| column.head.to_owned()).collect();
            self.write(out, &heads, &widths, true)?;
            self.widths = Some(widths);
        }
        let widths = self.widths.as_deref().unwrap_or_default();
        waiting.iter().try_for_each(|row| self.write(out, row, widths, false))
    }

    fn write(
        &self,
        out: &mut Out,
        cells: &[String],
        widths: &[usize],
        is_head: bool,
    ) -> io::Result<()> {
        let last = self.columns.len().saturating_sub(1);
        let mut used = 0;
        for (nth, ((column, cell), width)) in self.columns.iter().zip(cells).zip(widths).enumerate()
        {
            let room = match self.width {
                Some(all) if nth == last => all.saturating_sub(used).max(1),
                _ if nth == last => usize::MAX,
                _ => column.most,
            };
            let cell = cut(cell, room);
            let pad = width.saturating_sub(cell.width());
            let style = if is_head { Style::Head } else { column.style };
            let (before, after) = match column.align {
                Align::Right => (pad, 0),
                Align::Left if nth == last => (0, 0),
                Align::Left => (0, pad),
            };
            write!(out, "{:before$}", "")?;
            out.styled(style, &cell)?;
            if nth < last {
                write!(out, "{:1$}", "", after + GAP)?;
            }
            used += before + cell.width() + after + GAP;
        }
        writeln!(out)
    }
}
