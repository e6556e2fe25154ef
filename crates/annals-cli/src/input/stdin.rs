//! Standard input, which nobody has to wait for who wants to end.

use crate::exit::{Failure, Outcome};
use crate::stop;
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

/// Read at once.
const PIECE: usize = 1 << 16;

/// Hands on all of standard input, piece by piece.
///
/// # Errors
/// It can't be read, or it was interrupted, which ends with `interrupted`; what `hand` says.
pub fn all_of_stdin(interrupted: &str, mut hand: impl FnMut(&[u8]) -> Outcome) -> Outcome {
    let failed = |error: io::Error| Failure::io("reading standard input failed", &error);
    // A read that waits is not interrupted: another thread waits there.
    let (sender, pieces) = sync_channel::<io::Result<Vec<u8>>>(1);
    let read = move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut piece = vec![0; PIECE];
            let read = match stdin.read(&mut piece) {
                Ok(0) => return,
                Ok(read) => {
                    piece.truncate(read);
                    Ok(piece)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_over = read.is_err();
            if sender.send(read).is_err() || is_over {
                return;
            }
        }
    };
    thread::Builder::new().name("annals-stdin".to_owned()).spawn(read).map_err(failed)?;
    loop {
        let piece = pieces.recv_timeout(stop::STEP);
        if stop::is_asked() {
            return Err(Failure::interrupted(interrupted));
        }
        match piece {
            Ok(piece) => hand(&piece.map_err(failed)?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}
