//! A program that is handed lines, and may answer.

use crate::exit::{Failure, Outcome};
use crate::show::escaped;
use crate::stop;
use annals::Position;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Ctrl-C is noticed after so long.
const STEP: Duration = Duration::from_millis(200);
/// No answer is longer.
const LONGEST: u64 = 1 << 16;

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
        let is_asked = self.takes(b"\n")? && self.flushes()?;
        let Some(answers) = self.answers.as_ref().filter(|_| is_asked) else {
            return Err(self.ended(position));
        };
        loop {
            match answers.recv_timeout(STEP) {
                Ok(answer) if answer.trim() == "ok" => return Ok(()),
                Ok(answer) => {
                    let answer = escaped(answer.trim_end()).into_owned();
                    let what = format!("the program answered '{answer}', not 'ok'");
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
        self.drop_input();
        let waited = self.child.wait();
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
        self.drop_input();
        let how = match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let what = format!("the program ended ({how}) before it had answered");
        Failure::problems(format!("{what}: {}", comes_again(position)))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.drop_input();
        // Where it was given up, it has to see the end of its input by itself.
        let _ = self.child.wait();
    }
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

/// Hands on each line as soon as it is there: whoever answers while we still write to him does not
/// have to wait for us.
fn listen(output: ChildStdout) -> io::Result<Receiver<String>> {
    let (hand, answers) = channel();
    thread::Builder::new().name("annals-answers".to_owned()).spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            match (&mut output).take(LONGEST).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) if hand.send(String::from_utf8_lossy(&line).into_owned()).is_err() => break,
                Ok(_) => {}
            }
        }
    })?;
    Ok(answers)
}
