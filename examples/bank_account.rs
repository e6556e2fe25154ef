//! A bank account: what has happened, what it comes to, and who may ask for what.
//!
//! The account is an enum of events, a state that they make, and a decider that says what a command
//! makes happen. A repository does the rest: loads the state, from a snapshot if there is one, lets
//! the decider decide, appends under the version that was seen, and does it again if somebody was
//! faster. What the account was at any time can be asked for, since nothing is ever forgotten.
//!
//! `cargo run --example bank_account`

use annals::toolkit::{
    Change, Codec, Decider, Evolve, ExecuteError, Failure, FixedClock, Lifecycle, Loaded, Port,
    Repository, Retry, SnapshotPolicy, SnapshotUse, Snapshots,
};
use annals::{ExpectedVersion, Options, Timestamp, event_types};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::io::{Write, stdout};
use std::ops::ControlFlow;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// What happens to an account. The names in the store are said below, so these may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Closed,
}

event_types! {
    AccountEvent {
        Opened => "AccountOpened" version 1,
        Deposited => "MoneyDeposited" version 1,
        Withdrawn => "MoneyWithdrawn" version 1,
        Closed => "AccountClosed" version 1,
    }
}

/// What it comes to.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    owner: Option<String>,
    cents: u64,
}

/// What is asked for.
enum Command {
    Open { owner: &'static str },
    Deposit { cents: u64 },
    Withdraw { cents: u64 },
    Close,
}

/// Why it is refused.
#[derive(Debug, PartialEq)]
enum Refusal {
    NotOpen,
    AlreadyOpen,
    NotEnough { has: u64 },
}

/// The rules. It reads no clock and asks nobody, so the same events give the same state.
struct Accounts;

impl Evolve for Accounts {
    type State = Account;
    type Event = AccountEvent;

    fn initial(&self) -> Account {
        Account::default()
    }

    fn evolve(&self, account: &mut Account, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => account.owner = Some(owner.clone()),
            AccountEvent::Deposited { cents } => account.cents += cents,
            AccountEvent::Withdrawn { cents } => account.cents -= cents,
            AccountEvent::Closed => account.owner = None,
        }
    }

    fn is_deleted(&self, account: &Account) -> bool {
        account.owner.is_none()
    }
}

impl Decider for Accounts {
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, account: &Account, command: &Command) -> Result<Vec<AccountEvent>, Refusal> {
        let is_open = account.owner.is_some();
        match *command {
            Command::Open { .. } if is_open => Err(Refusal::AlreadyOpen),
            Command::Open { owner } => Ok(vec![AccountEvent::Opened { owner: owner.to_owned() }]),
            _ if !is_open => Err(Refusal::NotOpen),
            Command::Deposit { cents } => Ok(vec![AccountEvent::Deposited { cents }]),
            Command::Withdraw { cents } if cents > account.cents => {
                Err(Refusal::NotEnough { has: account.cents })
            }
            Command::Withdraw { cents } => Ok(vec![AccountEvent::Withdrawn { cents }]),
            // What is left is paid out: one decision, two events, both or neither.
            Command::Close if account.cents > 0 => {
                Ok(vec![AccountEvent::Withdrawn { cents: account.cents }, AccountEvent::Closed])
            }
            Command::Close => Ok(vec![AccountEvent::Closed]),
        }
    }
}

/// Is told what came of it, once it is in the store.
struct Letters {
    out: Sender<String>,
}

impl Lifecycle<Account> for Letters {
    fn name(&self) -> &str {
        "letters"
    }

    fn created(&self, change: &Change<'_, Account>) -> Result<(), Failure> {
        let owner = change.state.owner.as_deref().unwrap_or("nobody");
        Ok(self.out.send(format!("letter: welcome, {owner}"))?)
    }

    fn deleted(&self, _: &Change<'_, Account>) -> Result<(), Failure> {
        // It has happened, whatever becomes of the letter.
        Err("the printer is out of paper".into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut stdout().lock())
}

/// Prints what happens.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // A clock that goes when it is told: an hour for each command, from midnight on.
    let clock = FixedClock::at(Timestamp::from_micros(0));
    let store = Options::new().clock(clock.clone()).in_memory()?; // or .open("bank.annals")?
    let port = Port::new(&store);

    // A snapshot when three events were read since the last one; two are kept of each account.
    let snapshots = Snapshots::new("account", 1)?.policy(SnapshotPolicy::Every(3)).keep(2);
    let (sender, letters) = channel();
    let accounts = Repository::new(&port, "account", Accounts, Codec::json())?
        .snapshots(snapshots)
        .retry(Retry::new(10))
        .hook(Letters { out: sender });

    // Commands, and what comes of them.
    let commands = [
        ("deposit", Command::Deposit { cents: 500 }),
        ("open", Command::Open { owner: "ann" }),
        ("deposit", Command::Deposit { cents: 500 }),
        ("withdraw", Command::Withdraw { cents: 200 }),
        ("withdraw", Command::Withdraw { cents: 900 }),
        ("deposit", Command::Deposit { cents: 50 }),
        ("open", Command::Open { owner: "bob" }),
    ];
    for (what, command) in commands {
        clock.advance(Duration::from_secs(3_600));
        match accounts.execute("7", &command) {
            Ok(done) => {
                let events = done.events;
                writeln!(
                    out,
                    "{what}: {events:?}, {} cents at v{}",
                    done.state.cents, done.version
                )?;
            }
            Err(ExecuteError::Refused(refusal)) => writeln!(out, "{what}: refused, {refusal}")?,
            Err(error) => return Err(error.into()),
        }
    }
    for letter in letters.try_iter() {
        writeln!(out, "{letter}")?;
    }

