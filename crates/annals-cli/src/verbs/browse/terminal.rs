//! The terminal: taken, and given back as it was, however it ends.

use crate::exit::{Failure, Outcome};
use crate::show::Colour;
use crate::stop;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::{Position, Rect, Size};
use ratatui::{Frame, Terminal};
use std::io::{self, BufWriter, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is not as it was.
static TAKEN: AtomicBool = AtomicBool::new(false);

type Backend = CrosstermBackend<Gate>;

/// Standard output, as long as the terminal is taken: what comes later goes nowhere, and can't
/// fail.
struct Gate(BufWriter<Stdout>);

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if TAKEN.load(Ordering::SeqCst) { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if TAKEN.load(Ordering::SeqCst) { self.0.flush() } else { Ok(()) }
    }
}

/// The screen of a terminal, in raw mode, on the alternate screen, until it is dropped.
pub struct Screen {
    // Dropped first: whatever the other has to say in the end is said to nobody.
    _taken: Taken,
    terminal: Terminal<Backend>,
}

/// Gives the terminal back when it is dropped.
struct Taken;

impl Screen {
    /// Takes the terminal.
    pub fn enter(colour: Colour) -> Outcome<Self> {
        if colour == Colour::Always {
            // Who asks for colours means it, whatever NO_COLOR says.
            force_color_output(true);
        }
        restore_on_panic();
        stop::at_last(|| _ = give_back());
        // From here on it is given back, also if it was taken by half.
        let taken = Taken;
        take().map_err(failed)?;
        let out = Gate(BufWriter::new(io::stdout()));
        let terminal = Terminal::new(CrosstermBackend::new(out)).map_err(failed)?;
        let mut screen = Self { _taken: taken, terminal };
        // Where there is no other screen, something stands on this one.
        screen.redraw()?;
        Ok(screen)
    }

    /// Gives the terminal back.
    pub fn leave(self) -> Outcome {
        give_back().map_err(failed)
    }

    /// How large it is.
    pub fn size(&self) -> Outcome<Size> {
        self.terminal.size().map_err(failed)
    }

    /// Draws it; what is the same as before is not sent again.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Outcome {
        self.terminal.draw(draw).map(|_| ()).map_err(failed)
    }

    /// Stops this process as Ctrl-Z does, with the terminal as it was; goes on when somebody lets
    /// it.
    pub fn suspend(&mut self) -> Outcome {
        #[cfg(unix)]
        {
            give_back().map_err(failed)?;
            signal_hook::low_level::raise(signal_hook::consts::SIGTSTP).map_err(failed)?;
            take().map_err(failed)?;
        }
        self.redraw()
    }

    /// Clears it: it is drawn anew from nothing, whatever somebody else has written there.
    pub fn redraw(&mut self) -> Outcome {
        // `clear` would ask the terminal where its cursor is, and wait for the answer.
        let whole = Rect::from((Position::ORIGIN, self.size()?));
        self.terminal.resize(whole).map_err(failed)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let _ = give_back();
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::io("the terminal failed", &error)
}

fn take() -> io::Result<()> {
    // Said first: what is half done is undone too.
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

/// Does nothing if it is given back already.
fn give_back() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = io::stdout();
    let shown = queue!(out, LeaveAlternateScreen, Show).and_then(|()| out.flush());
    // The one is tried also where the other failed.
    disable_raw_mode().and(shown)
}

/// Whoever panics gives the terminal back first, so that what it says can be read.
fn restore_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        let _ = give_back();
        before(what);
    }));
}
