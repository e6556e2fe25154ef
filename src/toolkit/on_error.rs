//! What becomes of an event that fails.

use super::Retry;
use std::time::Duration;

/// What becomes of an event that can't be handled, or taken in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum OnError {
    /// Everything stops before it: the position stays where it is.
    #[default]
    Stop,
    /// It is passed over, and counted.
    Skip,
    /// It is tried again, alone, as this says; then that happens.
    Retry(Retry, Box<OnError>),
}

impl OnError {
    /// Tried again, and if that does not help, stopped.
    pub fn retry(retry: Retry) -> Self {
        Self::Retry(retry, Box::new(Self::Stop))
    }

    /// What happens when it has been tried so often, once at the least.
    pub(in crate::toolkit) fn after(&self, attempts: u32) -> Verdict {
        match self {
            Self::Stop => Verdict::Stop,
            Self::Skip => Verdict::Skip,
            Self::Retry(retry, then) => match retry.pause(attempts) {
                Some(pause) => Verdict::Again(pause),
                None => then.after(1),
            },
        }
    }
}

/// What happens to an event that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::toolkit) enum Verdict {
    Stop,
    Skip,
    Again(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_as_often_as_its_policy_says_and_then_comes_the_next() {
        let second = Duration::from_secs(1);
        let retry = Retry::new(3).backoff(second, 1, second);
        let is_pause = |verdict| matches!(verdict, Verdict::Again(pause) if pause >= second / 2);
        let policy = OnError::retry(retry);
        assert!(is_pause(policy.after(1)) && is_pause(policy.after(2)));
        assert_eq!(policy.after(3), Verdict::Stop);
        let policy = OnError::Retry(Retry::new(2), Box::new(OnError::Skip));
        assert_eq!(policy.after(1), Verdict::Again(Duration::ZERO));
        assert_eq!(policy.after(2), Verdict::Skip);
        assert_eq!(
            (OnError::Stop.after(1), OnError::Skip.after(1)),
            (Verdict::Stop, Verdict::Skip)
        );
    }
}
