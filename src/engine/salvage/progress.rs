//! How far a salvage is, and whether it is to go on.

use std::ops::ControlFlow;

/// Bytes between two reports.
const STEP: u64 = 1 << 18;

/// Reads the same file several times, and tells of all of it as one.
pub struct Progress<'a> {
    /// Bytes of one time through.
    size: u64,
    /// How often it was read through before.
    before: u64,
    times: u64,
    said: u64,
    tell: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
}

impl<'a> Progress<'a> {
    /// For a file of this size that is read so many times.
    pub fn new(
        size: u64,
        times: u64,
        tell: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Self {
        Self { size, before: 0, times, said: 0, tell }
    }

    /// So many bytes of this time are done. `Break` if it is to stop.
    pub fn at(&mut self, bytes: u64) -> ControlFlow<()> {
        let done = self.before.saturating_mul(self.size).saturating_add(bytes.min(self.size));
        if done < self.said.saturating_add(STEP) {
            return ControlFlow::Continue(());
        }
        self.tell(done)
    }

    /// The file was read through once more.
    pub fn through(&mut self) -> ControlFlow<()> {
        self.before += 1;
        self.tell(self.before.saturating_mul(self.size))
    }

    fn tell(&mut self, done: u64) -> ControlFlow<()> {
        self.said = done;
        (self.tell)(done, self.times.saturating_mul(self.size))
    }
}
