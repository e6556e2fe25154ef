//! What `strace -f` has written of a process: which calls synced, and for which commits.

use crate::workload::marked::{BEGIN, END, FROM, TO};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The calls that are traced.
pub const TRACED: &str = "openat,fallocate,fdatasync,fsync,msync,sync_file_range,sync,syncfs,\
                          pwrite64,write,pwritev,pwritev2,writev";
/// A write to a file that was opened so that each write is synced.
const SYNCED_WRITE: &str = "write to O_DSYNC";

/// What happened between the marks of the beginning and of the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub commits: u64,
    /// Successful calls that sync, by their names.
    pub calls: BTreeMap<String, u64>,
    /// Other writes.
    pub writes: u64,
    /// How often room was taken in a file (`fallocate`).
    pub rooms: u64,
    /// Commits that were acknowledged though no sync had begun and ended since they were begun.
    pub bare: u64,
}

impl Counts {
    pub fn syncs(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// A call that is under way.
struct Call<'a> {
    name: &'a str,
    arguments: &'a str,
    since: usize,
}

#[derive(Default)]
struct Reader<'a> {
    counts: Counts,
    is_between: bool,
    under_way: HashMap<&'a str, Call<'a>>,
    /// Descriptors whose writes are synced.
    synced: HashSet<&'a str>,
    /// Commits by their threads: the line in which they were begun, whether a sync was within.
    commits: HashMap<&'a str, (usize, bool)>,
}

/// Reads what `strace -f -o` has written.
pub fn counts(trace: &str) -> Counts {
    let mut reader = Reader::default();
    for (nth, line) in trace.lines().enumerate() {
        // The process, then what it does.
        if let Some((process, said)) = line.split_once(' ') {
            reader.line(nth, process, said.trim_start());
        }
    }
    reader.counts
}

impl<'a> Reader<'a> {
    fn line(&mut self, nth: usize, process: &'a str, said: &'a str) {
        let call = match said.strip_prefix("<... ") {
            Some(_) => match self.under_way.remove(process) {
                Some(call) => call,
                None => return,
            },
            None => {
                let Some((name, arguments)) = said.split_once('(') else { return };
                self.mark(nth, process, name, arguments);
                Call { name, arguments, since: nth }
            }
        };
        if said.ends_with("<unfinished ...>") {
            self.under_way.insert(process, call);
        } else if let Some((_, returned)) = said.rsplit_once(" = ") {
            self.over(&call, returned);
        }
    }

    fn mark(&mut self, nth: usize, process: &'a str, name: &str, arguments: &str) {
        let Some(written) = arguments.strip_prefix("1, \"").filter(|_| name == "write") else {
            return;
        };
        let Some((mark, _)) = written.split_once("\\n\"") else { return };
        match mark {
            BEGIN => self.is_between = true,
            END => self.is_between = false,
            FROM => _ = self.commits.insert(process, (nth, false)),
            TO => {
                let (_, is_synced) = self.commits.remove(process).unwrap();
                self.counts.commits += 1;
                self.counts.bare += u64::from(!is_synced);
            }
            _ => {}
        }
    }

