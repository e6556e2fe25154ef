//! Commits with every kind of guard, readings in both directions, documents, retries, chores,
//! closings and crashes, on a store with a tiny index and on a plain list: both say the same.

use crate::model::{InMemory, Step, run as carry_out};
use annals::Options;
use arbitrary::Unstructured;

/// Steps of a plan at the most.
const STEPS: usize = 60;

/// See the module.
pub fn run(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(shape) = input.arbitrary::<u8>() else { return };
    let mut plan: Vec<Step> = Vec::new();
    while !input.is_empty()
        && plan.len() < STEPS
        && let Ok(step) = input.arbitrary()
    {
        plan.push(step);
    }
    // An index in memory so small that runs are written and merged all the time.
    let options = Options::new().without_keeper().segments(4_096, 16_384).seed(7);
    carry_out(
        &plan,
        InMemory::new(match shape % 4 {
            0 => options.tail(1, 1),
            1 => options.tail(4, 4_096),
            2 => options.tail(4, u64::MAX).pad_to_sector(),
            _ => options.tail(12, u64::MAX),
        }),
    );
}

/// Random bytes: any are a plan.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut random = annals_sim::Random::new(9);
    (0..40_usize).map(|nth| (0..20 + nth * 20).map(|_| random.byte()).collect()).collect()
}
