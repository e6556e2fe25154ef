//! Disks that are files: made, mounted where nobody else sees them, and switched off.

use nix::fcntl::{FallocateFlags, fallocate};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;
use tempfile::TempDir;

/// What a disk is formatted with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileSystem {
    /// ext4.
    Ext4,
    /// XFS.
    Xfs,
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        })
    }
}

impl FromStr for FileSystem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ext4" => Ok(Self::Ext4),
            "xfs" => Ok(Self::Xfs),
            other => Err(format!("{other} is neither ext4 nor xfs")),
        }
    }
}

impl FileSystem {
    /// How long an image is: XFS does without less only where it is told to.
    fn bytes(self) -> u64 {
        match self {
            Self::Ext4 => 48 << 20,
            Self::Xfs => 320 << 20,
        }
    }

    fn make(self, image: &Path) -> Result<(), String> {
        match self {
            Self::Ext4 => {
                run(Command::new("mkfs.ext4").args(["-q", "-F", "-b", "4096"]).arg(image))
            }
            Self::Xfs => run(Command::new("mkfs.xfs").args(["-q", "-f"]).arg(image)),
        }
        .map(drop)
    }

    /// Whether the file system's own checker finds nothing to mend.
    fn check(self, image: &Path) -> Result<(), String> {
        match self {
            Self::Ext4 => run(Command::new("e2fsck").args(["-f", "-n"]).arg(image)),
            Self::Xfs => run(Command::new("xfs_repair").arg("-n").arg(image)),
        }
        .map(drop)
    }
}

/// What a power cut does with what the file system has in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// Everything is written first, as if somebody had waited.
    Flushed = 0,
    /// The journal is written first.
    Journal = 1,
    /// Nothing is.
    Nothing = 2,
}

/// From now on what this thread mounts is seen by itself and by what it starts, and gone with them.
pub(crate) fn alone() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| format!("no mounts of one's own: {error}"))?;
    let all = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let none = None::<&str>;
    mount(none, "/", none, all, none).map_err(|error| format!("mounts are shared: {error}"))
}

/// A disk that is a file in memory.
pub(crate) struct Image {
    system: FileSystem,
    /// The memory it lies in; unmounted before its folder goes.
    memory: Mounted,
    /// Where the disk is mounted.
    place: PathBuf,
    _folder: TempDir,
}

impl Image {
    /// A new one, in so many bytes of memory: it takes room there only where it was written to.
    pub(crate) fn new(system: FileSystem, memory: u64) -> Result<Self, String> {
        let failed = |error: io::Error| format!("making a disk: {error}");
        let folder = tempfile::tempdir().map_err(failed)?;
        let (at, place) = (folder.path().join("memory"), folder.path().join("disk"));
        std::fs::create_dir(&at).and_then(|()| std::fs::create_dir(&place)).map_err(failed)?;
        let size = format!("size={memory}");
        let flags = MsFlags::empty();
        mount(Some("tmpfs"), &at, Some("tmpfs"), flags, Some(size.as_str()))
            .map_err(|error| format!("mounting memory: {error}"))?;
        let image = Self { system, memory: Mounted(at), place, _folder: folder };
        let file = File::create_new(image.file()).map_err(failed)?;
        file.set_len(system.bytes()).map_err(failed)?;
        system.make(&image.file())?;
        Ok(image)
    }

    fn file(&self) -> PathBuf {
        self.memory.0.join("image")
    }

    /// Gives the disk memory for the tables and the journal of its file system, ext4: only what is
    /// free there, and will be written to files, has none yet.
    pub(crate) fn back_tables(&self) -> Result<(), String> {
        let failed = |error: nix::errno::Errno| format!("taking memory: {error}");
        let listed = run(Command::new("dumpe2fs").arg(self.file()))?;
        let image = File::options().write(true).open(self.file());
        let image = image.map_err(|error| format!("opening the image: {error}"))?;
        let lines = listed.lines().filter_map(|line| line.strip_prefix("  Free blocks: "));
        let mut next = 0;
        for range in lines.flat_map(|line| line.split(", ")).filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let block = |text: &str| text.trim().parse::<i64>().map_err(|error| error.to_string());
            let (first, end) = (block(first)? * BLOCK, (block(last)? + 1) * BLOCK);
            if first > next {
                fallocate(&image, FallocateFlags::empty(), next, first - next).map_err(failed)?;
            }
            next = end;
        }
        Ok(())
    }

    /// Mounts it: what its journal has is made good first.
    pub(crate) fn mount(&self, options: &str) -> Result<Disk, String> {
        let options = format!("loop{options}");
        let mut command = Command::new("mount");
        command.args(["-t", &self.system.to_string(), "-o", &options]);
        run(command.arg(self.file()).arg(&self.place))?;
        Ok(Disk { at: Mounted(self.place.clone()), _pages: None })
    }

    /// Mounts it so that it is written to page by page. A loop device that has room for the first
    /// part of what it is to write, and none for the rest, says that all is written.
    pub(crate) fn mount_by_pages(&self) -> Result<Disk, String> {
        let disk = self.mount("")?;
        Ok(Disk { _pages: Some(ByPages::new(&disk)?), ..disk })
    }

    /// Whether the file system is whole that was unmounted.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.system.check(&self.file())
    }

    /// Takes all the room that is left in the memory under it: what is written to the disk where it
    /// was never written fails on its way. Gives it back when it is dropped.
    pub(crate) fn fill(&self) -> io::Result<Ballast> {
        let ballast = Ballast(self.memory.0.join("ballast"));
        let file = File::create(&ballast.0)?;
        let mut at = 0;
        let mut piece = 1 << 20;
        while piece >= PAGE {
            match fallocate(&file, FallocateFlags::empty(), at, piece) {
                Ok(()) => at += piece,
                Err(nix::errno::Errno::ENOSPC) => piece /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ballast)
    }
}

