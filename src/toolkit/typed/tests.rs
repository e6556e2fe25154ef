//! Every shape that a variant can have, as bytes and back.

use super::{Codec, CodecError, Encoding, Envelope, EventTypes};
use crate::event_types;
use crate::toolkit::port::Received;
use crate::{NewEvent, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Address {
    city: String,
    zip: Option<u32>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Colour {
    Red,
    Mixed(u8, u8),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Every {
    Unit,
    Newtype(String),
    NewtypeOfStruct(Address),
    NewtypeOfEnum(Colour),
    NewtypeOfOption(Option<u8>),
    NewtypeOfUnit(()),
    NewtypeOfMap(BTreeMap<String, i64>),
    NewtypeOfTuple((u8, bool)),
    NewtypeOfList(Vec<u16>),
    Tuple(i8, String),
    TupleOfNone(),
    Struct { address: Address, colours: Vec<Colour>, note: Option<String> },
    StructOfNone {},
    Numbers { small: i128, large: u64, real: f64, letter: char },
}

event_types! {
    Every {
        Unit => "Unit" version 1,
        Newtype => "Newtype" version 1,
        NewtypeOfStruct => "NewtypeOfStruct" version 1,
        NewtypeOfEnum => "NewtypeOfEnum" version 1,
        NewtypeOfOption => "NewtypeOfOption" version 1,
        NewtypeOfUnit => "NewtypeOfUnit" version 1,
        NewtypeOfMap => "NewtypeOfMap" version 1,
        NewtypeOfTuple => "NewtypeOfTuple" version 1,
        NewtypeOfList => "NewtypeOfList" version 1,
        Tuple => "Tuple" version 1,
        TupleOfNone => "TupleOfNone" version 1,
        Struct => "Struct" version 7,
        StructOfNone => "StructOfNone" version 1,
        Numbers => "Numbers" version 1,
    }
}

fn address() -> Address {
    Address { city: "Ulm".to_owned(), zip: Some(89_073) }
}

/// One of each, and what it is as JSON.
fn every() -> Vec<(Every, &'static str)> {
    let texts = |text: &str| text.to_owned();
    vec![
        (Every::Unit, "{}"),
        (Every::Newtype(texts("x")), r#""x""#),
        (Every::NewtypeOfStruct(address()), r#"{"city":"Ulm","zip":89073}"#),
        (Every::NewtypeOfEnum(Colour::Red), r#""Red""#),
        (Every::NewtypeOfEnum(Colour::Mixed(1, 2)), r#"{"Mixed":[1,2]}"#),
        (Every::NewtypeOfOption(None), "null"),
        (Every::NewtypeOfOption(Some(7)), "7"),
        (Every::NewtypeOfUnit(()), "null"),
        (Every::NewtypeOfMap(BTreeMap::from([(texts("a"), -1)])), r#"{"a":-1}"#),
        (Every::NewtypeOfTuple((3, true)), "[3,true]"),
        (Every::NewtypeOfList(vec![1, 300]), "[1,300]"),
        (Every::Tuple(-8, texts("y")), r#"[-8,"y"]"#),
        (Every::TupleOfNone(), "[]"),
        (
            Every::Struct { address: address(), colours: vec![Colour::Red], note: None },
            r#"{"address":{"city":"Ulm","zip":89073},"colours":["Red"],"note":null}"#,
        ),
        (Every::StructOfNone {}, "{}"),
        (
            Every::Numbers { small: -1, large: u64::MAX, real: 0.5, letter: 'ß' },
            r#"{"small":-1,"large":18446744073709551615,"real":0.5,"letter":"ß"}"#,
        ),
    ]
}

/// What a codec makes of what it has written.
fn back<E>(codec: &Codec<E>, new: &NewEvent) -> Result<Option<E>, CodecError>
where
    E: EventTypes + Serialize + DeserializeOwned,
{
    let event = new.to_recorded("a", 9, 1, Timestamp::from_micros(0));
    match codec.decode(&Received::from(&event)) {
        Ok(event) => Ok(event),
        Err(crate::toolkit::ToolError::Codec(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[track_caller]
fn assert_whole<E>(codec: &Codec<E>, event: &E, payload: &[u8])
where
    E: EventTypes + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let new = codec.encode(event, &Envelope::new()).unwrap();
    assert_eq!(new.event_type(), event.event_type().name);
    let shown = String::from_utf8_lossy(new.get_payload());
    assert_eq!(new.get_payload(), payload, "{event:?} is {shown:?}");
    assert_eq!(back(codec, &new).unwrap().as_ref(), Some(event));
}

#[test]
fn every_shape_of_a_variant_is_its_contents_alone_as_json() {
    for (event, payload) in every() {
        assert_whole(&Codec::json(), &event, payload.as_bytes());
    }
    let mut met: Vec<_> = every().iter().map(|(event, _)| event.event_type().name).collect();
    met.dedup();
    let all: Vec<_> = Every::TYPES.iter().map(|known| known.name).collect();
    assert_eq!(met, all, "one of each is tested");
}

#[cfg(feature = "bincode")]
#[test]
fn every_shape_of_a_variant_is_its_contents_alone_as_bincode() {
    let codec = Codec::<Every>::new(Encoding::Bincode);
    for (event, _) in every() {
        // What stands in a variant is written as it is by itself.
        let payload = match &event {
            Every::Unit | Every::TupleOfNone() | Every::StructOfNone {} => vec![],
            Every::Newtype(text) => Encoding::Bincode.write(text).unwrap(),
            Every::NewtypeOfStruct(address) => Encoding::Bincode.write(address).unwrap(),
            Every::NewtypeOfEnum(colour) => Encoding::Bincode.write(colour).unwrap(),
            Every::NewtypeOfOption(number) => Encoding::Bincode.write(number).unwrap(),
            Every::NewtypeOfUnit(()) => vec![],
            Every::NewtypeOfMap(map) => Encoding::Bincode.write(map).unwrap(),
            Every::NewtypeOfTuple(pair) => Encoding::Bincode.write(pair).unwrap(),
            Every::NewtypeOfList(list) => Encoding::Bincode.write(list).unwrap(),
            Every::Tuple(one, two) => Encoding::Bincode.write(&(one, two)).unwrap(),
            Every::Struct { address, colours, note } => {
                Encoding::Bincode.write(&(address, colours, note)).unwrap()
            }
            Every::Numbers { small, large, real, letter } => {
                Encoding::Bincode.write(&(small, large, real, letter)).unwrap()
            }
        };
        assert_whole(&codec, &event, &payload);
    }
    // As bytes, once and for all.
    assert_whole(&codec, &Every::Newtype("x".to_owned()), &[1, b'x']);
    assert_whole(&codec, &Every::Tuple(-8, "y".to_owned()), &[0xF8, 1, b'y']);
    let found = Every::NewtypeOfStruct(address());
    assert_whole(&codec, &found, &[3, b'U', b'l', b'm', 1, 252, 0xF1, 0x5B, 1, 0]);
}

#[test]
fn what_serde_leaves_out_or_flattens_is_left_out_or_flattened() {
    #[derive(PartialEq, Debug, Serialize, Deserialize)]
    enum Loose {
        Noted {
            #[serde(skip_serializing_if = "Option::is_none", default)]
            by: Option<String>,
            #[serde(rename = "said", alias = "told")]
            text: String,
            #[serde(flatten)]
            rest: BTreeMap<String, serde_json::Value>,
        },
        Counted {
            #[serde(skip_serializing_if = "Option::is_none", default)]
            by: Option<String>,
            count: u32,
        },
    }
    event_types! { Loose { Noted => "Noted" version 1, Counted => "Counted" version 1 } }
    let codec = Codec::json();
    let rest = BTreeMap::from([("more".to_owned(), 7.into())]);
    let noted = Loose::Noted { by: None, text: "x".to_owned(), rest };
    assert_whole(&codec, &noted, br#"{"said":"x","more":7}"#);
    assert_whole(&codec, &Loose::Counted { by: None, count: 3 }, br#"{"count":3}"#);
    let old = NewEvent::new("Noted", r#"{"told":"x","more":7}"#);
    assert_eq!(back(&codec, &old).unwrap(), Some(noted));
    // What the program does not know of is passed over, as serde derives it.
    let wide = NewEvent::new("Counted", r#"{"count":3,"of":"sheep","by":null}"#);
    assert_eq!(back(&codec, &wide).unwrap(), Some(Loose::Counted { by: None, count: 3 }));
}

#[test]
fn a_variant_without_contents_takes_what_others_had_there() {
    for payload in ["{}", r#"{"reason": {"deep": [1, null]}}"#, "[]", "[1, {}]"] {
        let event = NewEvent::new("Unit", payload);
        assert_eq!(back(&Codec::json(), &event).unwrap(), Some(Every::Unit), "{payload}");
    }
    for payload in ["", "7", "{", r#"{"a"}"#, "{} {}"] {
        let error = back(&Codec::<Every>::json(), &NewEvent::new("Unit", payload)).unwrap_err();
        assert!(matches!(error, CodecError::Event { .. }), "{payload}: {error}");
    }
}

/// Enums that serde writes in another way than it derives unless told.
mod told_otherwise {
    use super::*;

    macro_rules! otherwise {
        ($name:ident, $(#[$how:meta])*) => {
            #[derive(PartialEq, Debug, Serialize, Deserialize)]
            $(#[$how])*
            pub enum $name {
                Unit,
                Struct { text: String },
                Newtype(Address),
            }
            event_types! {
                $name { Unit => "U" version 1, Struct => "S" version 1, Newtype => "N" version 1 }
            }
        };
    }
    otherwise!(RenamedAll, #[serde(rename_all = "snake_case")]);
    otherwise!(Tagged, #[serde(tag = "type")]);
    otherwise!(Adjacent, #[serde(tag = "type", content = "data")]);
    otherwise!(Untagged, #[serde(untagged)]);

    #[derive(PartialEq, Debug, Serialize, Deserialize)]
    pub enum RenamedOne {
        #[serde(rename = "struct-now", alias = "Struct")]
        Struct {
            text: String,
        },
        #[serde(skip)]
        Skipped,
        Fine,
    }
    event_types! {
        RenamedOne { Struct => "S" version 1, Skipped => "K" version 1, Fine => "F" version 1 }
    }
}

#[track_caller]
fn refused<E>(events: impl IntoIterator<Item = E>, why: &str)
where
    E: EventTypes + Serialize + DeserializeOwned + Debug,
{
    for event in events {
        let error = Codec::json().encode(&event, &Envelope::new()).unwrap_err();
        assert!(matches!(error, CodecError::Unwritable(_)), "{error}");
        assert!(error.to_string().contains(why), "{event:?}: {error}");
    }
}

#[test]
fn an_enum_whose_variants_serde_calls_otherwise_is_refused() {
    use told_otherwise::*;
    let text = || "x".to_owned();
    refused([RenamedAll::Unit], "serde calls the variant `unit`, `event_types!` calls it `Unit`");
    refused([RenamedAll::Struct { text: text() }], "`struct`");
    refused([RenamedAll::Newtype(address())], "`newtype`");
    refused([RenamedOne::Struct { text: text() }], "`struct-now`");
    refused([RenamedOne::Skipped], "cannot be serialized");
    assert_whole(&Codec::json(), &RenamedOne::Fine, b"{}");

    let only = "only an enum, written as serde derives it";
    refused([Tagged::Unit, Tagged::Struct { text: text() }, Tagged::Newtype(address())], only);
    let all = [Adjacent::Unit, Adjacent::Struct { text: text() }, Adjacent::Newtype(address())];
    refused(all, only);
    let all = [Untagged::Unit, Untagged::Struct { text: text() }, Untagged::Newtype(address())];
    refused(all, only);
}

#[test]
fn what_an_encoding_has_no_form_for_is_refused() {
    #[derive(PartialEq, Eq, Hash, Debug, Serialize, Deserialize, PartialOrd, Ord)]
    struct Key(u8, u8);
    #[derive(Debug, Serialize, Deserialize)]
    enum Odd {
        Mapped(BTreeMap<Key, u8>),
    }
    event_types! { Odd { Mapped => "Mapped" version 1 } }
    let odd = Odd::Mapped(BTreeMap::from([(Key(1, 2), 3)]));
    let error = Codec::json().encode(&odd, &Envelope::new()).unwrap_err();
    assert!(error.to_string().contains("key must be a string"), "{error}");
    #[cfg(feature = "bincode")]
    Codec::new(Encoding::Bincode).encode(&odd, &Envelope::new()).unwrap();
}

#[test]
fn values_by_themselves_are_read_as_a_whole_or_not_at_all() {
    let encodings = [
        Encoding::Json,
        #[cfg(feature = "bincode")]
        Encoding::Bincode,
    ];
    for encoding in encodings {
        let value = (address(), vec![Colour::Mixed(1, 2)], -5_i64);
        let mut bytes = encoding.write(&value).unwrap();
        assert_eq!(encoding.read::<(Address, Vec<Colour>, i64)>(&bytes).unwrap(), value);
        for length in 0..bytes.len() {
            let cut = encoding.read::<(Address, Vec<Colour>, i64)>(&bytes[..length]);
            assert!(cut.is_err(), "{encoding:?} to {length}");
        }
        bytes.push(0);
        assert!(encoding.read::<(Address, Vec<Colour>, i64)>(&bytes).is_err(), "{encoding:?}");
    }
}

/// bincode makes room for a text of the length that the bytes say, before it looks how many there
/// are: nine of them stopped the process.
#[cfg(feature = "bincode")]
#[test]
fn a_length_that_lies_takes_no_memory() {
    #[derive(Debug, Deserialize, Serialize)]
    struct Bytes(#[serde(with = "owned")] Vec<u8>);
    mod owned {
        use serde::{Deserializer, Serializer, de};
        pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
            to.serialize_bytes(bytes)
        }
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
            struct Whole;
            impl de::Visitor<'_> for Whole {
                type Value = Vec<u8>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                    Ok(bytes)
                }
            }
            from.deserialize_byte_buf(Whole)
        }
    }
    for length in [1_u64 << 20, 1 << 40, 1 << 62, u64::MAX / 2, u64::MAX] {
        let mut bytes = vec![253];
        bytes.extend(length.to_le_bytes());
        bytes.extend([b'x'; 100]);
        assert!(Encoding::Bincode.read::<String>(&bytes).is_err());
        assert!(Encoding::Bincode.read::<Vec<String>>(&bytes).is_err());
        assert!(Encoding::Bincode.read::<Vec<u64>>(&bytes).is_err());
        assert!(Encoding::Bincode.read::<Bytes>(&bytes).is_err());
        let event = NewEvent::new("Newtype", bytes);
        let error = back(&Codec::<Every>::new(Encoding::Bincode), &event).unwrap_err();
        assert!(matches!(error, CodecError::Event { .. }), "{error}");
    }
    // What is there is read, however large: numbers of one byte each that are sixteen in memory.
    for count in [100_000, 5_000_000] {
        let numbers = vec![7_u128; count];
        let bytes = Encoding::Bincode.write(&numbers).unwrap();
        assert!(bytes.len() < count + 10);
        assert_eq!(Encoding::Bincode.read::<Vec<u128>>(&bytes).unwrap().len(), count);
        let text = "x".repeat(count);
        let bytes = Encoding::Bincode.write(&text).unwrap();
        assert_eq!(Encoding::Bincode.read::<String>(&bytes).unwrap(), text);
    }
}

#[test]
fn names_that_are_the_same_are_found_however_long_they_are() {
    let long = "x".repeat(1_000);
    let longer = format!("{long}y");
    let types = |names: &[&'static str]| -> Vec<_> {
        names.iter().map(|name| super::EventType { variant: "V", name, version: 1 }).collect()
    };
    let distinct = |names: &[&'static str]| super::EventType::are_distinct(&types(names));
    let (long, longer): (&str, &str) = (long.leak(), longer.leak());
    assert!(distinct(&[]) && distinct(&["a"]) && distinct(&["a", "b", "ab", ""]));
    assert!(distinct(&[long, longer, "x"]));
    assert!(!distinct(&["a", "b", "a"]) && !distinct(&["b", "a", "a"]) && !distinct(&[long, long]));
}
