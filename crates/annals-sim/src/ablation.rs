//! The rule with a part switched off: each part has to be missed.

use crate::count::Count;
use crate::fault::prove_faults;
use crate::prove::{Effort, prove};
use crate::rot::prove_rot;
use annals::Rules;

/// A part of the rule switched off, and the loss that has to show.
#[derive(Clone, Copy, Debug)]
pub struct Ablation {
    /// What it is called.
    pub name: &'static str,
    /// The rule without it.
    pub rules: Rules,
    /// What its absence brings.
    pub loss: Loss,
}

/// What the absence of a part brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// Acknowledged commits vanish without a word when a sector rots.
    Rot,
    /// More acknowledged commits vanish with nothing left that could tell.
    Silence,
    /// Healthy crashes are called corruption.
    Refusal,
    /// Discarded commits come back, or wrong ones appear.
    Revival,
    /// What was shown after a failed sync is lost by a power cut.
    FailedSync,
}

impl Ablation {
    /// Each part of the rule.
    ///
    /// Epoch and chain are each other's second line: on this disk either of them is enough, and
    /// what their absence brings shows only when both are gone and nothing is zeroed.
    pub const ALL: [Self; 7] = [
        Self {
            name: "no watermark: the first bad frame is the end",
            rules: Rules { watermark: false, newer: false, ..Rules::ALL },
            loss: Loss::Rot,
        },
        Self {
            name: "a valid frame after a bad one is corruption",
            rules: Rules { torn_by_watermark: false, ..Rules::ALL },
            loss: Loss::Refusal,
        },
        Self {
            name: "no epoch and no chain (and nothing zeroed)",
            rules: Rules { epoch: false, chain: false, newer: false, zero: false, ..Rules::ALL },
            loss: Loss::Revival,
        },
        Self {
            name: "nothing is zeroed",
            rules: Rules { zero: false, ..Rules::ALL },
            loss: Loss::Refusal,
        },
        Self {
            name: "newer epochs are ignored",
            rules: Rules { newer: false, ..Rules::ALL },
            loss: Loss::Rot,
        },
        Self { name: "no stub", rules: Rules { stub: false, ..Rules::ALL }, loss: Loss::Silence },
        Self {
            name: "no rewriting of what is kept",
            rules: Rules { rewrite: false, ..Rules::ALL },
            loss: Loss::FailedSync,
        },
    ];

    /// Tries so many seeds. Returns how many states were tried, and how often the loss showed.
    ///
    /// What comes back has to fit exactly what was written in its place, so it is looked for in
    /// more plans, and shorter ones, most of whose crashes are followed by a second.
    pub fn run(&self, seeds: u64) -> (u64, u64) {
        let revives = self.loss == Loss::Revival;
        let (effort, seeds) = match revives {
            true => (Effort { steps: 6, states: 6, exhaustive: 8, again: 2 }, seeds * 4),
            false => (Effort { steps: 24, states: 4, exhaustive: 0, again: 2 }, seeds),
        };
        let (mut states, mut losses) = (0, 0);
        for seed in 0..seeds {
            let count: Count = match self.loss {
                Loss::Rot | Loss::Silence => prove_rot(seed, self.rules, 24),
                Loss::Refusal | Loss::Revival => prove(seed, self.rules, effort),
                Loss::FailedSync => prove_faults(seed, self.rules, 24, 5),
            };
            states += count.states + count.double;
            losses += match self.loss {
                Loss::Refusal => count.refused,
                Loss::Silence => {
                    let whole = prove_rot(seed, Rules::ALL, 24).silent;
                    count.silent.saturating_sub(whole)
                }
                Loss::Rot | Loss::Revival | Loss::FailedSync => count.violations,
            };
        }
        (states, losses)
    }
}
