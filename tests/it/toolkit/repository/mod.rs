//! Repositories: commands, conflicts, states of the past, hooks.

mod commands;
mod hooks;
mod past;
mod retries;
mod threads;

use crate::toolkit::bank::{Ask, Bank, bank};
use annals::toolkit::{Port, Repository};

/// A repository with an account that was opened, and then got these amounts, one by one.
pub fn with_account(port: &Port, cents: &[u64]) -> Repository<Bank> {
    let bank = bank(port);
    bank.execute("1", &Ask::Open("ann")).unwrap();
    for cents in cents {
        bank.execute("1", &Ask::Deposit(*cents)).unwrap();
    }
    bank
}
