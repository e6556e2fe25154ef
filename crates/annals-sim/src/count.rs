//! What was tried and found.

/// A count of states, and of what was wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// States that were recovered and checked: no two of a plan are the same.
    pub states: u64,
    /// States that a crash of what went on after a crash left, those inside recovery included.
    pub double: u64,
    /// Healthy stores that were refused as corrupt.
    pub refused: u64,
    /// Other violations.
    pub violations: u64,
    /// Losses by rot that no surviving byte could have told.
    pub silent: u64,
    /// What the first few were, with what replays them.
    pub examples: Vec<String>,
}

/// Kept of what was wrong.
const EXAMPLES: usize = 5;

impl Count {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.double += other.double;
        self.refused += other.refused;
        self.violations += other.violations;
        self.silent += other.silent;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.refused == 0 && self.violations == 0
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.violations += 1;
        self.example(what);
    }

    pub(crate) fn refusal(&mut self, what: String) {
        self.refused += 1;
        self.example(what);
    }

    fn example(&mut self, what: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(what);
        }
    }
}
