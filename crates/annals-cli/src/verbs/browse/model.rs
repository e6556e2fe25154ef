//! What is looked at, and how keys and time change it.

use super::detail::Detail;
use super::events::{Events, Scope};
use super::help;
use super::keys::{Action, action};
use super::layout::{self, Layout, Pane};
use super::log::{Log, said};
use super::looks::Look;
use super::prompt::{Answer, Prompt, Question, parse_number, parse_time};
use super::scroll::Move;
use super::search::{Found, Search};
use super::streams::Streams;
use crate::show::{cut, escaped, thousands};
use annals::Error;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;
use std::time::{Duration, Instant};

/// What takes long is done for so long between two looks at the keys.
const SLICE: Duration = Duration::from_millis(10);
/// Who follows looks so often whether there is more.
const FOLLOWS: Duration = Duration::from_millis(50);
/// Who does not, so often.
const LOOKS: Duration = Duration::from_secs(1);

/// Something to be said at the foot of the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// How it looks.
    pub look: Look,
    /// What it says; harmless.
    pub text: String,
}

/// What is asked of the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// To be as it was, while this process stops for now.
    Suspend,
    /// To be drawn anew.
    Redraw,
}

/// What is looked at.
pub struct Model {
    /// What is read.
    pub log: Log,
    /// What the file is called; harmless.
    pub name: String,
    /// How large the screen is.
    pub size: Size,
    /// Where keys go.
    pub focus: Pane,
    /// The list of streams.
    pub streams: Streams,
    /// The list of events.
    pub events: Events,
    /// The event that the cursor is on.
    pub detail: Detail,
    /// What is asked.
    pub prompt: Option<Prompt>,
    /// What is looked for just now.
    pub search: Option<Search>,
    /// What is said.
    pub note: Option<Note>,
    /// Why the store can't be read any more.
    pub trouble: Option<String>,
    /// Whether what is appended is shown.
    pub follows: bool,
    /// The first line of the help that is seen, while it is shown.
    pub help: Option<usize>,
    /// What was looked for last.
    sought: String,
    looked: Option<Instant>,
    has_ended: bool,
    wish: Option<Wish>,
}

impl Model {
    /// All events of this log.
    pub fn new(log: Log, name: String) -> Self {
        let streams = Streams::new(&log, "");
        let events = Events::new(Scope::All, log.head());
        let note = log.damage().map(|why| Note {
            look: Look::Bad,
            text: format!("damaged, and shown up to the damage: {why}"),
        });
        Self {
            log,
            name,
            size: Size::ZERO,
            focus: Pane::Events,
            streams,
            events,
            detail: Detail::default(),
            prompt: None,
            search: None,
            note,
            trouble: None,
            follows: false,
            help: None,
            sought: String::new(),
            looked: None,
            has_ended: false,
            wish: None,
        }
    }

    /// Whether somebody has asked it to end.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What somebody has asked of the terminal; said once.
    pub fn takes_wish(&mut self) -> Option<Wish> {
        self.wish.take()
    }

    /// Whether it has something to do beside waiting.
    pub fn is_busy(&self) -> bool {
        self.search.is_some() || self.streams.is_busy()
    }

