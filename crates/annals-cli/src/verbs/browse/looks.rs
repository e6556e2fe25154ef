//! What a piece of text looks like.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Nothing special.
    Plain,
    /// Less important than the rest.
    Dim,
    /// The head of a column, or of a part.
    Head,
    /// A name: of a stream, of a member of JSON.
    Name,
    /// A string of JSON.
    Text,
    /// A number, or another word of JSON.
    Word,
    /// What is going on.
    Busy,
    /// Something is wrong.
    Bad,
    /// The row that the cursor is on, where keys go.
    Chosen,
    /// The same where they don't.
    Kept,
    /// The frame of the pane where keys go.
    Focus,
}

/// How they are shown: with colours or without.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    has_colour: bool,
}

impl Looks {
    /// With colours, or without.
    pub fn new(has_colour: bool) -> Self {
        Self { has_colour }
    }

    /// How this is shown.
    pub fn style(self, look: Look) -> Style {
        let (colour, modifier) = match look {
            Look::Plain => (None, Modifier::empty()),
            Look::Dim => (None, Modifier::DIM),
            Look::Head | Look::Kept => (None, Modifier::BOLD),
            Look::Name => (Some(Color::Cyan), Modifier::empty()),
            Look::Text => (Some(Color::Green), Modifier::empty()),
            Look::Word => (Some(Color::Yellow), Modifier::empty()),
            Look::Busy => (Some(Color::Yellow), Modifier::BOLD),
            Look::Bad => (Some(Color::Red), Modifier::BOLD),
            Look::Chosen => (None, Modifier::REVERSED),
            Look::Focus => (Some(Color::Cyan), Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        match colour.filter(|_| self.has_colour) {
            Some(colour) => style.fg(colour),
            None => style,
        }
    }
}
