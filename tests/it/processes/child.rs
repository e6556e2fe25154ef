//! This test binary, run again as another process with a part to play.

use annals::{Commit, Durability, ExpectedVersion, NewEvent, Options, Read, Store, View};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

const PART: &str = "ANNALS_TEST_PART";
const STORE: &str = "ANNALS_TEST_STORE";
const SEED: &str = "ANNALS_TEST_SEED";
/// What a line begins with that is meant for the parent; the test runner prints others.
const SAYS: &str = "says ";
/// The user and group that own nothing.
#[cfg(unix)]
const NOBODY: u32 = 65_534;
/// What the other process says first.
pub const BEGUN: &str = "begun";

/// Plays the part that it was started with. In a usual run of the tests there is none.
#[test]
fn child() {
    let Ok(part) = std::env::var(PART) else { return };
    let path = PathBuf::from(std::env::var_os(STORE).unwrap());
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    match part.as_str() {
        "hold" => hold(&path),
        "open" => open(&path),
        "obey" => obey(&path),
        "write" => write(&path, seed),
        "announce" => announce(&path, seed),
        "process" => crate::toolkit::processor::killed::process(&path, seed),
        "project" => crate::toolkit::killed::project(&path, seed),
        #[cfg(feature = "tracing")]
        "spans" => crate::toolkit::traces::spans::tell(),
        other => panic!("there is no part '{other}'"),
    }
}

/// Another process, killed when it is dropped.
pub struct Other {
    child: Child,
    lines: Option<Lines>,
    input: ChildStdin,
}

/// What the other process says, line by line.
pub struct Lines(BufReader<ChildStdout>);

impl Other {
    /// Starts one that plays this part on this store, and waits until it says that it has begun.
    pub fn start(part: &str, store: &Path, seed: u64) -> Self {
        let mut other = Self::start_blindly(part, store, seed);
        assert_eq!(other.hears(), BEGUN);
        other
    }

    /// Starts one, which says [`BEGUN`] as soon as it has opened the store.
    pub fn start_blindly(part: &str, store: &Path, seed: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::start_with(&mut command, part, store, seed).unwrap()
    }

