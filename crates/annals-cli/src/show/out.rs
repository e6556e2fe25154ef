//! Standard output and standard error: whether somebody looks at them, and how wide and colourful
//! they are.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

/// When colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// As it is.
    Plain,
    /// Less important than the rest.
    Dim,
    /// The head of a column.
    Head,
    /// A name.
    Name,
    /// All is well.
    Good,
    /// Something is wrong.
    Bad,
}

impl Style {
    fn codes(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\x1b[2m",
            Self::Head => "\x1b[1m",
            Self::Name => "\x1b[36m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

/// Standard output, or a file that is asked for instead.
pub struct Out {
    inner: BufWriter<Box<dyn Write>>,
    is_terminal: bool,
    has_colour: bool,
}

impl Out {
    /// Standard output.
    pub fn stdout(colour: Colour) -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let has_colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && wants_colour(),
        };
        let raw = if is_terminal { None } else { unbuffered(&stdout) };
        let inner: Box<dyn Write> = match raw {
            Some(file) => Box::new(file),
            None => Box::new(stdout),
        };
        Self { inner: BufWriter::with_capacity(1 << 16, inner), is_terminal, has_colour }
    }

    /// Whether somebody looks at it.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether colours are shown on it.
    pub fn has_colour(&self) -> bool {
        self.has_colour
    }

    /// How many columns there are: COLUMNS says it, or the terminal. Nothing if there is no end.
    pub fn width(&self) -> Option<usize> {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        columns.or_else(|| self.is_terminal.then(width_of_terminal).flatten())
    }

    /// Writes a text in a style. The text has to be harmless: see [`escaped`](super::escaped).
    pub fn styled(&mut self, style: Style, text: impl Display) -> io::Result<()> {
        if self.has_colour && style != Style::Plain {
            write!(self.inner, "{}{text}\x1b[0m", style.codes())
        } else {
            write!(self.inner, "{text}")
        }
    }

    /// Writes a line of JSON. On a terminal whatever in it would act there is escaped, as JSON can.
    pub fn json_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_terminal {
            write_shown(&mut self.inner, line)?;
        } else {
            self.inner.write_all(line)?;
        }
        self.inner.write_all(b"\n")
    }

    /// Writes a value as one line of JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let line = serde_json::to_vec(value).map_err(io::Error::other)?;
        self.json_line(&line)
    }
}

/// JSON with each character that acts on a terminal as `\u....`: they can only stand in strings,
/// but for tabs, which can only stand between them.
fn write_shown(out: &mut impl Write, line: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(line);
    let mut units = [0; 2];
    for char in text.chars() {
        let mut bytes = [0; 4];
        let own = char.encode_utf8(&mut bytes);
        if char == '\t' {
            out.write_all(b" ")?;
            continue;
        }
        if let std::borrow::Cow::Borrowed(same) = super::escaped(own) {
            out.write_all(same.as_bytes())?;
            continue;
        }
        for unit in char.encode_utf16(&mut units) {
            write!(out, "\\u{unit:04x}")?;
        }
    }
    Ok(())
}

/// Lines on their way to a terminal, each made harmless.
pub struct Harmless<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// Goes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                writeln!(self.out, "{}", super::escaped_line(line))?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Standard output without the buffer that hands on whole lines only: there is a larger one.
#[cfg(unix)]
fn unbuffered(stdout: &io::Stdout) -> Option<File> {
    std::os::fd::AsFd::as_fd(stdout).try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn unbuffered(_: &io::Stdout) -> Option<File> {
    None
}

/// Whether the environment says nothing against colours (<https://no-color.org>).
fn wants_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns the terminal has that standard output is.
fn width_of_terminal() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Says something to whoever called, on standard error. What is said has to be harmless.
pub fn said(text: impl Display) {
    // If nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
