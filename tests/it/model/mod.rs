//! Random plans of commits, readings and reopenings, against a list of events that does the same in
//! the plainest way: the list, and who carries plans out, are those of the fuzzers.

mod home;
mod make;

use annals::Options;
use annals_fuzz::model::{InMemory, run};
use home::InFile;
use make::plans;
use proptest::prelude::*;

/// So many plans; `ANNALS_PLANS=50` makes them fifty times as many.
fn config(cases: u32) -> ProptestConfig {
    let times = std::env::var("ANNALS_PLANS").ok().and_then(|times| times.parse().ok());
    let cases = cases.saturating_mul(times.unwrap_or(1));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Segments, and an index in memory, so small that runs are written and merged all the time.
fn tiny() -> Options {
    Options::new().segments(4_096, 16_384).tail(4, 4_096)
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn a_store_in_memory_behaves_like_a_list(plan in plans()) {
        run(&plan, InMemory::new(Options::new().without_keeper()));
    }

    #[test]
    fn a_store_in_memory_with_tiny_runs_behaves_like_a_list(plan in plans()) {
        run(&plan, InMemory::new(Options::new().without_keeper().tail(1, 1)));
    }

    #[test]
    fn a_store_in_memory_with_tiny_segments_behaves_like_a_list(plan in plans()) {
        run(&plan, InMemory::new(tiny()));
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn a_store_in_a_file_behaves_like_a_list(plan in plans()) {
        run(&plan, InFile::new(Options::new()));
    }

    #[test]
    fn a_store_in_a_file_with_tiny_segments_behaves_like_a_list(plan in plans()) {
        let access = annals::storage::Access::Read;
        run(&plan, InFile::new(tiny().without_keeper().access(access)));
    }
}