    /// Starts one that may do no more than anybody, if this user may start it.
    #[cfg(unix)]
    pub fn start_as_nobody(part: &str, store: &Path) -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut other = Self::start_with(command.uid(NOBODY).gid(NOBODY), part, store, 0)?;
        assert_eq!(other.hears(), BEGUN);
        Ok(other)
    }

    fn start_with(
        command: &mut Command,
        part: &str,
        store: &Path,
        seed: u64,
    ) -> std::io::Result<Self> {
        let mut child = command
            .args(["processes::child::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(PART, part)
            .env(STORE, store)
            .env(SEED, seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = Some(Lines(BufReader::new(child.stdout.take().unwrap())));
        let input = child.stdin.take().unwrap();
        Ok(Self { child, lines, input })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says next.
    pub fn hears(&mut self) -> String {
        self.lines.as_mut().unwrap().next().expect("the other process has died")
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Tells it something and waits for the answer.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hears()
    }

    /// All that it says from here on, for another thread to listen to.
    pub fn take_lines(&mut self) -> Lines {
        self.lines.take().unwrap()
    }

    /// Kills it, with no chance to do anything more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            // A line that was cut when its process died was never said.
            let line = line.strip_suffix('\n')?;
            // The runner's own words may stand before it on the same line.
            if let Some(at) = line.find(SAYS) {
                return Some(line[at + SAYS.len()..].to_owned());
            }
        }
    }
}

pub fn say(words: &str) {
    let mut out = std::io::stdout().lock();
    // One call: a line is said whole or not at all.
    out.write_all(format!("{SAYS}{words}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn told() -> Option<String> {
    let mut line = String::new();
    let length = std::io::stdin().read_line(&mut line).unwrap();
    (length > 0).then(|| line.trim_end().to_owned())
}

/// Holds the store open until told to go.
fn hold(path: &Path) {
    let store = Store::open(path).unwrap();
    say(BEGUN);
    told();
    store.close().unwrap();
    say("closed");
    told();
}

/// Says what opening the store gives, for writing or to look, as often as it is told; each stays
/// open until the next.
fn open(path: &Path) {
    say(BEGUN);
    let mut opened = None;
    while let Some(order) = told() {
        drop(opened.take());
        let result = if order == "look" { Store::open_read_only(path) } else { Store::open(path) };
        match &result {
            Ok(store) => say(&format!("opened at {}", store.head().unwrap())),
            Err(error) => say(&format!("{:?} {:?} {error}", error.kind(), error.holder())),
        }
        opened = result.ok();
    }
}

/// Commits and syncs as told, and says up to where. Syncs nothing by itself.
fn obey(path: &Path) {
    let store = Options::new().without_keeper().sync_bytes(u64::MAX).open(path).unwrap();
    say(BEGUN);
    while let Some(order) = told() {
        let durability = match order.as_str() {
            "buffered" => Durability::Buffered,
            "synced" => Durability::Synced,
            "strict" => Durability::Strict,
            "sync" => {
                store.sync().unwrap();
                say("synced");
                continue;
            }
            _ => break,
        };
        say(&append_batch(&store, 3, durability).to_string());
    }
    store.close().unwrap();
    say("closed");
    told();
}

/// Commits batches of many sizes and durabilities as fast as it can, and says up to where each was
/// acknowledged.
fn write(path: &Path, seed: u64) {
    let options = Options::new().sync_within(Duration::from_millis(3));
    let tiny = seed.is_multiple_of(2);
    let options = if tiny { options.segments(4_096, 16_384) } else { options };
    let store = options.open(path).unwrap();
    say(BEGUN);
    let mut random = Random(seed);
    loop {
        let size = 1 + random.below(9) * random.below(9);
        let durability = match random.below(8) {
            0 => Durability::Strict,
            1 | 2 => Durability::Synced,
            _ => Durability::Buffered,
        };
        say(&append_batch(&store, size, durability).to_string());
    }
}

/// Commits batches until told to stop, and notes in a file beside the store what may be durable
/// from now on, before it asks for a sync. With an odd seed nothing but these syncs makes anything
/// durable.
fn announce(path: &Path, seed: u64) {
    let strictly = !seed.is_multiple_of(2);
    let options = Options::new();
    let options = match strictly {
        // Nor does the index make anything durable.
        true => {
            let options = options.without_keeper().tail(u64::MAX, u64::MAX);
            options.sync_bytes(u64::MAX).segments(64 << 20, 64 << 20)
        }
        // Runs are written and merged, and their room used again, all the time.
        false => options.segments(4_096, 16_384).tail(50, 4_096),
    };
    let store = options.open(path).unwrap();
    let bound = |upto: u64| {
        let new = path.with_extension("new");
        let upto = if strictly { upto } else { u64::MAX };
        std::fs::write(&new, upto.to_string()).unwrap();
        std::fs::rename(new, path.with_extension("bound")).unwrap();
    };
    bound(store.head().unwrap().get());
    say(BEGUN);
    let stop = std::thread::spawn(told);
    let mut random = Random(seed);
    while !stop.is_finished() {
        if strictly && store.stats().unwrap().log_bytes > 48 << 20 {
            // The next segment's slot is written behind a sync that nobody announces.
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let size = 1 + random.below(40);
        let head = store.head().unwrap().get();
        match random.below(8) {
            0 => {
                bound(head + size);
                append_batch(&store, size, Durability::Synced);
            }
            1 => {
                bound(head);
                store.sync().unwrap();
            }
            _ => drop(append_batch(&store, size, Durability::Buffered)),
        }
        std::thread::sleep(Duration::from_micros(random.below(300)));
    }
    bound(store.head().unwrap().get());
    store.close().unwrap();
    say(&store.durable().to_string());
    told();
}

/// What may be durable, as [`announce`] last noted it.
pub fn announced(path: &Path) -> u64 {
    std::fs::read_to_string(path.with_extension("bound")).unwrap().parse().unwrap()
}

/// Appends a commit to two streams, whose events say which of how many they are and where the first
/// of them is; gives the position of the last.
pub fn append_batch(store: &Store, size: u64, durability: Durability) -> u64 {
    let first = store.head().unwrap().get() + 1;
    let event = |nth: u64| {
        let filling = "x".repeat((first * 7 % 300) as usize);
        NewEvent::new("Batched", format!("{first} {nth} {size} {filling}"))
    };
    let one = format!("s-{}", first % 5);
    let commit = Commit::new().append(one, ExpectedVersion::Any, (0..size / 2).map(event)).append(
        "all",
        ExpectedVersion::Any,
        (size / 2..size).map(event),
    );
    let done = store.commit(commit.durability(durability)).unwrap();
    assert_eq!(done.first.get(), first);
    done.last.get()
}

/// Asserts that from `after` on, where a batch ended, there are whole batches, one behind the
/// other; gives the head.
#[track_caller]
pub fn whole_batches(view: &View, after: u64) -> u64 {
    let (mut first, mut nth, mut size) = (after + 1, 0, 0);
    for event in view.all(Read::new().after(after)) {
        let event = event.unwrap();
        let text = String::from_utf8(event.payload).unwrap();
        let numbers: Vec<u64> = text.split(' ').take(3).map(|n| n.parse().unwrap()).collect();
        size = if nth == 0 { numbers[2] } else { size };
        assert_eq!(numbers, [first, nth, size], "at position {}", event.position);
        assert_eq!(event.position.get(), first + nth);
        assert_eq!(text.len(), text.trim_end_matches('x').len() + (first * 7 % 300) as usize);
        nth += 1;
        if nth == size {
            (first, nth) = (first + size, 0);
        }
    }
    assert_eq!(nth, 0, "{nth} events of a commit of {size}");
    assert_eq!(first, view.head().get() + 1);
    view.head().get()
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % bound
    }
}
