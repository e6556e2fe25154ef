//! What writers and readers say while they work: one record of 32 bytes each, by one write, so
//! that it is said whole or not at all, and at once.

use annals::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

/// What has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// The store is about to be opened, or made.
    Opening = 1,
    /// It is open, in this session.
    Opened,
    /// A thread has found so many of its commits there.
    Found,
    /// A commit is about to be made.
    Begun,
    /// It was acknowledged as buffered.
    Buffered,
    /// It was acknowledged as synced, or strictly.
    Synced,
    /// It was refused: nothing of it may be there.
    Refused,
    /// Whether it is there is unknown: the store is poisoned.
    Unknown,
    /// Everything up to this position was said to be durable, and all that this thread has made.
    Durable,
    /// The store is about to be closed.
    Closing,
    /// It was closed: everything is durable.
    Closed,
    /// The plan is over.
    Done,
    /// Errors did not end; the writer has given up.
    GaveUp,
    /// A reader has seen everything up to a position; the number is its chain there.
    Seen,
}

impl What {
    const ALL: [Self; 14] = [
        Self::Opening,
        Self::Opened,
        Self::Found,
        Self::Begun,
        Self::Buffered,
        Self::Synced,
        Self::Refused,
        Self::Unknown,
        Self::Durable,
        Self::Closing,
        Self::Closed,
        Self::Done,
        Self::GaveUp,
        Self::Seen,
    ];

    /// Whether it says where the writer is.
    pub(crate) fn is_a_phase(self) -> bool {
        use What::{Closed, Closing, Done, GaveUp, Opened, Opening};
        matches!(self, Opening | Opened | Closing | Closed | Done | GaveUp)
    }
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    pub(crate) what: What,
    pub(crate) thread: u8,
    /// The commit's number; that of the session where one begins; a reader's chain.
    pub(crate) number: u64,
    /// The first and the last position of what was acknowledged; the last durable one, or that was
    /// seen; the system's number of an error.
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, thread, number, first, last } = self;
        write!(f, "{what:?}, thread {thread}, number {number}, positions {first} to {last}")
    }
}

/// The standard output, without the buffer that is in front of it usually.
static OUT: OnceLock<io::Result<File>> = OnceLock::new();
/// Bytes of a record.
const LEN: usize = 32;

impl Said {
    /// That this has happened to the thread's commit.
    pub(crate) fn of(what: What, thread: u8, number: u64) -> Self {
        Self { what, thread, number, first: 0, last: 0 }
    }

    /// With these positions.
    pub(crate) fn at(self, first: u64, last: u64) -> Self {
        Self { first, last, ..self }
    }

    /// With the system's number of this error, if it has one.
    pub(crate) fn because(self, error: &Error) -> Self {
        let source = std::error::Error::source(error);
        let source = source.and_then(|source| source.downcast_ref::<io::Error>());
        let number = source.and_then(io::Error::raw_os_error).unwrap_or(0);
        self.at(number as u64, number as u64)
    }

    /// Says it on the standard output, at once. Whoever is not heard any more stops.
    pub(crate) fn say(self) {
        let mut bytes = [0; LEN];
        let (head, numbers) = bytes.split_at_mut(8);
        head[0] = self.what as u8;
        head[1] = self.thread;
        let all = [self.number, self.first, self.last];
        for (bytes, number) in numbers.chunks_exact_mut(8).zip(all) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        let said = OUT
            .get_or_init(|| io::stdout().as_fd().try_clone_to_owned().map(File::from))
            .as_ref()
            .is_ok_and(|mut out| out.write_all(&bytes).is_ok());
        if !said {
            std::process::exit(0);
        }
    }

    /// The next record of a writer; none when it is gone.
    pub(crate) fn hear(from: &mut impl Read) -> Option<Self> {
        let mut bytes = [0; LEN];
        from.read_exact(&mut bytes).ok()?;
        let what = What::ALL.into_iter().find(|what| *what as u8 == bytes[0])?;
        let word = |nth: usize| {
            let at = nth * 8;
            bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes)
        };
        Some(Self { what, thread: bytes[1], number: word(1)?, first: word(2)?, last: word(3)? })
    }
}
