//! What it says in the end, and how numbers look.

use super::summary::Carrier;
use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

/// The most frequent first.
pub fn types(out: &mut impl Write, types: HashMap<String, u64>) -> Result<(), Box<dyn Error>> {
    let mut types: Vec<(String, u64)> = types.into_iter().collect();
    types.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    writeln!(out, "\nEvents by type")?;
    for (name, count) in types {
        writeln!(out, "  {name:<18}{:>10}", grouped(count))?;
    }
    Ok(())
}

/// The latest first, those that never arrived last.
pub fn carriers(
    out: &mut impl Write,
    carriers: HashMap<String, Carrier>,
) -> Result<(), Box<dyn Error>> {
    let delay = |carrier: &Carrier| carrier.mean_delay().unwrap_or(f64::NEG_INFINITY);
    let mut carriers: Vec<(String, Carrier)> = carriers.into_iter().collect();
    carriers.sort_by(|(_, a), (_, b)| delay(b).total_cmp(&delay(a)));
    writeln!(out, "\nCarrier  mean arrival delay  arrivals  cancellations")?;
    for (code, carrier) in carriers {
        let mean = carrier.mean_delay().map(|minutes| format!("{minutes:.2} min"));
        let mean = mean.unwrap_or_else(|| "-".to_owned());
        let arrivals = grouped(carrier.arrivals.into());
        let cancellations = grouped(carrier.cancellations.into());
        writeln!(out, "  {code:<7}{mean:>18}{arrivals:>10}{cancellations:>15}")?;
    }
    Ok(())
}

/// What was asked for, how much the store has found, and how much the lines have.
pub type Pair = (&'static str, u64, u64);

/// Nothing, if nothing was asked.
pub fn asked(out: &mut impl Write, pairs: &[Pair]) -> Result<(), Box<dyn Error>> {
    if pairs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nAsked for             by query     lines")?;
    for (name, found, lines) in pairs {
        writeln!(out, "  {name:<18}{:>10}{:>10}", grouped(*found), grouped(*lines))?;
    }
    Ok(())
}

/// `12.345 s, 56,789 events/s`.
pub fn pace(events: u64, time: Duration) -> String {
    let rate = u128::from(events) * 1_000_000 / time.as_micros().max(1);
    let rate = grouped(u64::try_from(rate).unwrap_or(u64::MAX));
    format!("{:.3} s, {rate} events/s", time.as_secs_f64())
}

/// Bytes of one of these events, to a tenth.
pub fn each(bytes: u64, events: u64) -> String {
    let tenths = bytes.saturating_mul(10) / events.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
