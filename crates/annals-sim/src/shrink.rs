//! Shrinking: of a plan that fails, steps are left out as long as it fails without them.

use crate::plan::Plan;
use crate::prove::{Effort, prove_plan};
use crate::random::Random;
use annals::Rules;

/// Whether a plan fails is a matter of chance: so often it is tried before it counts as sound.
const TRIES: u64 = 3;

/// What is left of the plan of this seed, with what still goes wrong; nothing if nothing does.
pub fn shrink(seed: u64, rules: Rules, effort: Effort) -> Option<String> {
    let mut random = Random::new(seed);
    let steps = 1 + random.below(effort.steps);
    let mut plan = Plan::new(steps, &mut random);
    let fails = |plan: &Plan| {
        (0..TRIES).find_map(|nth| {
            let mut random = random.clone();
            for _ in 0..nth {
                random.bits();
            }
            let count = prove_plan(plan, rules, effort, random);
            (!count.is_clean()).then_some(count)
        })
    };
    let mut failure = fails(&plan)?;
    // Halves first, then ever smaller pieces, down to single steps.
    let mut piece = plan.steps.len().div_ceil(2);
    loop {
        let mut at = 0;
        while at < plan.steps.len() {
            let mut shorter = plan.clone();
            shorter.steps.drain(at..(at + piece).min(plan.steps.len()));
            match fails(&shorter) {
                Some(count) => (plan, failure) = (shorter, count),
                None => at += piece,
            }
        }
        if piece == 1 {
            break;
        }
        piece = piece.div_ceil(2);
    }
    Some(format!("{plan}{}", failure.examples.join("\n")))
}