    fn over(&mut self, call: &Call<'a>, returned: &'a str) {
        // "3", or "-1 EIO (…)".
        let returned = returned.split([' ', '<']).next().unwrap_or_default();
        if returned.starts_with('-') {
            return;
        }
        let descriptor = call.arguments.split([',', ')']).next().unwrap_or_default();
        let syncs = match call.name {
            "openat" => {
                match ["O_SYNC", "O_DSYNC"].iter().any(|flag| call.arguments.contains(flag)) {
                    true => self.synced.insert(returned),
                    false => self.synced.remove(returned),
                };
                return;
            }
            "fdatasync" | "fsync" | "sync" | "syncfs" => Some(call.name),
            "fallocate" => {
                self.counts.rooms += u64::from(self.is_between);
                return;
            }
            "msync" => call.arguments.contains("MS_SYNC").then_some("msync"),
            // It promises nothing: neither what tells where the bytes are, nor the device's cache.
            "sync_file_range" => return,
            _ => self.synced.contains(descriptor).then_some(SYNCED_WRITE),
        };
        if !self.is_between {
            return;
        }
        let Some(name) = syncs else {
            // Marks are no writes of the store.
            self.counts.writes += u64::from(descriptor != "1");
            return;
        };
        *self.counts.calls.entry(name.to_owned()).or_default() += 1;
        for (from, is_synced) in self.commits.values_mut() {
            *is_synced |= call.since > *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts};

    fn calls<const N: usize>(calls: [(&str, u64); N]) -> Vec<(String, u64)> {
        calls.map(|(name, count)| (name.to_owned(), count)).into()
    }

    fn listed(counts: &Counts) -> Vec<(String, u64)> {
        counts.calls.clone().into_iter().collect()
    }

    #[test]
    fn a_sync_counts_for_the_commit_that_it_is_within() {
        let found = counts(concat!(
            "7  fdatasync(3)                      = 0\n",
            "7  write(1, \"begin\\n\", 6)          = 6\n",
            "7  write(1, \"from\\n\", 5)           = 5\n",
            "7  pwrite64(3, \"\\0\\0\"..., 288, 0) = 288\n",
            "7  fdatasync(3)                      = 0\n",
            "7  write(1, \"to\\n\", 3)             = 3\n",
            "7  fsync(3)                          = 0\n",
            "7  write(1, \"from\\n\", 5)           = 5\n",
            "7  pwrite64(3, \"\\0\\0\"..., 288, 0) = 288\n",
            "7  write(1, \"to\\n\", 3)             = 3\n",
            "7  write(1, \"end\\n\", 4)            = 4\n",
            "7  fsync(3)                          = 0\n",
            "7  +++ exited with 0 +++\n",
        ));
        assert_eq!(listed(&found), calls([("fdatasync", 1), ("fsync", 1)]));
        assert_eq!((found.commits, found.bare, found.writes, found.syncs()), (2, 1, 2, 2));
    }

    #[test]
    fn a_sync_that_began_before_a_commit_is_none_of_it() {
        let found = counts(concat!(
            "7  write(1, \"begin\\n\", 6) = 6\n",
            "8  write(1, \"from\\n\", 5 <unfinished ...>\n",
            "9  write(1, \"from\\n\", 5 <unfinished ...>\n",
            "8  <... write resumed>) = 5\n",
            "8  fdatasync(3 <unfinished ...>\n",
            "10  write(1, \"from\\n\", 5) = 5\n",
            "9  <... write resumed>) = 5\n",
            "8  <... fdatasync resumed>) = 0\n",
            "8  write(1, \"to\\n\", 3) = 3\n",
            "9  write(1, \"to\\n\", 3) = 3\n",
            "10  write(1, \"to\\n\", 3) = 3\n",
        ));
        assert_eq!((found.commits, found.bare, found.syncs()), (3, 1, 1));
    }

    #[test]
    fn what_failed_or_promises_nothing_is_no_sync() {
        let found = counts(concat!(
            "7  write(1, \"begin\\n\", 6) = 6\n",
            "7  fdatasync(3) = -1 EIO (Input/output error)\n",
            "7  sync_file_range(3, 0, 0, SYNC_FILE_RANGE_WRITE) = 0\n",
            "7  fallocate(3, 0, 65536, 65536) = -1 ENOSPC (No space left on device)\n",
            "7  fallocate(3, 0, 65536, 65536) = 0\n",
            "7  msync(0x7f0000000000, 4096, MS_ASYNC) = 0\n",
            "7  msync(0x7f0000000000, 4096, MS_SYNC) = 0\n",
        ));
        assert_eq!(listed(&found), calls([("msync", 1)]));
        assert_eq!(found.rooms, 1);
    }

    #[test]
    fn a_write_to_a_file_that_syncs_each_is_a_sync() {
        let found = counts(concat!(
            "7  openat(AT_FDCWD, \"data.mdb\", O_RDWR|O_DSYNC|O_CLOEXEC) = 4\n",
            "7  openat(AT_FDCWD, \"other\", O_WRONLY|O_SYNC <unfinished ...>\n",
            "8  openat(AT_FDCWD, \"lost\", O_RDWR|O_DSYNC) = -1 ENOENT (No such file)\n",
            "7  <... openat resumed>) = 5\n",
            "7  write(1, \"begin\\n\", 6) = 6\n",
            "7  pwrite64(4, \"= 0\", 3, 0) = 3\n",
            "7  write(5, \"x\", 1) = 1\n",
            "7  write(6, \"x\", 1) = 1\n",
            "7  openat(AT_FDCWD, \"plain\", O_RDWR) = 4\n",
            "7  write(4, \"x\", 1) = 1\n",
        ));
        assert_eq!(listed(&found), calls([("write to O_DSYNC", 2)]));
        assert_eq!(found.writes, 2);
    }
}
