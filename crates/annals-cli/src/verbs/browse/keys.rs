//! What keys mean where nothing is asked.

use super::prompt::Question;
use super::scroll::Move;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Move in the pane where keys go.
    Go(Move),
    /// Keys go to the next pane.
    NextPane,
    /// Keys go to the pane before.
    PaneBefore,
    /// Keys go to the pane on the left.
    Left,
    /// Open what the cursor is on.
    Open,
    /// Back to where that was opened.
    Back,
    /// The next event, wherever keys go.
    NextEvent,
    /// The event before.
    EventBefore,
    /// From an event among all to the same in its stream, or back.
    Switch,
    /// Ask for something.
    Ask(Question),
    /// The next find, or the one before.
    Find {
        /// The one before.
        backward: bool,
    },
    /// Follow what is appended, or stop that.
    Follow,
    /// Say what the keys are.
    Help,
    /// Stop this process for now.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End.
    Quit,
}

/// What this key asks for.
pub fn action(key: &KeyEvent) -> Option<Action> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Action::Quit),
            KeyCode::Char('z') => Some(Action::Suspend),
            KeyCode::Char('l') => Some(Action::Redraw),
            KeyCode::Char('f' | 'd') => Some(Action::Go(Move::PageDown)),
            KeyCode::Char('b' | 'u') => Some(Action::Go(Move::PageUp)),
            KeyCode::Char('n') => Some(Action::Go(Move::Down)),
            KeyCode::Char('p') => Some(Action::Go(Move::Up)),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => Action::Go(Move::Up),
        KeyCode::Down | KeyCode::Char('j') => Action::Go(Move::Down),
        KeyCode::PageUp => Action::Go(Move::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Action::Go(Move::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Action::Go(Move::First),
        KeyCode::End | KeyCode::Char('G') => Action::Go(Move::Last),
        KeyCode::Tab => Action::NextPane,
        KeyCode::BackTab => Action::PaneBefore,
        KeyCode::Left | KeyCode::Char('h') => Action::Left,
        KeyCode::Enter | KeyCode::Right | KeyCode::Char('l') => Action::Open,
        KeyCode::Esc | KeyCode::Backspace => Action::Back,
        KeyCode::Char('J') => Action::NextEvent,
        KeyCode::Char('K') => Action::EventBefore,
        KeyCode::Char('s') => Action::Switch,
        KeyCode::Char('/') => Action::Ask(Question::Search),
        KeyCode::Char('p' | ':') => Action::Ask(Question::Number),
        KeyCode::Char('t') => Action::Ask(Question::Time),
        KeyCode::Char('f') => Action::Ask(Question::Filter),
        KeyCode::Char('n') => Action::Find { backward: false },
        KeyCode::Char('N') => Action::Find { backward: true },
        KeyCode::Char('F') => Action::Follow,
        KeyCode::Char('?') | KeyCode::F(1) => Action::Help,
        KeyCode::Char('q') => Action::Quit,
        _ => return None,
    })
}
