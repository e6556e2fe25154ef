//! How often something is tried again, and how long is waited before.

use crate::Uuid;
use std::time::Duration;

/// How often something is tried, and how long is waited before it is tried again: not at all unless
/// told, or longer each time. A pause is cut by a random part, up to half of it, so that those who
/// met once do not meet again.
///
/// ```
/// use annals::toolkit::Retry;
/// use std::time::Duration;
/// let [first, most] = [10, 25].map(Duration::from_millis);
/// let retry = Retry::new(4).backoff(first, 2, most);
/// // After one failure between 5 and 10 ms, after two twice that, after three as long as it gets.
/// assert!((first / 2..=first).contains(&retry.pause(1).unwrap()));
/// assert!((first..=first * 2).contains(&retry.pause(2).unwrap()));
/// assert!((most / 2..=most).contains(&retry.pause(3).unwrap()));
/// assert_eq!(retry.pause(4), None, "four attempts were made");
///
/// // Unless told: five attempts, the second of them at once.
/// assert_eq!(Retry::default().pause(1), Some(Duration::ZERO));
/// assert_eq!(Retry::default().pause(5), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retry {
    attempts: u32,
    first: Duration,
    factor: u32,
    most: Duration,
    at_once: bool,
}

impl Default for Retry {
    /// Five attempts: the second at once, the others after pauses that begin with 1 ms and double.
    fn default() -> Self {
        let [first, most] = [1, 100].map(Duration::from_millis);
        Self::new(5).backoff(first, 2, most).at_once()
    }
}

impl Retry {
    /// So many attempts in all, one at the least, without pauses.
    pub const fn new(attempts: u32) -> Self {
        let attempts = if attempts == 0 { 1 } else { attempts };
        let (first, most) = (Duration::ZERO, Duration::ZERO);
        Self { attempts, first, factor: 1, most, at_once: false }
    }

    /// With a pause before each attempt but the first, longer by this factor each time, but never
    /// longer than `most`.
    #[must_use]
    pub const fn backoff(mut self, first: Duration, factor: u32, most: Duration) -> Self {
        (self.first, self.factor, self.most) = (first, factor, most);
        self
    }

    /// The second attempt comes at once; pauses begin before the third.
    #[must_use]
    pub const fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// How many attempts there are in all.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait after so many failed attempts; nothing if that was the last one.
    pub fn pause(&self, failed: u32) -> Option<Duration> {
        (failed < self.attempts).then(|| {
            let half = self.whole(failed) / 2;
            let random = u32::try_from(Uuid::new_v4().as_u128() >> 96).unwrap_or(u32::MAX);
            half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
        })
    }

    /// The longest that the pause after so many failures may be.
    fn whole(&self, failed: u32) -> Duration {
        let pauses = failed.saturating_sub(u32::from(self.at_once));
        if pauses == 0 {
            return Duration::ZERO;
        }
        let mut pause = self.first;
        for _ in 1..pauses {
            let next = pause.saturating_mul(self.factor);
            if pause >= self.most || next == pause {
                break;
            }
            pause = next;
        }
        pause.min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_stay_there() {
        let [first, most] = [2, 9].map(Duration::from_millis);
        let retry = Retry::new(u32::MAX).backoff(first, 2, most);
        let longest = |failed| retry.whole(failed).as_millis();
        assert_eq!([1, 2, 3, 4, 1_000].map(longest), [2, 4, 8, 9, 9]);
        assert_eq!(retry.whole(u32::MAX), most);
        assert_eq!(retry.at_once().whole(1), Duration::ZERO);
        assert_eq!(retry.at_once().whole(2), first);
        for factor in [0, 1] {
            let even = retry.backoff(first, factor, most);
            assert!(even.whole(u32::MAX) <= first);
        }
        let endless = retry.backoff(Duration::MAX, u32::MAX, Duration::MAX);
        assert!(endless.pause(7).unwrap() >= Duration::MAX / 2);
    }

    #[test]
    fn at_least_one_attempt_is_made_and_without_backoff_none_waits() {
        assert_eq!((Retry::new(0).attempts(), Retry::new(0).pause(1)), (1, None));
        assert_eq!(Retry::new(3).pause(2), Some(Duration::ZERO));
    }
}
