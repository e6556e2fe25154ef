//! Very many names in little room.

/// As much text of names is kept.
const MOST: usize = 32 << 20;

/// Names, in the order in which they came: their text, and where each ends.
#[derive(Default)]
pub struct Names {
    text: String,
    ends: Vec<u32>,
}

impl Names {
    /// One more; `false` if there is no room.
    pub fn push(&mut self, name: &str) -> bool {
        let end = self.text.len() + name.len();
        let Some(kept) = u32::try_from(end).ok().filter(|_| end <= MOST) else { return false };
        self.text.push_str(name);
        self.ends.push(kept);
        true
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        u64::try_from(self.ends.len()).unwrap_or(u64::MAX)
    }

    /// The name with this number, from 0.
    pub fn get(&self, nth: u64) -> Option<&str> {
        let nth = usize::try_from(nth).ok()?;
        let end = |nth: usize| usize::try_from(*self.ends.get(nth)?).ok();
        let begin = match nth.checked_sub(1) {
            Some(before) => end(before)?,
            None => 0,
        };
        self.text.get(begin..end(nth)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_as_they_went_in() {
        let mut names = Names::default();
        for name in ["order-1", "", "größe-2"] {
            assert!(names.push(name));
        }
        assert_eq!(names.len(), 3);
        let all: Vec<_> = (0..4).map(|nth| names.get(nth)).collect();
        assert_eq!(all, [Some("order-1"), Some(""), Some("größe-2"), None]);
    }

    #[test]
    fn there_is_an_end_to_the_room_they_take() {
        let mut names = Names::default();
        let long = "x".repeat(MOST / 2);
        assert!(names.push(&long) && names.push(&long) && !names.push("y"));
        assert_eq!(names.len(), 2);
    }
}
