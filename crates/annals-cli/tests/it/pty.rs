//! A pseudo terminal with `annals` in it.

use portable_pty::{Child, CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Whatever is waited for comes within this time, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The terminal, what it shows, and all that was written to it.
pub struct Terminal {
    pair: PtyPair,
    writer: Box<dyn Write + Send>,
    written: Receiver<Vec<u8>>,
    child: Box<dyn Child + Send + Sync>,
    parser: vt100::Parser,
    had: Vec<u8>,
    /// Its settings before anything ran in it.
    pub before: String,
}

impl Terminal {
    /// Starts `annals browse` on a store.
    pub fn browse(path: &Path, arguments: &[&str], width: u16, height: u16) -> Option<Self> {
        let words = [&["browse", path.to_str().unwrap()], arguments].concat();
        Self::annals(&words, &[], width, height)
    }

    /// Starts `annals` with these words and this environment; nothing, with the reason printed,
    /// where no pseudo terminal can be had.
    pub fn annals(
        words: &[&str],
        environment: &[(&str, &str)],
        width: u16,
        height: u16,
    ) -> Option<Self> {
        let pair = match native_pty_system().openpty(size(width, height)) {
            Ok(pair) => pair,
            Err(error) => {
                println!("skipped: there is no pseudo terminal here: {error}");
                return None;
            }
        };
        let before = settings(&*pair.master);
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_annals"));
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.env_remove("COLUMNS");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, written) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(non_zero(height), non_zero(width), 0);
        Some(Self { pair, writer, written, child, parser, had: Vec::new(), before })
    }

    /// Presses keys.
    pub fn write(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
        if keys.ends_with('\x1b') {
            // What comes right behind it would be taken for a part of the same key.
            let before = self.had.len();
            self.until("an answer to Esc", |terminal| terminal.had.len() > before);
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        self.until(text, |terminal| terminal.parser.screen().contents().contains(text));
    }

    /// Waits until the screen does not show this any more.
    #[track_caller]
    pub fn hides(&mut self, text: &str) {
        self.until(text, |terminal| !terminal.parser.screen().contents().contains(text));
    }

    /// Waits until these bytes have been written to it.
    #[track_caller]
    pub fn waits_for(&mut self, bytes: &[u8]) {
        self.until("bytes", |terminal| terminal.has_had(bytes));
    }

    /// Holds the program up until this has been written: so what it does takes long, however fast
    /// the machine is.
    #[track_caller]
    pub fn shows_when_held_up(&mut self, text: &str) {
        let id = self.process().to_string();
        let send = |signal| Command::new("kill").args([signal, id.as_str()]).status().unwrap();
        while !self.has_had(text.as_bytes()) {
            assert!(self.child.try_wait().unwrap().is_none(), "{text:?} was not shown");
            send("-STOP");
            thread::sleep(Duration::from_millis(1_100));
            send("-CONT");
            if let Ok(bytes) = self.written.recv_timeout(Duration::from_millis(20)) {
                self.take(&bytes);
            }
        }
    }

    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let Ok(bytes) = self.written.recv_timeout(left) else {
                panic!(
                    "waited for {what:?}, and the screen is\n{}",
                    self.parser.screen().contents()
                )
            };
            self.take(&bytes);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.had.extend_from_slice(bytes);
    }

    /// What the screen shows.
    pub fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    /// Makes it larger or smaller.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.parser.screen_mut().set_size(non_zero(height), non_zero(width));
        self.pair.master.resize(size(width, height)).unwrap();
    }

    /// Quits, and sees that it ends well.
    #[track_caller]
    pub fn quit(&mut self) {
        self.write("q");
        assert_eq!(self.ends(), 0);
    }

    /// Waits until the program has ended; its exit code.
    #[track_caller]
    pub fn ends(&mut self) -> u32 {
        let begun = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            if let Ok(bytes) = self.written.recv_timeout(Duration::from_millis(5)) {
                self.take(&bytes);
            }
        };
        // What it wrote last may still be on its way.
        while let Ok(bytes) = self.written.recv_timeout(Duration::from_millis(100)) {
            self.take(&bytes);
        }
        code
    }

    /// The process in it.
    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Its settings: what `stty -a` shows.
    pub fn settings(&self) -> String {
        settings(&*self.pair.master)
    }

    /// Whether these bytes have been written to it.
    pub fn has_had(&self, bytes: &[u8]) -> bool {
        last(&self.had, bytes).is_some()
    }

    /// Whether these bytes have been written to it, and the others not since.
    pub fn had_last(&self, bytes: &[u8], others: &[u8]) -> bool {
        last(&self.had, bytes) > last(&self.had, others)
    }

    /// Whether it shows the alternate screen.
    pub fn is_alternate(&self) -> bool {
        self.parser.screen().alternate_screen()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 }
}

fn non_zero(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

fn settings(terminal: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", terminal.get_termios().expect("a terminal has settings"))
}

/// Where these bytes stand last.
fn last(all: &[u8], bytes: &[u8]) -> Option<usize> {
    all.windows(bytes.len()).rposition(|there| there == bytes)
}
