//! A program that is handed lines, and may answer.

use crate::exit::{Failure, Outcome};
use crate::show::escaped;
use crate::stop;
use annals::Position;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// No answer is longer.
const LONGEST: u64 = 1 << 16;
/// A program that is given up has so long to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Whether it has ended is looked at so often.
const LOOK: Duration = Duration::from_millis(5);

/// A program that runs.
pub struct Program {
    child: Child,
    input: Option<BufWriter<ChildStdin>>,
    /// What it answers, if it does.
    answers: Option<Receiver<String>>,
}

impl Program {
    /// Starts it, as the shell would. If it answers, its standard output is for that; else it is
    /// ours.
    pub fn start(command: &str, answers: bool) -> Outcome<Self> {
        let mut child = shell(command)
            .stdin(Stdio::piped())
            .stdout(if answers { Stdio::piped() } else { Stdio::inherit() })
            .spawn()
            .map_err(|error| Failure::io("starting the program failed", &error))?;
        let input = child.stdin.take().map(|it| BufWriter::with_capacity(1 << 16, it));
        let answers = child.stdout.take().map(listen).transpose();
        let answers =
            answers.map_err(|error| Failure::io("listening to the program failed", &error))?;
        Ok(Self { child, input, answers })
    }

    /// Hands it a line; `false` if it takes no more.
    pub fn takes(&mut self, line: &[u8]) -> Outcome<bool> {
        let Some(input) = &mut self.input else { return Ok(false) };
        match input.write_all(line) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.drop_input();
                Ok(false)
            }
            Err(error) => Err(Failure::io("writing to the program failed", &error)),
        }
    }

    /// Ends a batch, and waits until it says that it has done everything up to this position.
    pub fn acknowledges(&mut self, position: Position) -> Outcome {
        // Who answers before it is asked would acknowledge what it has not seen.
        if let Some(Ok(answer)) = self.answers.as_ref().map(Receiver::try_recv) {
            let what = format!("the program answered '{}', unasked", shown(&answer));
            return Err(Failure::problems(format!("{what}: {}", comes_again(position))));
        }
        let is_asked = self.takes(b"\n")? && self.flushes()?;
        let Some(answers) = self.answers.as_ref().filter(|_| is_asked) else {
            return Err(self.ended(position));
        };
        loop {
            match answers.recv_timeout(stop::STEP) {
                Ok(answer) if answer.trim() == "ok" => return Ok(()),
                Ok(answer) => {
                    let what = format!("the program answered '{}', not 'ok'", shown(&answer));
                    return Err(Failure::problems(format!("{what}: {}", comes_again(position))));
                }
                Err(RecvTimeoutError::Timeout) if stop::is_asked() => {
                    let what = format!("interrupted: {}", comes_again(position));
                    return Err(Failure::interrupted(what));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended(position)),
            }
        }
    }

    /// Ends its input, and waits for its end.
    ///
    /// # Errors
    /// It ended otherwise than with 0.
    pub fn finish(mut self) -> Outcome {
        self.flushes()?;
        let waited = self.wait(None);
        let status =
            waited.map_err(|error| Failure::io("waiting for the program failed", &error))?;
        if status.success() || stop::is_asked() {
            return Ok(());
        }
        Err(Failure::problems(format!("the program ended with {status}")))
    }

    /// `false` if it takes no more.
    fn flushes(&mut self) -> Outcome<bool> {
        let Some(input) = &mut self.input else { return Ok(false) };
        match input.flush() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.drop_input();
                Ok(false)
            }
            Err(error) => Err(Failure::io("writing to the program failed", &error)),
        }
    }

    /// Closes its input, without what it did not take.
    fn drop_input(&mut self) {
        if let Some(input) = self.input.take() {
            drop(input.into_parts());
        }
    }

    /// That it ended before it had answered.
    fn ended(&mut self, position: Position) -> Failure {
        let how = match self.wait(Some(GRACE)) {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let what = format!("the program ended ({how}) before it had answered");
        Failure::problems(format!("{what}: {}", comes_again(position)))
    }

    /// Ends its input, hears no more of it, and waits for its end: for so long, or as long as that
    /// takes. It is killed when the time is over, and, some time after that was asked for, when all
    /// of this is to end.
    fn wait(&mut self, mut patience: Option<Duration>) -> io::Result<ExitStatus> {
        self.drop_input();
        self.answers = None;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            let waited = began.elapsed();
            if stop::is_asked() {
                patience = patience.or(Some(waited + GRACE));
            }
            if patience.is_some_and(|patience| waited >= patience) {
                self.child.kill()?;
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless it was given up.
        let _ = self.wait(Some(GRACE));
    }
}

fn shown(answer: &str) -> String {
    escaped(answer.trim_end()).into_owned()
}

fn comes_again(position: Position) -> String {
    format!("the batch that goes to position {position} comes again next time")
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}

/// Hands on each line as soon as it is there; when nobody listens any more, the rest is passed
/// over.
fn listen(output: ChildStdout) -> io::Result<Receiver<String>> {
    // Whoever answers without being asked has to wait.
    let (hand, answers) = sync_channel(1);
    thread::Builder::new().name("annals-answers".to_owned()).spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = (&mut output).take(LONGEST).read_until(b'\n', &mut line) {
            // It fails where nobody listens.
            let _ = hand.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    })?;
    Ok(answers)
}
