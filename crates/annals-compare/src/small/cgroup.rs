//! Groups of processes that have only so much memory, what they read of files included.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where groups whose memory is limited can be made, or why they can't.
pub fn place() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/mounts")
        .map_err(|error| format!("/proc/mounts can't be read: {error}"))?;
    let mount = mount(&mounts).ok_or("no cgroup v2 is mounted")?;
    gives_memory(&mount)?;
    Ok(mount)
}

/// Where cgroup v2 is mounted.
fn mount(mounts: &str) -> Option<PathBuf> {
    let fields = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let all = mounts.lines().map(fields);
    let found = all.into_iter().find(|it| it.get(2).is_some_and(|kind| kind == "cgroup2"))?;
    Some(found[1].clone().into())
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
        return Err(format!("cgroup v2 at {at} does not control memory; does cgroup v1?"));
    }
    if !has_memory(&said("cgroup.subtree_control")?) {
        fs::write(mount.join("cgroup.subtree_control"), "+memory")
            .map_err(|error| format!("cgroup v2 is not to be had: {error}; is this root?"))?;
    }
    Ok(())
}

/// A group that is there as long as this is.
pub struct Group(PathBuf);

impl Group {
    pub fn new(place: &Path, memory: u64) -> Result<Self, String> {
        let folder = place.join(format!("annals-compare-{}", std::process::id()));
        let told = |error: Error| format!("{} can't be made: {error}", folder.display());
        fs::create_dir(&folder).map_err(told)?;
        let group = Self(folder.clone());
        fs::write(folder.join("memory.max"), memory.to_string()).map_err(told)?;
        match fs::write(folder.join("memory.swap.max"), "0") {
            // There is no swap that could be counted.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            written => written.map_err(told)?,
        }
        Ok(group)
    }

    /// Who writes its number there is in the group.
    pub fn members(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }

    /// Processes that were killed because there was no memory for them.
    pub fn kills(&self) -> u64 {
        let events = fs::read_to_string(self.0.join("memory.events")).unwrap_or_default();
        count(&events, "oom_kill")
    }

    /// How often the group was at its limit.
    pub fn reclaims(&self) -> u64 {
        let events = fs::read_to_string(self.0.join("memory.events")).unwrap_or_default();
        count(&events, "max")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last process of it may be going still.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
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
    fn cgroup_v2_is_found_where_it_is_mounted() {
        let hybrid = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(mount(hybrid).as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        assert_eq!(mount("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"), None);
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
