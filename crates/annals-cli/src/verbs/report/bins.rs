//! Time in bins: seconds, hours, days, whatever shows a span best.

use crate::show::{moment, short};
use annals::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

/// More bins than this nobody can tell apart.
pub const MOST: usize = 400;
/// How many there are of a span that no unit of the calendar divides well.
const PARTS: i128 = 200;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What each bin is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// From Monday on.
    Week,
    Month,
    Year,
    /// An equal part of the span.
    Part,
}

impl Unit {
    /// The units, from the smallest to the largest.
    const ALL: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// As in 'events a day'.
    pub fn each(self) -> &'static str {
        match self {
            Self::Second => "a second",
            Self::Minute => "a minute",
            Self::Hour => "an hour",
            Self::Day => "a day",
            Self::Week => "a week",
            Self::Month => "a month",
            Self::Year => "a year",
            Self::Part => "in each 200th of the time",
        }
    }
}

/// A span of time, divided. Every moment of it lies in one bin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bins {
    pub unit: Unit,
    /// Where each begins, in microseconds since 1970; at least one, ascending.
    starts: Vec<i64>,
    /// The bin of the moment that was looked up last: mostly the next one lies there too.
    last: usize,
}

impl Bins {
    /// Bins from the first to the last moment, in the smallest unit in which they are not too many.
    pub fn new(first: Timestamp, last: Timestamp) -> Self {
        let (first, last) = (first.micros(), last.micros().max(first.micros()));
        let of = |unit| starts(unit, first, last).map(|starts| Self { unit, starts, last: 0 });
        let of_calendar = Unit::ALL.into_iter().find_map(of);
        of_calendar.unwrap_or_else(|| {
            let width = (i128::from(last) - i128::from(first)) / PARTS + 1;
            let start = |nth| i64::try_from(i128::from(first) + nth * width).ok();
            let starts = (0..PARTS).map_while(start).take_while(|start| *start <= last).collect();
            Self { unit: Unit::Part, starts, last: 0 }
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// In which bin a moment lies; what is outside of all lies in the nearest.
    pub fn of(&mut self, time: Timestamp) -> usize {
        let time = time.micros();
        let begins = |nth: usize| self.starts.get(nth).is_some_and(|start| *start <= time);
        if !begins(self.last) || begins(self.last + 1) {
            let behind = self.starts.partition_point(|start| *start <= time);
            self.last = behind.saturating_sub(1);
        }
        self.last
    }

    /// What a bin is called.
    pub fn label(&self, nth: usize) -> String {
        let Some(start) = self.starts.get(nth).map(|start| Timestamp::from_micros(*start)) else {
            return String::new();
        };
        let full = short(start);
        let beginning = |length: usize| full.get(..length).unwrap_or(&full).to_owned();
        match self.unit {
            Unit::Second => full,
            Unit::Minute | Unit::Hour => beginning("2013-01-01 06:00".len()),
            Unit::Day => beginning("2013-01-01".len()),
            Unit::Week => format!("week of {}", beginning("2013-01-01".len())),
            Unit::Month => beginning("2013-01".len()),
            Unit::Year => beginning("2013".len()),
            Unit::Part => format!("from {} on", moment(start)),
        }
    }
}

/// Where the bins of a unit begin; nothing if they are too many, or too far from today for a
/// calendar.
fn starts(unit: Unit, first: i64, last: i64) -> Option<Vec<i64>> {
    match unit {
        Unit::Second => regular(SECOND, 0, first, last),
        Unit::Minute => regular(60 * SECOND, 0, first, last),
        Unit::Hour => regular(3_600 * SECOND, 0, first, last),
        Unit::Day => regular(DAY, 0, first, last),
        // The first Monday was the fifth of January 1970.
        Unit::Week => regular(7 * DAY, 4 * DAY, first, last),
        Unit::Month => by_calendar(first, last, Date::first_of_month, 1.month()),
        Unit::Year => by_calendar(first, last, Date::first_of_year, 1.year()),
        Unit::Part => None,
    }
    // What prints needs a calendar.
    .filter(|_| date_of(first).is_some() && date_of(last).is_some())
}

fn regular(width: i64, from: i64, first: i64, last: i64) -> Option<Vec<i64>> {
    let start = first.checked_sub(from)?.div_euclid(width).checked_mul(width)?.checked_add(from)?;
    let more = usize::try_from(last.checked_sub(start)? / width).ok()?;
    let starts = std::iter::successors(Some(start), |start| start.checked_add(width));
    (more < MOST).then(|| starts.take(more + 1).collect())
}

fn by_calendar(first: i64, last: i64, begin: fn(Date) -> Date, step: Span) -> Option<Vec<i64>> {
    let mut date = begin(date_of(first)?);
    let mut starts = Vec::new();
    loop {
        let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_microsecond();
        if start > last {
            return Some(starts);
        }
        starts.push(start);
        if starts.len() > MOST {
            return None;
        }
        date = date.checked_add(step).ok()?;
    }
}

fn date_of(micros: i64) -> Option<Date> {
    let time = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(TimeZone::UTC.to_datetime(time).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::parse_when;

    fn bins(first: &str, last: &str) -> Bins {
        Bins::new(parse_when(first).unwrap(), parse_when(last).unwrap())
    }

    #[test]
    fn the_smallest_unit_is_taken_of_which_there_are_not_too_many() {
        for (last, unit, count) in [
            ("2013-01-01T06:00:00", Unit::Second, 1),
            ("2013-01-01T06:06:39", Unit::Second, 400),
            ("2013-01-01T06:06:40", Unit::Minute, 7),
            ("2013-01-01T18:00:00", Unit::Hour, 13),
            ("2013-01-31T18:00:00", Unit::Day, 31),
            ("2013-12-31T23:59:59", Unit::Day, 365),
            ("2014-12-31T23:59:59", Unit::Week, 105),
            ("2022-12-31", Unit::Month, 120),
            ("2313-12-31", Unit::Year, 301),
        ] {
            let bins = bins("2013-01-01T06:00:00", last);
            assert_eq!((bins.unit, bins.count()), (unit, count), "{last}");
        }
    }

    #[test]
    fn each_moment_lies_in_the_bin_whose_label_it_begins_with() {
        let mut days = bins("2013-01-01T06:00", "2013-12-31T23:59:59.999999");
        for (time, nth, label) in [
            ("2013-01-01T06:00", 0, "2013-01-01"),
            ("2013-01-01T23:59:59.999999", 0, "2013-01-01"),
            ("2013-01-02", 1, "2013-01-02"),
            ("2013-12-31T12:00", 364, "2013-12-31"),
            ("2013-03-01", 59, "2013-03-01"),
        ] {
            assert_eq!(days.of(parse_when(time).unwrap()), nth, "{time}");
            assert_eq!(days.label(nth), label);
        }
        // Outside of all.
        assert_eq!(days.of(Timestamp::from_micros(i64::MIN)), 0);
        assert_eq!(days.of(Timestamp::from_micros(i64::MAX)), 364);
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_have_their_own_lengths() {
        let weeks = bins("2013-01-02", "2014-12-31");
        assert_eq!(weeks.label(0), "week of 2012-12-31");
        let mut months = bins("2012-02-29", "2022-03-01");
        assert_eq!(months.label(0), "2012-02");
        assert_eq!(months.of(parse_when("2012-03-31T23:59:59").unwrap()), 1);
        assert_eq!(months.of(parse_when("2012-04-01").unwrap()), 2);
    }

    #[test]
    fn any_two_moments_have_bins() {
        let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, DAY, i64::MAX - 1, i64::MAX];
        for first in ends {
            for last in ends.into_iter().filter(|last| *last >= first) {
                let (first, last) = (Timestamp::from_micros(first), Timestamp::from_micros(last));
                let mut bins = Bins::new(first, last);
                assert!((1..=MOST).contains(&bins.count()), "{first} {last}");
                assert_eq!(bins.of(first), 0);
                assert_eq!(bins.of(last), bins.count() - 1, "{first} {last} {:?}", bins.unit);
                assert!(!bins.label(bins.count() - 1).is_empty());
            }
        }
    }
}
