//! Those with the most, out of however many there are, in little memory.

use std::collections::HashMap;

/// How many of each kind a page shows.
pub const SHOWN: usize = 20;

/// Names, each counted once: the few with the most, and the sum of all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Top {
    /// The few, those with the most first; of equal ones that whose name comes first.
    pub list: Vec<(String, u64)>,
    /// How many names there are.
    pub names: u64,
    /// The sum of all.
    pub sum: u64,
}

impl Top {
    /// One more name.
    pub fn add(&mut self, name: String, count: u64) {
        self.names += 1;
        self.sum = self.sum.saturating_add(count);
        let comes_before =
            |(other, its): &(String, u64)| *its > count || (*its == count && *other <= name);
        let place = self.list.partition_point(comes_before);
        if place < SHOWN {
            self.list.insert(place, (name, count));
            self.list.truncate(SHOWN);
        }
    }

    /// How many names are not in the list, and their sum.
    pub fn rest(&self) -> (u64, u64) {
        let listed = self.list.iter().map(|(_, count)| count).sum();
        let names = u64::try_from(self.list.len()).unwrap_or(u64::MAX);
        (self.names.saturating_sub(names), self.sum.saturating_sub(listed))
    }
}

/// The longest streams, found by looking at each event once. An event's version says how long its
/// stream is by then: whoever is among the longest at the end is so with its last event.
#[derive(Clone, Debug, Default)]
pub struct Longest {
    list: Vec<(String, u64)>,
    /// What a stream has to exceed.
    shortest: u64,
}

impl Longest {
    /// Whether a stream with an event of this version may be among the longest.
    pub fn wants(&self, version: u64) -> bool {
        version > self.shortest
    }

    /// An event that is wanted.
    pub fn add(&mut self, stream: &str, version: u64) {
        match self.list.iter_mut().find(|(name, _)| name == stream) {
            Some((_, longest)) => *longest = version,
            None => {
                if let (SHOWN.., Some(least)) = (self.list.len(), self.least()) {
                    self.list.swap_remove(least);
                }
                self.list.push((stream.to_owned(), version));
            }
        }
        if self.list.len() >= SHOWN {
            self.shortest = self.list.iter().map(|(_, version)| *version).min().unwrap_or(0);
        }
    }

    fn least(&self) -> Option<usize> {
        let places = self.list.iter().enumerate();
        places.min_by_key(|(_, (_, version))| *version).map(|(place, _)| place)
    }

    /// The longest, the longest first.
    pub fn list(self) -> Vec<(String, u64)> {
        let mut top = Top::default();
        self.list.into_iter().for_each(|(name, version)| top.add(name, version));
        top.list
    }
}

/// Events and the bytes of their payloads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sum {
    pub events: u64,
    pub bytes: u64,
}

impl Sum {
    /// One more event.
    pub fn add(&mut self, bytes: u64) {
        self.events += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Names that come again and again, each summed up. If they become too many, those with the fewest
/// events are forgotten, and it is known how many events a name may lack at most.
#[derive(Clone, Debug)]
pub struct Tally {
    most: usize,
    kept: HashMap<Box<str>, Kept>,
    all: Sum,
    missed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    sum: Sum,
    /// Events that it may have had before it was kept.
    missed: u64,
}

/// What a tally has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tallied {
    /// Those with the most events first.
    pub list: Vec<(String, Sum)>,
    /// How many names there are; nothing if some were forgotten.
    pub names: Option<u64>,
    /// What is not in the list.
    pub rest: Sum,
    /// Events that each may have in truth besides those counted; 0 if all is exact.
    pub missed: u64,
}

impl Tally {
    /// Keeps at most so many names.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(2), kept: HashMap::new(), all: Sum::default(), missed: 0 }
    }

    /// One more event with this name.
    pub fn add(&mut self, name: &str, bytes: u64) {
        self.all.add(bytes);
        if let Some(kept) = self.kept.get_mut(name) {
            return kept.sum.add(bytes);
        }
        if self.kept.len() >= self.most {
            self.forget();
        }
        let mut kept = Kept { sum: Sum::default(), missed: self.missed };
        kept.sum.add(bytes);
        self.kept.insert(name.into(), kept);
    }

