//! Writers and readers as processes: started, listened to, killed.

use crate::ledger::Ledger;
use crate::said::Said;
use crate::writer::Part;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The program that writers and readers are: this one.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// This program.
    pub fn own() -> io::Result<Self> {
        std::env::current_exe().map(Self)
    }

    /// The program in this file, which has to be this one's command.
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self(file.into())
    }

    /// A process that plays a part, by these words.
    pub(crate) fn start(&self, words: &[String]) -> io::Result<Child> {
        Command::new(&self.0)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

impl Part {
    /// The words by which a writer is told its part.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![
            "writer".to_owned(),
            self.store.to_string_lossy().into_owned(),
            self.seed.to_string(),
            self.life.to_string(),
        ];
        if let Some(steps) = self.steps {
            words.push(format!("--steps={steps}"));
        }
        if !self.pace.is_zero() {
            words.push(format!("--pace={}", self.pace.as_micros()));
        }
        let flags = [("--faulty", self.faulty), ("--traced", self.traced), ("--alone", self.alone)];
        words
            .extend(flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| (*flag).to_owned()));
        words
    }

    /// The part that these words tell, without the first.
    pub fn of(words: &[&str]) -> Option<Self> {
        let [store, seed, life, flags @ ..] = words else { return None };
        let mut part = Self::new(Path::new(store), seed.parse().ok()?, life.parse().ok()?);
        for flag in flags {
            match flag.split_once('=').unwrap_or((flag, "")) {
                ("--steps", steps) => part.steps = Some(steps.parse().ok()?),
                ("--pace", pace) => {
                    part.pace = std::time::Duration::from_micros(pace.parse().ok()?);
                }
                ("--faulty", _) => part.faulty = true,
                ("--traced", _) => part.traced = true,
                ("--alone", _) => part.alone = true,
                _ => return None,
            }
        }
        Some(part)
    }

    /// A writer that goes on until it is killed, and to whom nothing may fail.
    pub(crate) fn new(store: &Path, seed: u64, life: u64) -> Self {
        Self {
            store: store.to_owned(),
            seed,
            life,
            steps: None,
            faulty: false,
            traced: false,
            alone: false,
            pace: std::time::Duration::ZERO,
        }
    }
}

/// A process that plays a part. Dropped, it is killed.
pub(crate) struct Player {
    child: Child,
    heard: Arc<Mutex<Vec<Said>>>,
    listener: Option<JoinHandle<()>>,
}

/// What came of it.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it said last, in words.
    pub(crate) words: String,
    /// What it said and nobody has taken yet.
    pub(crate) said: Vec<Said>,
}

impl Player {
    /// Starts one that plays the part that these words tell.
    pub(crate) fn start(program: &Program, words: &[String]) -> io::Result<Self> {
        let mut child = program.start(words)?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let out = child.stdout.take();
        let hearing = heard.clone();
        let listener = std::thread::spawn(move || {
            let Some(out) = out else { return };
            let mut out = io::BufReader::new(out);
            while let Some(said) = Said::hear(&mut out) {
                hearing.lock().unwrap_or_else(PoisonError::into_inner).push(said);
            }
        });
        Ok(Self { child, heard, listener: Some(listener) })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        self.child.try_wait().map(|status| status.is_some())
    }

    /// What it has said since somebody asked.
    pub(crate) fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Kills it, with no chance to do anything more; what it has said until then.
    pub(crate) fn kill(mut self) -> io::Result<Ended> {
        self.child.kill()?;
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> io::Result<Ended> {
        let status = self.child.wait()?;
        self.end_with(status)
    }

    /// What is left of it when somebody else has seen it end, with this status.
    pub(crate) fn end_with(&mut self, status: ExitStatus) -> io::Result<Ended> {
        if let Some(listener) = self.listener.take() {
            listener.join().map_err(|_| io::Error::other("the listener has failed"))?;
        }
        let mut words = String::new();
        if let Some(mut out) = self.child.stderr.take() {
            out.read_to_string(&mut words)?;
        }
        Ok(Ended { status, words, said: self.take() })
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // Who has ended already can't be killed, and need not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The ledger takes in what the writer has said. It has ended as it may: killed by whoever says
    /// so, or with all its work done.
    pub(crate) fn tell(&self, ledger: &mut Ledger) -> Result<(), String> {
        let heard = self.said.iter().try_for_each(|said| ledger.hear(*said));
        if self.is_as_it_may() {
            return heard;
        }
        Err(format!("{}{}", self.how(), heard.err().unwrap_or_default()))
    }

    /// As [`Ended::tell`], where a writer may also be ended by a page of a map that a disk has
    /// failed to give; `true` if it was.
    pub(crate) fn tell_of_a_fault(&self, ledger: &mut Ledger) -> Result<bool, String> {
        if self.status.signal() != Some(FAULTED) {
            return self.tell(ledger).map(|()| false);
        }
        self.said.iter().try_for_each(|said| ledger.hear(*said)).map(|()| true)
    }

    /// How it has ended, in words.
    pub(crate) fn how(&self) -> String {
        format!("it ended: {}; {} ", self.status, self.words.trim())
    }

    /// Whether it was killed by whoever says so, or has done all its work.
    pub(crate) fn is_as_it_may(&self) -> bool {
        self.status.success() || self.status.signal() == Some(KILLED)
    }
}

/// SIGKILL.
const KILLED: i32 = 9;
/// SIGBUS.
const FAULTED: i32 = 7;
