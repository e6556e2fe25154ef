//! Where lines come from: a file, or standard input, which is kept so that it can be read twice.

use super::pack::Packing;
use super::stdin::all_of_stdin;
use crate::exit::{Failure, Outcome};
use crate::show::{Progress, path_name};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Read at once.
const AHEAD: usize = 1 << 18;

/// Where lines come from.
pub struct Source {
    file: File,
    name: String,
    packing: Packing,
    length: u64,
    done: Arc<AtomicU64>,
}

impl Source {
    /// A file, or standard input for `-`.
    ///
    /// # Errors
    /// It can't be read, or its name says that it is packed otherwise than it is.
    pub fn open(path: &Path, quiet: bool) -> Outcome<Self> {
        let is_stdin = path == Path::new("-");
        let name = match is_stdin {
            true => "standard input".to_owned(),
            false => path_name(path),
        };
        let failed = |error| Failure::io(format_args!("reading {name} failed"), &error);
        // Asked before it is opened: to open a pipe would be to wait for who writes to it.
        if !is_stdin && !path.metadata().map_err(failed)?.is_file() {
            let what = format!("{name} is no file; pipe it in, and give `-` for standard input");
            return Err(Failure::can_not(what));
        }
        let mut file = if is_stdin { spooled(quiet)? } else { File::open(path).map_err(failed)? };
        let mut beginning = Vec::new();
        (&mut file).take(4).read_to_end(&mut beginning).map_err(failed)?;
        let packing = Packing::by_beginning(&beginning);
        let said = Packing::by_name(path);
        if !is_stdin && said != Packing::None && said != packing {
            let (said, is) = (said.name(), packing.name());
            let what = format!("{name} should be {said} by its name, but begins as {is}");
            return Err(Failure::can_not(format!("{what}; rename it, or pack it")));
        }
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { file, name, packing, length, done: Arc::default() })
    }

    /// What it is called, made harmless.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes of it have been read since it was last begun, and how many there are: packed,
    /// where they are.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.length)
    }

    /// From the beginning, unpacked.
    pub fn read(&self) -> Outcome<Box<dyn Read + Send + '_>> {
        let failed = |error| Failure::io(format_args!("reading {} failed", self.name), &error);
        self.done.store(0, Ordering::Relaxed);
        (&self.file).seek(SeekFrom::Start(0)).map_err(failed)?;
        let counted = Counted { file: &self.file, done: &self.done };
        self.packing.unpack(BufReader::with_capacity(AHEAD, counted)).map_err(failed)
    }

    /// What a failed read of it means.
    pub fn failed(&self, error: &io::Error, line: u64) -> Failure {
        let packed = match self.packing {
            Packing::None => String::new(),
            packing => format!(", or it is no whole {}", packing.name()),
        };
        let doing = format!("reading {} failed at line {line}{packed}", self.name);
        Failure::io(doing, error)
    }
}

/// All of standard input in a file that nobody else sees and that is gone with the process.
fn spooled(quiet: bool) -> Outcome<File> {
    let failed = |error| Failure::io("keeping standard input in a temporary file failed", &error);
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut progress = Progress::of_bytes("reading standard input", quiet);
    let mut length = 0;
    all_of_stdin("interrupted; nothing was imported", |piece| {
        file.write_all(piece).map_err(failed)?;
        length += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        progress.at(length, 0);
        Ok(())
    })?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(file)
}

/// Counts what is read.
struct Counted<'s> {
    file: &'s File,
    done: &'s AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.done.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}
