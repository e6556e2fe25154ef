//! What is asked at the foot of the screen.

use crate::show::parse_when;
use annals::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// As many characters can be answered: a stream's name may have as many.
const LONGEST: usize = 1_024;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// What to search for.
    Search,
    /// To which event to jump.
    Number,
    /// To which time to jump.
    Time,
    /// Which streams to list.
    Filter,
}

/// A question, and what is answered so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prompt {
    /// What is asked.
    pub question: Question,
    /// What is answered so far.
    pub text: String,
    /// Why the last answer was none.
    pub wrong: Option<String>,
}

/// What a key did to a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// More is written, or less.
    Goes,
    /// It is given.
    Given,
    /// None is given.
    Cancelled,
}

impl Prompt {
    /// This question.
    pub fn new(question: Question, text: impl Into<String>) -> Self {
        Self { question, text: text.into(), wrong: None }
    }

    /// Takes a key.
    pub fn take(&mut self, key: &KeyEvent) -> Answer {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Answer::Given,
            KeyCode::Esc => return Answer::Cancelled,
            // Who takes back more than there is wants out.
            KeyCode::Backspace if self.text.is_empty() => return Answer::Cancelled,
            KeyCode::Backspace => _ = self.text.pop(),
            KeyCode::Char('u') if is_control => self.text.clear(),
            KeyCode::Char('w') if is_control => {
                let kept = self.text.trim_end();
                let kept = kept.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            KeyCode::Char(char)
                if !is_control && !char.is_control() && self.text.chars().count() < LONGEST =>
            {
                self.text.push(char);
            }
            _ => {}
        }
        self.wrong = None;
        Answer::Goes
    }
}

/// A number as people write it: `345000`, `345,000` or `#345000`.
pub fn parse_number(text: &str, what: &str, last: u64) -> Result<u64, String> {
    let digits: String = text
        .trim()
        .trim_start_matches('#')
        .chars()
        .filter(|char| !",_ '".contains(*char))
        .collect();
    let number = digits.parse().map_err(|_| format!("expected a {what}, from 1 to {last}"))?;
    match number {
        _ if last == 0 => Err("there is no event yet".to_owned()),
        0 => Err(format!("the first {what} is 1")),
        number if number > last => Err(format!("the last {what} is {last}")),
        number => Ok(number),
    }
}

/// A time as people write it.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    parse_when(text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them_and_others_say_what_was_expected() {
        let parse = |text| parse_number(text, "position", 4_000);
        assert_eq!(parse("17"), Ok(17));
        assert_eq!(parse(" #3,999 "), Ok(3_999));
        assert_eq!(parse("x").unwrap_err(), "expected a position, from 1 to 4000");
        assert_eq!(parse("").unwrap_err(), "expected a position, from 1 to 4000");
        assert_eq!(parse("0").unwrap_err(), "the first position is 1");
        assert_eq!(parse("4001").unwrap_err(), "the last position is 4000");
        assert_eq!(parse_number("1", "version", 0).unwrap_err(), "there is no event yet");
    }

    #[test]
    fn what_is_written_can_be_taken_back() {
        let mut prompt = Prompt::new(Question::Search, "one two");
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        let mut take = |code, modifiers| {
            let answer = prompt.take(&key(code, modifiers));
            (answer, prompt.text.clone())
        };
        let goes = |text: &str| (Answer::Goes, text.to_owned());
        assert_eq!(take(KeyCode::Backspace, KeyModifiers::NONE), goes("one tw"));
        assert_eq!(take(KeyCode::Char('w'), KeyModifiers::CONTROL), goes("one "));
        assert_eq!(take(KeyCode::Char('Ü'), KeyModifiers::SHIFT), goes("one Ü"));
        assert_eq!(take(KeyCode::Char('u'), KeyModifiers::CONTROL), goes(""));
        assert_eq!(take(KeyCode::Backspace, KeyModifiers::NONE).0, Answer::Cancelled);
        assert_eq!(take(KeyCode::Esc, KeyModifiers::NONE).0, Answer::Cancelled);
        assert_eq!(take(KeyCode::Enter, KeyModifiers::NONE).0, Answer::Given);
    }
}
