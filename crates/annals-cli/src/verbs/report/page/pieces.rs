//! What the sections of the page are made of.

use crate::show::{cut, escaped, short};
use annals::Timestamp;
use maud::{Markup, html};

/// Columns of a name that are shown, and those that are shown to who points at it.
const SHOWN: usize = 100;
const POINTED: usize = 300;
/// In what units bars are measured, so that no fraction is needed.
pub const WHOLE: u64 = 1_000;

/// A section with its heading.
pub fn section(id: &str, heading: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            (body)
        }
    }
}

/// A name from the store, harmless: what acts is written out, and its direction of writing is its
/// own affair.
pub fn name(name: &str) -> Markup {
    if name.is_empty() {
        return html! { i { "empty" } };
    }
    let escaped = escaped(name);
    let shown = cut(&escaped, SHOWN);
    let title = (shown.len() != escaped.len()).then(|| cut(&escaped, POINTED));
    html! { bdi title=[title] { (shown) } }
}

/// A moment to the second.
pub fn second(time: Option<Timestamp>) -> String {
    let full = time.map_or_else(|| "–".to_owned(), short);
    full.split_once('.').map_or_else(|| full.clone(), |(seconds, _)| seconds.to_owned())
}

/// As much of an escaped name as a title has room for.
pub fn cut_name(escaped: &str) -> String {
    cut(escaped, SHOWN).into_owned()
}

/// How large a part of a whole is, in so many parts; a part that is there at all is at least 1.
pub fn share(part: u64, whole: u64, parts: u64) -> u64 {
    let share = u128::from(part) * u128::from(parts) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(parts).clamp(u64::from(part > 0), parts)
}

/// A part of a whole in percent.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    match share(part, whole, 1_000) {
        1 if u128::from(part) * 1_000 < u128::from(whole) => "< 0.1 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// A bar that is so long as the part is large; it only shows what a number beside it says.
pub fn bar(part: u64, whole: u64, colour: &str) -> Markup {
    let length = share(part, whole, WHOLE);
    html! {
        svg.bar viewBox={ "0 0 " (WHOLE) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            rect.track width=(WHOLE) height="10" {}
            rect class=(colour) width=(length) height="10" {}
        }
    }
}

/// A piece of a legend.
pub fn swatch(colour: &str) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" aria-hidden="true" {
            rect class=(colour) width="10" height="10" rx="2" {}
        }
    }
}

/// What there is to say about something that is not all.
pub fn note(text: &Markup) -> Markup {
    html! { p.note { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_nothing_to_a_page() {
        let shown = name("</bdi><script>alert(1)</script>\" onload='x'\u{202e}\u{1b}[31m");
        let expected = "<bdi>&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; \
                        onload='x'\\u{202e}\\u{1b}[31m</bdi>";
        assert_eq!(shown.into_string(), expected);
    }

    #[test]
    fn long_names_are_cut_and_shown_longer_to_who_points_at_them() {
        let shown = name(&"\"".repeat(1_024)).into_string();
        assert_eq!(shown.matches('…').count(), 2);
        assert_eq!(shown.matches("&quot;").count(), SHOWN - 1 + POINTED - 1);
        assert!(!name("short").into_string().contains("title"));
        // The category of a stream that begins with a hyphen.
        assert_eq!(name("").into_string(), "<i>empty</i>");
    }

    #[test]
    fn what_is_there_at_all_is_seen() {
        assert_eq!(share(1, 1_000_000, 100), 1);
        assert_eq!(share(0, 1_000_000, 100), 0);
        assert_eq!(share(u64::MAX, u64::MAX, 100), 100);
        assert_eq!(share(5, 0, 100), 100);
        assert_eq!(
            [percent(1, 1_000_000), percent(1, 3), percent(3, 3), percent(0, 0), percent(0, 7)],
            ["< 0.1 %", "33.3 %", "100.0 %", "–", "0.0 %"]
        );
    }
}