    // By hand: who has seen version 2 only is told both numbers, and can read what he has not seen.
    let late = accounts.save("7", 2, &[AccountEvent::Deposited { cents: 1 }]);
    if let Some(conflict) = late.as_ref().err().and_then(|error| error.append_error()?.conflict()) {
        let ExpectedVersion::Exact(expected) = conflict.expected else { return Ok(()) };
        writeln!(out, "conflict: saw v{expected}, it is at v{}", conflict.current)?;
        for past in accounts.events_after("7", expected)? {
            let past = past?;
            writeln!(out, "  v{} at {}: {:?}", past.version, past.recorded, past.event)?;
        }
    }

    // A load begins with the newest snapshot, and reads what came since.
    writeln!(out, "loaded {}", told(&accounts.load("7")?))?;
    for cents in 1..=3 {
        accounts.execute("7", &Command::Deposit { cents })?;
    }
    writeln!(out, "loaded {}", told(&accounts.load("7")?))?;
    for kept in accounts.list_snapshots("7")? {
        writeln!(out, "kept: a snapshot of v{}, {} bytes", kept.version, kept.bytes)?;
    }

    // What it was: at a version, when the store was at a position, at a time.
    let third_hour = Timestamp::from_micros(3 * 3_600_000_000);
    writeln!(out, "at v5: {}", told(&accounts.at_version("7", 5)?))?;
    writeln!(out, "at #2: {}", told(&accounts.at_position("7", 2)?))?;
    writeln!(out, "at {third_hour}: {}", told(&accounts.at_time("7", third_hour)?))?;

    // How it became so: each step, until the first that is of interest.
    let found = accounts.replay("7", |account, event| {
        if account.cents == 300 {
            _ = writeln!(out, "it came to 300 at v{}, #{}", event.version, event.position);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    writeln!(out, "looked at {} events", found.sourced)?;

    // The state gets another form: its schema is counted up. Older snapshots are passed over, and
    // told; all of them can be made anew, while commands go on.
    let snapshots = Snapshots::new("account", 2)?.policy(SnapshotPolicy::Every(100));
    let accounts = accounts.snapshots(snapshots);
    accounts.execute("8", &Command::Open { owner: "eve" })?;
    writeln!(out, "loaded {}", told(&accounts.load("7")?))?;
    let rebuilt = accounts.rebuild_all(100, |now| {
        _ = writeln!(out, "rebuilt {}: {} of {}", now.stream, now.done, now.of);
        ControlFlow::Continue(())
    })?;
    writeln!(out, "{} states of {} events", rebuilt.states, rebuilt.events)?;
    writeln!(out, "loaded {}", told(&accounts.load("7")?))?;

    // A hook that fails is told, and undoes nothing.
    let closed = accounts.execute("7", &Command::Close)?;
    writeln!(out, "close: {:?}", closed.events)?;
    for failure in closed.hook_failures {
        writeln!(out, "  {failure}")?;
    }
    Ok(())
}

/// A state and how it came about, on a line.
fn told(loaded: &Loaded<Account>) -> String {
    let how = match &loaded.snapshot {
        SnapshotUse::Used(as_of) => format!("from the snapshot of v{}", as_of.version),
        SnapshotUse::Stale(why) => format!("from nothing, as {why}"),
        _ => "from nothing".to_owned(),
    };
    let Loaded { state, as_of, sourced, .. } = loaded;
    format!("{} cents, v{}: {how}, {sourced} events read", state.cents, as_of.version)
}

impl Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => write!(f, "the account is not open"),
            Self::AlreadyOpen => write!(f, "the account is open already"),
            Self::NotEnough { has } => write!(f, "there are {has} cents"),
        }
    }
}

/// The rules need no store to be tested.
#[cfg(test)]
mod tests {
    use super::{AccountEvent, Accounts, Command, Refusal};
    use annals::toolkit::Scenario;

    fn opened() -> AccountEvent {
        AccountEvent::Opened { owner: "ann".to_owned() }
    }

    #[test]
    fn nobody_withdraws_more_than_there_is() {
        Scenario::of(Accounts)
            .given([opened(), AccountEvent::Deposited { cents: 500 }])
            .when(Command::Withdraw { cents: 501 })
            .then_refused(|refusal| *refusal == Refusal::NotEnough { has: 500 })
            .when(Command::Withdraw { cents: 500 })
            .then([AccountEvent::Withdrawn { cents: 500 }]);
    }

    #[test]
    fn what_is_left_is_paid_out_when_it_is_closed() {
        Scenario::of(Accounts)
            .given([opened(), AccountEvent::Deposited { cents: 5 }])
            .when(Command::Close)
            .then([AccountEvent::Withdrawn { cents: 5 }, AccountEvent::Closed])
            .when(Command::Deposit { cents: 1 })
            .then_refused(|refusal| *refusal == Refusal::NotOpen);
    }
}
