//! Any bytes at all as payload: a codec says what is wrong, and never stops the program.

use super::old;
use annals::toolkit::{Codec, CodecError, Encoding, Envelope, Received, ToolError, Unknown};
use annals::{Timestamp, event_types};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All kinds of contents, some of them deep.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
enum Wide {
    Unit,
    Text(String),
    Texts(Vec<String>),
    Pair(u64, Option<i32>),
    Map(BTreeMap<String, Vec<u8>>),
    Struct { inner: Inner, letter: char, real: f64, flag: bool, nothing: () },
    Chosen(Chosen),
}

#[derive(PartialEq, Debug, Serialize, Deserialize)]
struct Inner {
    list: Vec<(u8, String)>,
    maybe: Option<Box<Inner>>,
}

#[derive(PartialEq, Debug, Serialize, Deserialize)]
enum Chosen {
    This,
    That(u128),
    Other { name: String },
}

event_types! {
    Wide {
        Unit => "Unit" version 1,
        Text => "Text" version 2,
        Texts => "Texts" version 1,
        Pair => "Pair" version 1,
        Map => "Map" version 1,
        Struct => "Struct" version 2,
        Chosen => "Chosen" version 1,
    }
}

const NAMES: [&str; 8] = ["Unit", "Text", "Texts", "Pair", "Map", "Struct", "Chosen", "Strange"];

fn encodings() -> Vec<Encoding> {
    vec![
        Encoding::Json,
        #[cfg(feature = "bincode")]
        Encoding::Bincode,
    ]
}

/// With upcasters that read what anybody may have written.
fn codec(encoding: Encoding) -> Codec<Wide> {
    let codec = Codec::new(encoding)
        .upcast("Text", 1, |old: Vec<String>| old.concat())
        .renamed(("Old", 1), ("Pair", 1));
    match encoding {
        // Of bincode nobody knows what stands there without its type.
        Encoding::Json => codec.upcast("Struct", 1, |old: Value| json!({"inner": old})),
        _ => codec,
    }
}

/// Decodes, and holds what comes of it to what is promised.
fn hold(encoding: Encoding, name: &str, version: u16, payload: &[u8]) {
    for unknown in [Unknown::Fail, Unknown::Skip] {
        let codec = codec(encoding).unknown(unknown);
        let event = old(name, version, payload);
        let event = event.to_recorded("a-1", 77, 3, Timestamp::from_micros(0));
        match codec.decode(&Received::from(&event)) {
            Ok(None) => assert_eq!((unknown, name), (Unknown::Skip, "Strange")),
            // What was understood is written as something that is understood as the same.
            Ok(Some(found)) => {
                let again = codec.encode(&found, &Envelope::new()).unwrap();
                let again = again.to_recorded("a-1", 78, 4, Timestamp::from_micros(0));
                let again = codec.decode(&Received::from(&again)).unwrap();
                let is_same = format!("{again:?}") == format!("{:?}", Some(&found));
                assert!(is_same, "{found:?} became {again:?}");
            }
            Err(ToolError::Codec(error)) => {
                let said = error.to_string();
                assert!(said.contains("position 77") && said.contains(name), "{said}");
                let is_unknown = matches!(error, CodecError::UnknownType { .. });
                assert_eq!(is_unknown, name == "Strange");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn names() -> impl Strategy<Value = &'static str> {
    (0..NAMES.len()).prop_map(|nth| NAMES[nth])
}

/// Text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(":"),
        Just(","),
        Just("\""),
        Just("null"),
        Just("true"),
        Just("-1"),
        Just("1e999"),
        Just("0.5"),
        Just("\\u0000"),
        Just("\"inner\""),
        Just("\"list\""),
        Just("\"maybe\""),
        Just("\"This\""),
        Just("\"That\""),
        Just("\"x\""),
        Just("18446744073709551616"),
        Just("\"letter\":\"y\""),
        Just(" "),
    ];
    vec(word, 0..40).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_payload_makes_a_codec_panic(
        name in names(),
        version in 0_u16..4,
        payload in prop_oneof![vec(any::<u8>(), 0..200), nearly_json()],
    ) {
        for encoding in encodings() {
            hold(encoding, name, version, &payload);
        }
    }

    #[test]
    fn nor_does_one_that_was_whole_once(
        name in names(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
        list in vec((any::<u8>(), ".{0,12}"), 0..4),
        deep in 0_usize..40,
    ) {
        let inner = (0..deep).fold(Inner { list, maybe: None }, |inner, _| {
            Inner { list: vec![(7, "y".to_owned())], maybe: Some(Box::new(inner)) }
        });
        let whole = Wide::Struct { inner, letter: 'ß', real: 1.5, flag: true, nothing: () };
        for encoding in encodings() {
            let new = codec(encoding).encode(&whole, &Envelope::new()).unwrap();
            let mut payload = new.get_payload().to_vec();
            hold(encoding, "Struct", 2, &payload);
            hold(encoding, name, 1, &payload);
            let at = at.index(payload.len());
            payload[at] ^= byte;
            hold(encoding, "Struct", 2, &payload);
            payload.truncate(keep.index(payload.len()));
            hold(encoding, "Struct", 2, &payload);
        }
    }
}

#[test]
fn json_that_is_deep_is_an_error() {
    let deep = r#"{"maybe":"#.repeat(10_000);
    hold(Encoding::Json, "Struct", 2, format!(r#"{{"inner":{deep}"#).as_bytes());
    hold(Encoding::Json, "Struct", 1, deep.as_bytes());
    hold(Encoding::Json, "Texts", 1, "[".repeat(100_000).as_bytes());
    let error = Encoding::Json.read::<Value>("[".repeat(100_000).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
}