/// The least room that memory has.
const PAGE: i64 = 4_096;
/// A block of a disk of ours.
const BLOCK: i64 = 4_096;

/// Room that nobody else gets.
pub(crate) struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        // Where it is not there, the room is free.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A disk that is mounted, for as long as it lives.
pub(crate) struct Disk {
    /// Goes first: the device is this disk's until it is unmounted.
    _pages: Option<ByPages>,
    at: Mounted,
}

impl Disk {
    /// Where a store lies on it.
    pub(crate) fn store(&self) -> PathBuf {
        self.at.0.join("a.annals")
    }

    /// How many errors the file system, ext4, knows of in its own tables and journal: then nothing
    /// follows from what is in its files.
    pub(crate) fn errors(&self) -> Result<u64, String> {
        let name = std::fs::read_link(self.device()?).map_err(|error| error.to_string())?;
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(format!("/sys/fs/ext4/{name}/errors_count"));
        let text = text.map_err(|error| format!("asking for the errors of {name}: {error}"))?;
        text.trim().parse().map_err(|error| format!("errors of {name}: {error}"))
    }

    /// What the kernel says of the device under it.
    fn device(&self) -> Result<PathBuf, String> {
        let found = std::fs::metadata(&self.at.0);
        let device = found.map_err(|error| format!("looking at the disk: {error}"))?.dev();
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        Ok(PathBuf::from(format!("/sys/dev/block/{major}:{minor}")))
    }

    /// Switches it off: from now on nothing reaches it.
    pub(crate) fn cut(&self, cut: Cut) -> Result<(), String> {
        let root = File::open(&self.at.0).map_err(|error| format!("opening the disk: {error}"))?;
        switch_off::now(root.as_raw_fd(), cut as u32)
            .map_err(|error| format!("switching the disk off: {error}"))
    }
}

/// A device that is written to page by page, and as before when this is dropped.
struct ByPages {
    setting: PathBuf,
    before: String,
}

impl ByPages {
    fn new(disk: &Disk) -> Result<Self, String> {
        let setting = disk.device()?.join("queue/max_sectors_kb");
        let failed = |error: io::Error| format!("{}: {error}", setting.display());
        let before = std::fs::read_to_string(&setting).map_err(failed)?;
        std::fs::write(&setting, "4").map_err(failed)?;
        Ok(Self { setting, before })
    }
}

impl Drop for ByPages {
    fn drop(&mut self) {
        // The next one to use the device is only slower where this fails.
        let _ = std::fs::write(&self.setting, &self.before);
    }
}

/// What is mounted there, until it is dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // What has been ended may take a moment to go.
        for _ in 0..100 {
            match umount2(&self.0, MntFlags::UMOUNT_NOFOLLOW) {
                Err(nix::errno::Errno::EBUSY) => std::thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Runs a command; what it says.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("there is no {name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{name}: {}", String::from_utf8_lossy(&said).trim()))
}

/// The one call that no library has a safe name for.
#[expect(unsafe_code, reason = "an ioctl")]
mod switch_off {
    use std::os::fd::RawFd;

    // `EXT4_IOC_SHUTDOWN` and `XFS_IOC_GOINGDOWN` are the same: `_IOR('X', 125, __u32)`, although
    // the kernel reads the number.
    nix::ioctl_read!(shutdown, b'X', 125, u32);

    /// Shuts the file system down that this descriptor belongs to.
    pub(super) fn now(descriptor: RawFd, mut how: u32) -> nix::Result<()> {
        // SAFETY: the call takes a descriptor, which the caller keeps open, and a pointer to a
        // number, which lives until it returns.
        unsafe { shutdown(descriptor, &raw mut how) }.map(drop)
    }
}