    /// Forgets half of the names, or those that are equal to the middle one too.
    fn forget(&mut self) {
        let mut counts: Vec<u64> = self.kept.values().map(|kept| kept.sum.events).collect();
        let middle = counts.len() / 2;
        let middle = *counts.select_nth_unstable(middle).1;
        let missed = &mut self.missed;
        self.kept.retain(|_, kept| {
            let stays = kept.sum.events > middle;
            if !stays {
                *missed = (*missed).max(kept.sum.events + kept.missed);
            }
            stays
        });
    }

    /// Those with the most events.
    pub fn top(self) -> Tallied {
        let names = u64::try_from(self.kept.len()).ok().filter(|_| self.missed == 0);
        let mut list: Vec<_> = self.kept.into_iter().collect();
        list.sort_unstable_by(|(name, kept), (other, its)| {
            its.sum.events.cmp(&kept.sum.events).then_with(|| name.cmp(other))
        });
        list.truncate(SHOWN);
        let mut rest = self.all;
        let list = list.into_iter().map(|(name, kept)| {
            rest.events = rest.events.saturating_sub(kept.sum.events);
            rest.bytes = rest.bytes.saturating_sub(kept.sum.bytes);
            (String::from(name), kept.sum)
        });
        Tallied { list: list.collect(), names, rest, missed: self.missed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_with_the_most_are_kept_and_the_rest_is_summed_up() {
        let mut top = Top::default();
        for nth in 0..1_000_u64 {
            top.add(format!("{nth:03}"), nth % 100);
        }
        assert_eq!(top.list.len(), SHOWN);
        assert_eq!(top.list[0], ("099".to_owned(), 99));
        assert_eq!(top.list[10], ("098".to_owned(), 98));
        let sum = 10 * (99 * 100 / 2);
        assert_eq!((top.names, top.sum), (1_000, sum));
        assert_eq!(top.rest(), (980, sum - 10 * 99 - 10 * 98));
    }

    /// Streams that grow in turns, some late and fast: those that lead at first must not stay.
    #[test]
    fn the_longest_streams_are_found_exactly_by_the_versions_of_events() {
        let mut lengths = vec![0_u64; 500];
        let mut longest = Longest::default();
        let mut state = 1_u64;
        for turn in 0..60_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = usize::try_from(state >> 40).unwrap();
            let stream = if turn < 30_000 { random % 250 } else { 499 - random % 300 * 2 % 499 };
            lengths[stream] += 1;
            if longest.wants(lengths[stream]) {
                longest.add(&format!("s-{stream:03}"), lengths[stream]);
            }
        }
        let mut counts: Vec<u64> = lengths.clone();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        let list = longest.list();
        let found: Vec<u64> = list.iter().map(|(_, events)| *events).collect();
        assert_eq!(found, counts[..SHOWN]);
        for (name, events) in &list {
            assert_eq!(lengths[name[2..].parse::<usize>().unwrap()], *events, "{name}");
        }
    }

    #[test]
    fn a_tally_with_room_is_exact() {
        let mut tally = Tally::new(100);
        for nth in 0..100_u64 {
            (0..=nth).for_each(|_| tally.add(&format!("{nth:02}"), 10));
        }
        let top = tally.top();
        assert_eq!((top.names, top.missed), (Some(100), 0));
        assert_eq!(top.list[0], ("99".to_owned(), Sum { events: 100, bytes: 1_000 }));
        assert_eq!(top.rest.events, (1..=80).sum::<u64>());
        assert_eq!(top.rest.bytes, top.rest.events * 10);
    }

    #[test]
    fn a_tally_without_room_says_how_many_events_a_name_may_lack() {
        let mut tally = Tally::new(64);
        let (mut often, mut late) = (0, 0);
        for nth in 0..50_000_u64 {
            tally.add(&format!("once-{nth}"), 1);
            if nth % 5 == 0 {
                tally.add("often", 1);
                often += 1;
            }
            if nth > 49_000 {
                tally.add("late", 1);
                late += 1;
            }
        }
        let top = tally.top();
        assert_eq!(top.names, None);
        let of = |name: &str| top.list.iter().find(|(own, _)| own == name).unwrap().1.events;
        for (name, truth) in [("often", often), ("late", late)] {
            assert!(of(name) <= truth && truth <= of(name) + top.missed, "{name}");
        }
        let listed: u64 = top.list.iter().map(|(_, sum)| sum.events).sum();
        assert_eq!(listed + top.rest.events, 50_000 + often + late);
    }
}
