//! Keys, and what else the terminal says.

use crate::exit::{Failure, Outcome};
use ratatui::crossterm::event::{self, Event};
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What is heard and nobody has asked for yet, at most.
const WAITING: usize = 1_024;

/// Listens to the terminal in a thread of its own, which ends with the process: so that nobody
/// waits for keys who has something else to do, or who was asked to end while the terminal is gone.
pub struct Listened {
    events: Receiver<io::Result<Event>>,
}

impl Listened {
    /// Listens from now on.
    pub fn new() -> Self {
        let (sender, events) = mpsc::sync_channel(WAITING);
        thread::spawn(move || {
            loop {
                let event = event::read();
                let has_failed = event.is_err();
                if sender.send(event).is_err() || has_failed {
                    break;
                }
            }
        });
        Self { events }
    }

    /// What the terminal said next; nothing if it says nothing for so long.
    pub fn wait(&self, patience: Duration) -> Outcome<Option<Event>> {
        match self.events.recv_timeout(patience) {
            Ok(Ok(event)) => Ok(Some(event)),
            Ok(Err(error)) => Err(Failure::io("reading keys failed", &error)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::can_not("nobody listens to the keys any more"))
            }
        }
    }
}
