//! Events of the program, as they are written and read.

mod envelope;
mod hostile;
mod old;
mod unknown;

use annals::event_types;
use annals::toolkit::{Codec, CodecError, EventTypes, Port, ToolError};
use annals::{NewEvent, Read, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the program knows today.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum AccountEvent {
    Opened { owner: String, limit: Option<u64> },
    Deposited { cents: u64, currency: String },
    Closed,
}

event_types! {
    AccountEvent {
        Opened => "AccountOpened" version 2,
        Deposited => "MoneyDeposited" version 3,
        Closed => "AccountClosed" version 1,
    }
}

/// An event as it was written once.
fn old(event_type: &str, version: u16, payload: impl Into<Vec<u8>>) -> NewEvent {
    NewEvent::new(event_type, payload).schema_version(version)
}

/// What the codec makes of these events, which stand in a store from position 1 on.
fn decoded<E>(
    codec: &Codec<E>,
    events: impl IntoIterator<Item = NewEvent>,
) -> Vec<Result<Option<E>, CodecError>>
where
    E: EventTypes + Serialize + DeserializeOwned,
{
    let port = Port::new(&Store::in_memory().unwrap());
    port.append("account-7", 0, events).unwrap();
    let mut events = port.read_stream("account-7", Read::new()).unwrap();
    let mut found = Vec::new();
    while let Some(event) = events.next_event().unwrap() {
        found.push(match codec.decode(&event) {
            Ok(event) => Ok(event),
            Err(ToolError::Codec(error)) => Err(error),
            Err(other) => panic!("{other}"),
        });
    }
    found
}

/// The same of one event.
fn decoded_one<E>(codec: &Codec<E>, event: NewEvent) -> Result<Option<E>, CodecError>
where
    E: EventTypes + Serialize + DeserializeOwned,
{
    decoded(codec, [event]).remove(0)
}
