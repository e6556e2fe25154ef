//! Groups of processes that have only so much memory, what they read of files included.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where groups whose memory is limited can be made.
pub struct Place {
    mount: PathBuf,
    version: Version,
}

/// The two forms that Linux has of them, with files of other names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    One,
    Two,
}

impl Version {
    /// The file that has the limit.
    fn limit(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    /// The file that says how much may be swapped out, and what is written there: nothing is.
    fn swap(self) -> (&'static str, &'static str) {
        match self {
            Self::One => ("memory.swappiness", "0"),
            Self::Two => ("memory.swap.max", "0"),
        }
    }

    /// The file that counts processes that were killed, in a line `oom_kill`.
    fn kills(self) -> &'static str {
        match self {
            Self::One => "memory.oom_control",
            Self::Two => "memory.events",
        }
    }
}

/// Where groups can be made, or why they can't.
pub fn place() -> Result<Place, String> {
    let mounts = fs::read_to_string("/proc/mounts")
        .map_err(|error| format!("/proc/mounts can't be read: {error}"))?;
    let why = match mount(&mounts, |kind, _| kind == "cgroup2") {
        None => "no cgroup v2 is mounted".to_owned(),
        Some(mount) => match gives_memory(&mount) {
            Ok(()) => return Ok(Place { mount, version: Version::Two }),
            Err(why) => why,
        },
    };
    let has_memory = |options: &str| options.split(',').any(|option| option == "memory");
    match mount(&mounts, |kind, options| kind == "cgroup" && has_memory(options)) {
        Some(mount) => Ok(Place { mount, version: Version::One }),
        None => Err(format!("{why}, and no cgroup v1 limits memory")),
    }
}

/// Where a file system is mounted whose kind and options are such.
fn mount(mounts: &str, is_wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let found = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        is_wanted(kind, options).then_some(at)
    });
    found.map(PathBuf::from)
}

/// Has groups below this one limit memory.
fn gives_memory(mount: &Path) -> Result<(), String> {
    let said = |name| {
        let found = fs::read_to_string(mount.join(name));
        found.map_err(|error| format!("{} can't be read: {error}", mount.join(name).display()))
    };
    let has_memory = |text: &str| text.split_whitespace().any(|name| name == "memory");
    if !has_memory(&said("cgroup.controllers")?) {
        let at = mount.display();
        return Err(format!("cgroup v2 at {at} does not control memory"));
    }
    if !has_memory(&said("cgroup.subtree_control")?) {
        fs::write(mount.join("cgroup.subtree_control"), "+memory")
            .map_err(|error| format!("cgroup v2 is not to be had: {error}; is this root?"))?;
    }
    Ok(())
}

/// A group that is there as long as this is.
pub struct Group {
    folder: PathBuf,
    version: Version,
}

impl Group {
    pub fn new(place: &Place, memory: u64) -> Result<Self, String> {
        let folder = place.mount.join(format!("annals-compare-{}", std::process::id()));
        let told = |error: Error| format!("{} can't be made: {error}", folder.display());
        fs::create_dir(&folder).map_err(told)?;
        let group = Self { folder: folder.clone(), version: place.version };
        fs::write(folder.join(group.version.limit()), memory.to_string()).map_err(told)?;
        let (swap, none) = group.version.swap();
        match fs::write(folder.join(swap), none) {
            // There is no swap that could be counted.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            written => written.map_err(told)?,
        }
        Ok(group)
    }

    /// Who writes its number there is in the group.
    pub fn members(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Processes that were killed because there was no memory for them.
    pub fn kills(&self) -> u64 {
        count(&self.said(self.version.kills()), "oom_kill")
    }

    /// How often the group was at its limit.
    pub fn reclaims(&self) -> u64 {
        match self.version {
            Version::One => self.said("memory.failcnt").trim().parse().unwrap_or(0),
            Version::Two => count(&self.said("memory.events"), "max"),
        }
    }

    fn said(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last process of it may be going still.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn count(events: &str, name: &str) -> u64 {
    let of_line = |line: &str| {
        let (found, number) = line.split_once(' ')?;
        (found == name).then(|| number.parse().ok())?
    };
    events.lines().find_map(of_line).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{count, gives_memory, mount};
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_mount_is_found_by_its_kind_and_options() {
        let hybrid = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let second = mount(hybrid, |kind, _| kind == "cgroup2");
        assert_eq!(second.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        let first = mount(hybrid, |kind, options| kind == "cgroup" && options.ends_with("memory"));
        assert_eq!(first.as_deref(), Some(Path::new("/sys/fs/cgroup/memory")));
        assert_eq!(mount(hybrid, |kind, _| kind == "ext4"), None);
    }

    #[test]
    fn a_mount_without_a_controller_of_memory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| folder.path().join(name);
        assert!(gives_memory(folder.path()).unwrap_err().contains("can't be read"));
        fs::write(file("cgroup.controllers"), "hugetlb\n").unwrap();
        fs::write(file("cgroup.subtree_control"), "").unwrap();
        assert!(gives_memory(folder.path()).unwrap_err().contains("does not control memory"));
        fs::write(file("cgroup.controllers"), "cpu memory\n").unwrap();
        gives_memory(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(file("cgroup.subtree_control")).unwrap(), "+memory");
    }

    #[test]
    fn events_are_counted_by_their_names() {
        let events = "low 0\nmax 12\noom 3\noom_kill 2\n";
        assert_eq!((count(events, "oom_kill"), count(events, "max"), count("", "max")), (2, 12, 0));
    }
}
