//! Numbers for people: medians with their extremes, as Markdown.

use super::data::mixed;

/// Measurements of one thing.
#[derive(Clone, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    pub fn push(&mut self, number: f64) {
        self.0.push(number);
    }

    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// `self / other`, measurement by measurement: what was measured side by side shares its noise.
    pub fn per(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own / other).collect())
    }

    /// By how much `self` is more than `other`, as a part of that.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| own / other - 1.0).collect())
    }

    /// The median, and in brackets the smallest and the largest.
    pub fn text(&self, decimals: usize) -> String {
        let smallest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let [median, smallest, largest] =
            [self.median(), smallest, largest].map(|number| grouped(number, decimals));
        match self.0.len() {
            0 => "-".to_owned(),
            1 => median,
            _ => format!("{median} ({smallest} to {largest})"),
        }
    }
}

/// A line of the table.
pub struct Row {
    pub what: String,
    pub floor: String,
    pub annals: String,
    pub ratio: String,
    pub goal: String,
}

/// What is wanted, and whether it is so.
pub fn judged(goal: &str, met: bool) -> String {
    format!("{goal}: {}", if met { "met" } else { "missed" })
}

/// Prints the lines as a Markdown table.
pub fn print_table(rows: &[Row]) {
    println!("| what | floor | Annals | Annals / floor | goal |");
    println!("|---|---|---|---|---|");
    for Row { what, floor, annals, ratio, goal } in rows {
        println!("| {what} | {floor} | {annals} | {ratio} | {goal} |");
    }
}

/// A number with its thousands apart.
pub fn grouped(number: f64, decimals: usize) -> String {
    let plain = format!("{number:.decimals$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = String::new();
    for (nth, digit) in whole.chars().enumerate() {
        if nth > 0 && (whole.len() - nth) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// Whether the table of ratios is wanted (`--ratios`), and of how many rounds (a number behind it).
pub fn ratios_wanted(rounds: usize) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--ratios");
    arguments.next()?;
    Some(arguments.next().and_then(|number| number.parse().ok()).unwrap_or(rounds))
}

/// Whether this line is wanted: all are, or those that have the words behind `--only`.
pub fn is_wanted(name: &str) -> bool {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--only").skip(1);
    arguments.next().is_none_or(|words| name.contains(&*words))
}

/// Random numbers, the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(mixed(!seed))
    }

    /// One of `0..end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mixed(self.0) % end
    }
}
