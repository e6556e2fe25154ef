//! Placed frames to the device.

use super::core::Core;
use super::writer::{Io, Pending, WriteSide, Writer};
use crate::storage::{write_full, write_zeros};
use crate::words::{Error, ErrorKind, LogOffset};

impl WriteSide {
    /// Makes everything before `end` written: by this thread, or by the one that holds `io` now.
    pub fn write_to(&self, core: &Core, end: LogOffset) -> Result<(), Error> {
        let mut io = self.io();
        {
            let state = core.flow.lock();
            if state.written >= end {
                return Ok(());
            }
            state.check_poison()?;
        }
        if io.sealed {
            return Err(Error::closed());
        }
        let pending = {
            let mut writer = self.writer();
            self.take_pending(&mut io, &mut writer)
        };
        self.write(core, &mut io, pending)
    }

    /// Writes everything placed, for who has both locks.
    pub(super) fn write_pending(
        &self,
        core: &Core,
        io: &mut Io,
        writer: &mut Writer,
    ) -> Result<(), Error> {
        if io.sealed {
            return Err(Error::closed());
        }
        if core.flow.lock().written >= writer.end {
            return Ok(());
        }
        let pending = self.take_pending(io, writer);
        self.write(core, io, pending)
    }

    fn take_pending(&self, io: &mut Io, writer: &mut Writer) -> Pending {
        io.epoch = writer.epoch;
        std::mem::replace(&mut writer.pending, std::mem::take(&mut io.spare))
    }

    fn write(&self, core: &Core, io: &mut Io, mut pending: Pending) -> Result<(), Error> {
        if let Err(error) = self.write_all(core, &pending) {
            core.poison();
            let what = "writing the log failed; open the store again";
            return Err(Error::poisoned_by(what, error));
        }
        core.publish_written(pending.end);
        pending.clear();
        io.spare = pending;
        Ok(())
    }

    /// Writes all of it, and before it the zeros that it is time for.
    fn write_all(&self, core: &Core, pending: &Pending) -> std::io::Result<()> {
        // Room that is kept ahead is filled already.
        if self.settings.reserve == 0
            && let Some((offset, length)) = pending.unfilled(self.settings.write_block)
        {
            write_zeros(&*core.storage, offset, length)?;
        }
        let mut pieces = pending.pieces();
        pieces.try_for_each(|(offset, bytes)| write_full(&*core.storage, bytes, offset))
    }

    /// Makes everything before `end` visible: written, and synced as far as commits before it ask
    /// for it.
    pub fn settle(&self, core: &Core, end: LogOffset) -> Result<(), Error> {
        let needed = core.flow.lock().sync_needed(end);
        if needed > LogOffset::ZERO {
            self.sync_to(core, needed)?;
        }
        if needed < end { self.write_to(core, end) } else { Ok(()) }
    }

    /// An error if the file at the store's path is another one now: what is written would be lost
    /// with it.
    pub fn check_there(&self, core: &Core) -> Result<(), Error> {
        match core.storage.still_there() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(
                ErrorKind::Replaced,
                "the file at the store's path was removed, moved or replaced while it was open: \
                 nothing was written; close the store and look at the path",
            )),
            Err(error) => Err(Error::io("looking at the store's path failed", error)),
        }
    }
}
