//! A clock that goes when it is told.

use crate::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock that stands until it is set: for tests. Clones are the same clock.
///
/// As [`Options::clock`](crate::Options::clock) it says when events were recorded, as
/// [`Port::clock`](crate::toolkit::Port::clock) what the toolkit waits for. With it,
/// [`Store::in_memory`](crate::Store::in_memory), which behaves as a store in a file does, and
/// [`CountingIds`](crate::toolkit::CountingIds), a test gives the same every time.
///
/// ```
/// use annals::toolkit::{CountingIds, FixedClock, Port};
/// use annals::{NewEvent, Options, Timestamp};
/// use std::time::Duration;
/// let clock = FixedClock::at(Timestamp::from_micros(0));
/// let store = Options::new().clock(clock.clone()).in_memory()?;
/// let port = Port::new(&store).clock(clock.clone()).ids(CountingIds::default());
/// clock.advance(Duration::from_secs(60));
/// port.append("a", 0, [NewEvent::new("Noted", "").id(port.next_id())])?;
/// let noted = port.event(1)?.unwrap();
/// assert_eq!(noted.recorded.to_string(), "1970-01-01T00:01:00.000000Z");
/// assert_eq!((noted.id.as_u128(), port.now()), (1, noted.recorded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedClock {
    micros: Arc<AtomicI64>,
}

impl FixedClock {
    /// It stands at this moment.
    pub fn at(now: Timestamp) -> Self {
        Self { micros: Arc::new(AtomicI64::new(now.micros())) }
    }

    /// Sets it: forward or back.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.micros(), Ordering::Release);
    }

    /// Sets it forward by this much; what is less than a microsecond is nothing.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let later = |now: i64| Some(now.saturating_add(by));
        // It always says what to set, so it can't fail.
        _ = self.micros.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::Acquire))
    }
}
