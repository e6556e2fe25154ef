//! Lifecycle hooks.

use crate::toolkit::bank::{Account, Ask, bank, deposited, port};
use annals::toolkit::{Change, Failure, Lifecycle};
use std::sync::Arc;

/// Writes down what it is told, and fails and panics where it is told to.
struct Tells {
    told: Arc<std::sync::Mutex<Vec<String>>>,
    as_it: fn() -> Result<(), Failure>,
}

impl Tells {
    fn tell(&self, what: &str, change: &Change<'_, Account>) -> Result<(), Failure> {
        let Change { boundary, state, version, appended, .. } = change;
        let last = appended.last;
        let text = format!("{what} {} v{version} #{last} {}", boundary.name(), state.cents);
        self.told.lock().unwrap().push(text);
        (self.as_it)()
    }
}

impl Lifecycle<Account> for Tells {
    fn name(&self) -> &str {
        "tells"
    }

    fn created(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("created", change)
    }

    fn changed(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("changed", change)
    }

    fn deleted(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        self.tell("deleted", change)
    }
}

#[test]
fn hooks_are_told_what_was_created_changed_and_deleted_after_it_has_landed() {
    let told = Arc::default();
    let bank = bank(port()).hook(Tells { told: Arc::clone(&told), as_it: || Ok(()) });
    let asked = [Ask::Open("ann"), Ask::Deposit(5), Ask::Nothing, Ask::Close, Ask::Open("bob")];
    for command in &asked {
        assert!(bank.execute("1", command).unwrap().hook_failures.is_empty());
    }
    bank.execute("1", &Ask::Open("eve")).unwrap_err();
    bank.save("1", 5, &[deposited(1)]).unwrap();
    let expected = [
        "created account-1 v1 #1 0",
        "changed account-1 v2 #2 5",
        "deleted account-1 v4 #4 0",
        "created account-1 v5 #5 0",
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn a_hook_that_fails_or_panics_is_told_and_hinders_neither_the_commit_nor_other_hooks() {
    let told = Arc::default();
    let tells = |as_it| Tells { told: Arc::clone(&told), as_it };
    let port = port();
    let bank = bank(&port)
        .hook(tells(|| Err("no mail".into())))
        .hook(tells(|| panic!("no paper")))
        .hook(tells(|| Ok(())));
    let done = bank.execute("1", &Ask::Open("ann")).unwrap();
    assert_eq!(told.lock().unwrap().len(), 3);
    let failures: Vec<_> = done.hook_failures.iter().map(ToString::to_string).collect();
    let expected =
        ["lifecycle hook 'tells' failed: no mail", "lifecycle hook 'tells' panicked: no paper"];
    assert_eq!(failures, expected);
    assert_eq!(bank.load("1").unwrap().state.owner.as_deref(), Some("ann"));
}
