//! Moments: read as people write them, written as RFC 3339 in UTC.

use annals::Timestamp;
use jiff::tz::TimeZone;
use jiff::{Span, civil};

/// A moment as RFC 3339 in UTC, with as many digits of a second as it has; one that is too far
/// away for that as microseconds since 1970.
pub fn moment(time: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.micros()) {
        Ok(time) => time.to_string(),
        Err(_) => time.micros().to_string(),
    }
}

/// A moment for a table: as [`moment`], with no more than a space between date and time.
pub fn short(time: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.micros()) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S%.f").to_string(),
        Err(_) => time.micros().to_string(),
    }
}

/// A moment in a file: RFC 3339.
pub fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let expected = || {
        let text = super::escaped(text);
        format!("expected a time like 2013-01-31T18:00:00Z (RFC 3339), not '{text}'")
    };
    let time: jiff::Timestamp = text.parse().map_err(|_| expected())?;
    // Finer than microseconds: what is left of it is cut off.
    Ok(Timestamp::from_micros(time.as_nanosecond().div_euclid(1_000).try_into().unwrap_or(0)))
}

/// A moment in a file that is too far away for RFC 3339, and so is a number: see [`moment`].
/// Another number could be seconds, or milliseconds, and is not guessed at.
pub fn far_moment(micros: i64) -> Result<Timestamp, String> {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(_) => {
            Err(format!("expected a time like 2013-01-31T18:00:00Z (RFC 3339), not '{micros}'"))
        }
        Err(_) => Ok(Timestamp::from_micros(micros)),
    }
}

/// A moment on a command line: RFC 3339, a date (its beginning) or a date and a time of day, both
/// in UTC, or how long ago it was.
pub fn parse_when(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = parse_moment(text) {
        return Ok(time);
    }
    let of = |date_time: civil::DateTime| TimeZone::UTC.to_timestamp(date_time).ok();
    // `2013-02-30` is no span of time either, so what it is not is found out below.
    let date_time = text.parse::<civil::DateTime>().ok().and_then(of);
    // A day has 24 hours in UTC.
    let ago = || {
        let span = text.parse::<Span>().ok().filter(|span| !span.is_negative())?;
        of(TimeZone::UTC.to_datetime(jiff::Timestamp::now()).checked_sub(span).ok()?)
    };
    let time = date_time.or_else(ago);
    time.map(|time| Timestamp::from_micros(time.as_microsecond())).ok_or_else(|| {
        "expected a time: 2013-01-31, 2013-01-31T18:00 (UTC), 2013-01-31T18:00:00Z, or how \
         long ago: '36h', '2h 30m', '7d'"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_short_as_they_can_be_and_read_again() {
        for (micros, text) in [
            (1_357_020_000_000_000, "2013-01-01T06:00:00Z"),
            (1_357_020_000_250_000, "2013-01-01T06:00:00.25Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(moment(time), text);
            assert_eq!(parse_moment(text), Ok(time));
        }
        let far = Timestamp::from_micros(i64::MAX);
        assert_eq!((moment(far), far_moment(i64::MAX)), (i64::MAX.to_string(), Ok(far)));
        assert!(far_moment(1_357_020_000).unwrap_err().ends_with("not '1357020000'"));
        assert_eq!(short(Timestamp::from_micros(1_357_020_000_000_000)), "2013-01-01 06:00:00");
    }

    #[test]
    fn dates_times_and_spans_are_moments_on_a_command_line() {
        let day = parse_when("2013-01-01").unwrap();
        assert_eq!(moment(day), "2013-01-01T00:00:00Z");
        assert_eq!(moment(parse_when("2013-01-01T06:30").unwrap()), "2013-01-01T06:30:00Z");
        assert_eq!(moment(parse_when("2013-01-01 06:30").unwrap()), "2013-01-01T06:30:00Z");
        let (before, ago) = (Timestamp::now(), parse_when("36h").unwrap());
        assert!((before.micros() - ago.micros() - 36 * 3_600_000_000).abs() < 60_000_000);
        let (week, days) = (parse_when("1w").unwrap(), parse_when("7d").unwrap());
        assert!((week.micros() - days.micros()).abs() < 60_000_000);
        assert!((before.micros() - days.micros() - 7 * 86_400_000_000).abs() < 60_000_000);
        for wrong in ["yesterday", "2013-02-30", "-1h", ""] {
            assert!(parse_when(wrong).unwrap_err().contains("2013-01-31"), "{wrong}");
        }
    }
}
