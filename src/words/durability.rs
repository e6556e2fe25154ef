//! What 'acknowledged' means.

/// What has to have happened before a commit is acknowledged. Chosen per commit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Durability {
    /// The commit is in the hands of the operating system: it survives a killed process, not a
    /// power cut. It is synced soon after (see [`crate::Options::sync_within`]).
    Buffered,
    /// The commit is on the device. Concurrent commits share one sync.
    #[default]
    Synced,
    /// As `Synced`, and that it was synced is on the device too (a second sync). This closes the
    /// last ambiguity: if the very last commit is damaged later, it is reported rather than taken
    /// for a torn write.
    Strict,
}