    /// Takes what the terminal says. Returns whether it may look different now.
    pub fn hear(&mut self, event: &Event) -> bool {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
            Event::Resize(width, height) => self.resize(Size::new(*width, *height)),
            _ => return false,
        }
        true
    }

    /// The screen has this size.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        self.settle();
    }

    /// A key was pressed.
    pub fn press(&mut self, key: &KeyEvent) {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            self.has_ended = true;
        } else if self.help.is_some() {
            self.read_help(key);
        } else if let Some(prompt) = &mut self.prompt {
            let answer = prompt.take(key);
            self.answer(answer);
        } else if let Some(action) = action(key) {
            self.note = None;
            self.act(action);
        }
        self.settle();
    }

    /// Time has passed: what takes long goes on, and what is new is seen. Returns whether it looks
    /// different now.
    pub fn tick(&mut self, now: Instant) -> bool {
        let mut has_changed = self.look_on();
        has_changed |= self.streams.list(SLICE);
        let patience = if self.follows { FOLLOWS } else { LOOKS };
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= patience) {
            self.looked = Some(now);
            has_changed |= self.refresh();
        }
        if has_changed {
            self.settle();
        }
        has_changed
    }

    /// Opens a list of events, at its beginning.
    pub fn open(&mut self, scope: Scope) {
        match self.log.last(&scope) {
            Ok(last) => {
                self.search = None;
                self.events = Events::new(scope, last);
                self.focus = Pane::Events;
                if self.follows {
                    self.events.scroll.at = last.saturating_sub(1);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Goes to the event with this number; to the last one if there are fewer.
    pub fn go_to(&mut self, number: u64) {
        let seen = self.seen_events();
        self.events.scroll.to(number.saturating_sub(1), self.events.last, seen);
        if number > self.events.last {
            let what = self.events.scope.number_name();
            self.say(format!("the last {what} is {}", self.events.last));
        }
        self.stop_following_before_the_end();
    }

    /// Follows what is appended, or stops that.
    pub fn follow(&mut self, follows: bool) {
        self.follows = follows;
        if follows {
            self.events.scroll.at = self.events.last.saturating_sub(1);
            self.looked = None;
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.note = Some(Note { look: Look::Plain, text: text.into() });
    }

    fn fail(&mut self, error: &Error) {
        self.note = Some(Note { look: Look::Bad, text: said(error) });
    }

    fn seen_events(&self) -> u64 {
        let layout = Layout::of(self.size, Pane::Events);
        let area = layout.and_then(|layout| layout.events);
        u64::from(area.map_or(1, layout::seen_events).max(1))
    }

    /// Has everything that is seen.
    fn settle(&mut self) {
        let Some(layout) = Layout::of(self.size, self.focus) else { return };
        self.help = self.help.map(|top| help::settle(top, self.size));
        if let Some(area) = layout.streams {
            self.streams.settle(layout::rows(area).into(), SLICE);
        }
        let seen = layout.events.map_or(1, layout::seen_events);
        self.events.settle(&self.log, seen.into());
        if let Some(area) = layout.detail {
            let (columns, rows) = (layout::columns(area).into(), layout::rows(area).into());
            self.detail.settle(&self.log, &self.events, columns, rows);
        }
    }

    fn refresh(&mut self) -> bool {
        let more = self.log.refresh();
        let before = self.trouble.take();
        match more {
            Ok(false) => return before.is_some(),
            Ok(true) => {}
            Err(error) => {
                self.trouble = Some(said(&error));
                return self.trouble != before;
            }
        }
        match self.log.last(&self.events.scope) {
            Ok(last) => self.events.last = last,
            Err(error) => self.fail(&error),
        }
        if self.follows {
            self.events.scroll.at = self.events.last.saturating_sub(1);
        }
        self.streams.grow(&self.log);
        true
    }

    /// Looks on for what is sought.
    fn look_on(&mut self) -> bool {
        let Some(search) = &mut self.search else { return false };
        let found = search.look(&self.log, SLICE);
        let unread = match search.unread {
            0 => String::new(),
            unread => format!("; {} of the events can't be read", thousands(unread)),
        };
        let around = search.went_around;
        match found {
            Found::NotYet => return true,
            Found::At(number) => {
                self.search = None;
                self.go_to(number);
                if around {
                    self.say(format!("went on from the other end{unread}"));
                } else if !unread.is_empty() {
                    self.say(format!("found{unread}"));
                }
            }
            Found::Nowhere => {
                let needle = shown(&search.needle);
                self.search = None;
                self.say(format!("'{needle}' is nowhere here{unread}"));
            }
        }
        true
    }

    fn seek(&mut self, at: u64, backward: bool) {
        if self.sought.is_empty() {
            return self.say("nothing was searched for yet: / does");
        }
        let (scope, last) = (self.events.scope.clone(), self.events.last);
        self.search = Some(Search::new(&self.sought, scope, at, last, backward));
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Go(by) => self.go(by),
            Action::NextPane if self.focus == Pane::Detail => self.focus = Pane::Streams,
            Action::NextPane => self.focus = self.focus.right(),
            Action::PaneBefore if self.focus == Pane::Streams => self.focus = Pane::Detail,
            Action::PaneBefore | Action::Left => self.focus = self.focus.left(),
            Action::Open => self.open_chosen(),
            Action::Back => self.back(),
            Action::NextEvent => self.go_in_events(Move::Down),
            Action::EventBefore => self.go_in_events(Move::Up),
            Action::Switch => self.switch(),
            Action::Ask(question) => self.ask(question),
            Action::Find { backward } => self.seek(self.events.number(), backward),
            Action::Follow => {
                self.follow(!self.follows);
                if !self.follows {
                    self.say("no longer following");
                }
            }
            Action::Help => self.help = Some(0),
            Action::Suspend => self.wish = Some(Wish::Suspend),
            Action::Redraw => self.wish = Some(Wish::Redraw),
            Action::Quit => self.has_ended = true,
        }
    }

    fn go(&mut self, by: Move) {
        let layout = Layout::of(self.size, self.focus);
        match self.focus {
            Pane::Events => self.go_in_events(by),
            Pane::Streams => {
                let area = layout.and_then(|layout| layout.streams);
                let seen = u64::from(area.map_or(1, layout::rows));
                self.streams.stay();
                if by == Move::Last {
                    self.streams.go_to_end();
                }
                self.streams.scroll.go(by, self.streams.rows(), seen);
            }
            Pane::Detail => {
                let area = layout.and_then(|layout| layout.detail);
                self.detail.go(by, usize::from(area.map_or(1, layout::rows)));
            }
        }
    }

    fn go_in_events(&mut self, by: Move) {
        let seen = self.seen_events();
        self.events.scroll.go(by, self.events.last, seen);
        self.stop_following_before_the_end();
    }

    fn stop_following_before_the_end(&mut self) {
        if self.follows && self.events.number() != self.events.last {
            self.follows = false;
            self.say("no longer following: F follows again");
        }
    }

    fn open_chosen(&mut self) {
        match self.focus {
            Pane::Streams => {
                let Some(scope) = self.streams.scope(self.streams.scroll.at) else {
                    return self.say("there is no stream to open");
                };
                if scope == self.events.scope {
                    self.focus = Pane::Events;
                } else {
                    self.open(scope);
                }
            }
            Pane::Events => self.focus = Pane::Detail,
            Pane::Detail => {}
        }
    }

    fn back(&mut self) {
        if let Some(search) = self.search.take() {
            let needle = shown(&search.needle);
            self.say(format!("no longer searching for '{needle}'"));
        } else if self.streams.stay() {
            self.say("no longer listing");
        } else if self.focus != Pane::Streams {
            self.focus = self.focus.left();
        } else if !self.streams.filter.is_empty() {
            self.streams = Streams::new(&self.log, "");
        } else if self.events.scope != Scope::All {
            self.open(Scope::All);
            self.focus = Pane::Streams;
        } else {
            self.say("q quits");
        }
    }

    fn switch(&mut self) {
        let Some(Ok(row)) = self.events.row() else {
            return self.say("there is no event to go to");
        };
        let (scope, number) = match self.events.scope {
            Scope::All => (Scope::Stream(row.stream.clone()), row.version.get()),
            Scope::Stream(_) => (Scope::All, row.position),
        };
        let focus = self.focus;
        self.open(scope);
        self.go_to(number);
        self.focus = if focus == Pane::Streams { Pane::Events } else { focus };
    }

    fn ask(&mut self, question: Question) {
        let text = match question {
            Question::Filter => {
                self.focus = Pane::Streams;
                self.streams.filter.clone()
            }
            _ => String::new(),
        };
        self.prompt = Some(Prompt::new(question, text));
    }

    fn answer(&mut self, answer: Answer) {
        let Some(prompt) = &mut self.prompt else { return };
        let (question, text) = (prompt.question, prompt.text.clone());
        if question == Question::Filter {
            let wanted = if answer == Answer::Cancelled { String::new() } else { text.clone() };
            if wanted.to_lowercase() != self.streams.filter {
                self.streams = Streams::new(&self.log, &wanted);
            }
        }
        if answer == Answer::Goes {
            return;
        }
        if answer == Answer::Given
            && let Err(wrong) = self.obey(question, &text)
        {
            if let Some(prompt) = &mut self.prompt {
                prompt.wrong = Some(wrong);
            }
            return;
        }
        self.prompt = None;
    }

    /// Does what was answered.
    fn obey(&mut self, question: Question, text: &str) -> Result<(), String> {
        match question {
            Question::Filter => {}
            Question::Search => {
                if !text.is_empty() {
                    text.clone_into(&mut self.sought);
                }
                // The event that the cursor is on counts.
                self.seek(self.events.number().saturating_sub(1), false);
            }
            Question::Number => {
                let what = self.events.scope.number_name();
                let number = parse_number(text, what, self.events.last)?;
                self.go_to(number);
            }
            Question::Time => {
                let time = parse_time(text)?;
                match self.log.first_since(&self.events.scope, time) {
                    Ok(Some(number)) => self.go_to(number),
                    Ok(None) => {
                        self.go_to(self.events.last);
                        self.say("nothing was recorded then or later: this is the last event");
                    }
                    Err(error) => self.fail(&error),
                }
            }
        }
        if question != Question::Filter && self.focus == Pane::Streams {
            self.focus = Pane::Events;
        }
        Ok(())
    }

    fn read_help(&mut self, key: &KeyEvent) {
        let page = usize::from(self.size.height.saturating_sub(3)).max(1);
        self.help = self.help.and_then(|top| match action(key)? {
            Action::Go(Move::Down) => Some(top.saturating_add(1)),
            Action::Go(Move::Up) => Some(top.saturating_sub(1)),
            Action::Go(Move::PageDown) => Some(top.saturating_add(page)),
            Action::Go(Move::PageUp) => Some(top.saturating_sub(page)),
            Action::Go(Move::First) => Some(0),
            Action::Go(Move::Last) => Some(usize::MAX),
            _ => None,
        });
    }
}

/// What somebody has written, short and harmless.
fn shown(text: &str) -> String {
    cut(&escaped(text), 30).into_owned()
}
