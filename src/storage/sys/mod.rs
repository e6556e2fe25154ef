//! Where Annals leaves the safe part of Rust: maps, and the system calls that std does not have.
#![expect(unsafe_code, reason = "maps and system calls; each block proves its own safety")]

mod map;
#[cfg(all(test, loom))]
pub(super) mod modelled;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub use map::Map;
#[cfg(unix)]
pub(super) use unix::*;
#[cfg(windows)]
pub(super) use windows::*;

/// This process and host, in words, for the holder's page.
pub fn process_name() -> String {
    format!("pid {} host {}\n", std::process::id(), host_name())
}
