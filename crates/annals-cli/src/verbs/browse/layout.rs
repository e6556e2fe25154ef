//! Where everything is on the screen.

use ratatui::layout::{Constraint, Layout as Split, Rect, Size};

/// A screen that is smaller has no room for anything.
pub const LEAST: Size = Size::new(20, 6);

/// On a screen that is less wide there is one pane at a time.
const SIDE_BY_SIDE: u16 = 80;
/// On a screen that is so wide the event stands beside the list.
const BESIDE: u16 = 160;
/// With fewer rows list and event don't stand one above the other.
const STACKED: u16 = 14;
/// With fewer rows there is but one line at the foot.
const FEW_ROWS: u16 = 10;

/// Where keys go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pane {
    /// The list of streams.
    Streams,
    /// The list of events.
    Events,
    /// The event.
    Detail,
}

impl Pane {
    /// The one on the right of it; of the last one itself.
    pub fn right(self) -> Self {
        match self {
            Self::Streams => Self::Events,
            Self::Events | Self::Detail => Self::Detail,
        }
    }

    /// The one on the left of it; of the first one itself.
    pub fn left(self) -> Self {
        match self {
            Self::Streams | Self::Events => Self::Streams,
            Self::Detail => Self::Events,
        }
    }
}

/// Where everything is. A pane that is nowhere has no area.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The list of streams.
    pub streams: Option<Rect>,
    /// The list of events.
    pub events: Option<Rect>,
    /// The event.
    pub detail: Option<Rect>,
    /// The line that says what is looked at.
    pub status: Option<Rect>,
    /// The line at the foot: what is asked, or said.
    pub foot: Rect,
}

impl Layout {
    /// On a screen of this size, if it is large enough.
    pub fn of(size: Size, focus: Pane) -> Option<Self> {
        if size.width < LEAST.width || size.height < LEAST.height {
            return None;
        }
        let whole = Rect::new(0, 0, size.width, size.height);
        let status = u16::from(size.height >= FEW_ROWS);
        let [body, status_area, foot] = Split::vertical([
            Constraint::Min(0),
            Constraint::Length(status),
            Constraint::Length(1),
        ])
        .areas(whole);
        let status = (status > 0).then_some(status_area);
        let mut layout = Self { streams: None, events: None, detail: None, status, foot };
        if size.width < SIDE_BY_SIDE {
            *layout.area_mut(focus) = Some(body);
            return Some(layout);
        }
        let names = (size.width / 4).clamp(22, 40);
        let [streams, right] =
            Split::horizontal([Constraint::Length(names), Constraint::Min(0)]).areas(body);
        layout.streams = Some(streams);
        let is_beside = size.width >= BESIDE;
        if !is_beside && body.height < STACKED {
            let seen = if focus == Pane::Detail { Pane::Detail } else { Pane::Events };
            *layout.area_mut(seen) = Some(right);
            return Some(layout);
        }
        // What is read has more room.
        let [events, detail] = match (is_beside, focus) {
            (true, _) => Split::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(right),
            (false, Pane::Detail) => {
                Split::vertical([Constraint::Fill(2), Constraint::Fill(5)]).areas(right)
            }
            (false, _) => Split::vertical([Constraint::Fill(5), Constraint::Fill(4)]).areas(right),
        };
        (layout.events, layout.detail) = (Some(events), Some(detail));
        Some(layout)
    }

    fn area_mut(&mut self, pane: Pane) -> &mut Option<Rect> {
        match pane {
            Pane::Streams => &mut self.streams,
            Pane::Events => &mut self.events,
            Pane::Detail => &mut self.detail,
        }
    }
}

/// Rows in the frame of a pane.
pub fn rows(area: Rect) -> u16 {
    area.height.saturating_sub(2)
}

/// Columns in the frame of a pane.
pub fn columns(area: Rect) -> u16 {
    area.width.saturating_sub(2)
}

/// Whether the list of events has a row with the names of its columns.
pub fn has_heads(area: Rect) -> bool {
    rows(area) >= 4
}

/// Events that are seen in the list.
pub fn seen_events(area: Rect) -> u16 {
    rows(area) - u16::from(has_heads(area))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: u16, height: u16, focus: Pane) -> Option<Layout> {
        Layout::of(Size::new(width, height), focus)
    }

    #[test]
    fn a_wide_screen_has_all_panes_and_a_narrow_one_that_where_keys_go() {
        let wide = of(80, 24, Pane::Events).unwrap();
        assert!(wide.streams.is_some() && wide.events.is_some() && wide.detail.is_some());
        let beside = of(160, 24, Pane::Events).unwrap();
        assert_eq!(beside.events.unwrap().height, beside.detail.unwrap().height);
        for pane in [Pane::Streams, Pane::Events, Pane::Detail] {
            let narrow = of(79, 24, pane).unwrap();
            let there = [narrow.streams, narrow.events, narrow.detail];
            assert_eq!(there.iter().flatten().count(), 1);
        }
        let flat = of(80, 8, Pane::Detail).unwrap();
        assert!(flat.detail.is_some() && flat.events.is_none() && flat.status.is_none());
    }

    #[test]
    fn whatever_the_size_nothing_lies_outside_of_it_or_is_empty() {
        for width in 0..200 {
            for height in 0..60 {
                for focus in [Pane::Streams, Pane::Events, Pane::Detail] {
                    let is_large = width >= LEAST.width && height >= LEAST.height;
                    let Some(layout) = of(width, height, focus) else {
                        assert!(!is_large);
                        continue;
                    };
                    assert!(is_large);
                    let panes = [layout.streams, layout.events, layout.detail];
                    for area in panes.into_iter().flatten() {
                        assert!(area.right() <= width && area.bottom() < height);
                        assert!(rows(area) >= 1 && columns(area) >= 18, "{width}x{height}: {area}");
                    }
                }
            }
        }
    }
}
