//! What the tests decide on: bank accounts.

use annals::toolkit::{Boundary, Codec, Decider, Evolve, Port, Repository};
use annals::{Query, QueryItem, Store, event_types};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Moved {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Closed,
}

event_types! {
    Moved {
        Opened => "AccountOpened" version 1,
        Deposited => "MoneyDeposited" version 1,
        Withdrawn => "MoneyWithdrawn" version 1,
        Closed => "AccountClosed" version 1,
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub owner: Option<String>,
    pub cents: u64,
    pub movements: u64,
}

pub enum Ask {
    Open(&'static str),
    Deposit(u64),
    Withdraw(u64),
    Close,
    Nothing,
}

#[derive(Debug, PartialEq)]
pub enum Refused {
    NotOpen,
    IsOpen,
    Short { by: u64 },
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => write!(f, "the account is not open"),
            Self::IsOpen => write!(f, "the account is open already"),
            Self::Short { by } => write!(f, "{by} cents are missing"),
        }
    }
}

#[derive(Debug)]
pub struct Bank;

impl Evolve for Bank {
    type State = Account;
    type Event = Moved;

    fn initial(&self) -> Account {
        Account::default()
    }

    fn evolve(&self, account: &mut Account, event: &Moved) {
        match event {
            Moved::Opened { owner } => account.owner = Some(owner.clone()),
            Moved::Deposited { cents } => account.cents += cents,
            // Over a query that means a part of all, more may go than came.
            Moved::Withdrawn { cents } => account.cents = account.cents.saturating_sub(*cents),
            Moved::Closed => account.owner = None,
        }
        account.movements += 1;
    }

    fn is_deleted(&self, account: &Account) -> bool {
        account.owner.is_none()
    }
}

impl Decider for Bank {
    type Command = Ask;
    type Refusal = Refused;

    fn decide(&self, account: &Account, command: &Ask) -> Result<Vec<Moved>, Refused> {
        match (command, &account.owner) {
            (Ask::Nothing, _) => Ok(vec![]),
            (Ask::Open(owner), None) => Ok(vec![Moved::Opened { owner: (*owner).to_owned() }]),
            (Ask::Open(_), Some(_)) => Err(Refused::IsOpen),
            (_, None) => Err(Refused::NotOpen),
            (Ask::Deposit(cents), _) => Ok(vec![Moved::Deposited { cents: *cents }]),
            (Ask::Withdraw(cents), _) if *cents <= account.cents => {
                Ok(vec![Moved::Withdrawn { cents: *cents }])
            }
            (Ask::Withdraw(cents), _) => Err(Refused::Short { by: cents - account.cents }),
            (Ask::Close, _) if account.cents == 0 => Ok(vec![Moved::Closed]),
            (Ask::Close, _) => Ok(vec![Moved::Withdrawn { cents: account.cents }, Moved::Closed]),
        }
    }
}

/// Amounts from 100 on are tagged as large.
pub fn codec() -> Codec<Moved> {
    Codec::json().tags(|event: &Moved, _: &_| match event {
        Moved::Deposited { cents: 100.. } | Moved::Withdrawn { cents: 100.. } => {
            vec!["large".to_owned()]
        }
        _ => vec![],
    })
}

pub fn port() -> Port {
    Port::new(&Store::in_memory().unwrap())
}

pub fn bank(port: impl Into<Port>) -> Repository<Bank> {
    Repository::new(port, "account", Bank, codec()).unwrap()
}

/// The large amounts, whatever the account.
pub fn large() -> Boundary {
    Boundary::query("large", Query::from(QueryItem::new().tag("large")), "account-0")
}

pub fn deposited(cents: u64) -> Moved {
    Moved::Deposited { cents }
}
