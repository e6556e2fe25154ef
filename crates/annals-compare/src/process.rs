//! What the system says of this process and of files.

use annals::storage::{Access, FileStorage, Storage};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A number behind a name in a file of `/proc/self`.
fn said(file: &str, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/self/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// The most memory that this process has had, in MB: pages of mapped files count.
pub fn peak_memory() -> f64 {
    said("status", "VmHWM:") * 1024.0 / 1e6
}

/// Bytes that were read from the device for this process.
pub fn bytes_read() -> f64 {
    said("io", "read_bytes:")
}

/// The bytes of all files of a folder, and those that they take on the disk. A file with holes, or
/// one that is only as long as a map, has no more than it takes.
pub fn sizes(folder: &Path) -> (u64, u64) {
    let each = files(folder).into_iter().map(|file| {
        let metadata = fs::metadata(file).unwrap();
        let taken = metadata.blocks() * 512;
        (metadata.len().min(taken), taken)
    });
    each.fold((0, 0), |(used, taken), (length, blocks)| (used + length, taken + blocks))
}

/// Writes all files of a folder to the disk, and drops what the cache has of them.
pub fn drop_cache(folder: &Path) {
    for path in files(folder) {
        let file = FileStorage::open(&path, Access::Read, false).unwrap();
        file.sync().unwrap();
        file.drop_cache(0, file.size().unwrap()).unwrap();
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Tells whoever started this process that it may be killed.
pub fn say_ready() {
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    out.flush().unwrap();
}
