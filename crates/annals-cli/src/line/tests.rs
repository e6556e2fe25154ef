use super::*;
use annals::EventKind;

/// Events with everything that an event can have, and with nothing.
fn events() -> Vec<(&'static str, NewEvent)> {
    let id = Uuid::from_u128;
    let told = r#"{"correlationId":"00000000-0000-0000-0000-000000000007"}"#;
    let new = |payload: &[u8]| NewEvent::new("Noted", payload);
    vec![
        ("a", new(b"").id(id(1))),
        ("a", new(br#"{"a": [1, 2.50]}"#).metadata("{}").tag("t:1").tag("with space")),
        ("b-1", new(b"plain text").metadata("").occurred(Timestamp::from_micros(1))),
        ("b-1", new(b" {\"padded\": 1}").metadata(" 1").kind(EventKind::Fat).schema_version(7)),
        ("b-1", new(b"[1,\n2]").occurred(Timestamp::from_micros(i64::MIN))),
        ("ü \"quoted\"\n\u{1b}", new(&[0xff, 0, 0x80]).metadata([0xfe]).correlation_id(id(2))),
        ("c", new(b"\"text\"").metadata(told).correlation_id(id(7)).causation_id(id(8))),
        ("c", new(b"null").metadata(told)),
        ("c", new(b"7").metadata(told).correlation_id(id(9))),
    ]
}

/// Each event as a line, and what that says.
fn round(format: Format) {
    let store = annals::Store::in_memory().unwrap();
    for (stream, event) in events() {
        store.append(stream, annals::ExpectedVersion::Any, [event]).unwrap();
    }
    for (recorded, (stream, event)) in store.read_all(annals::Read::new()).unwrap().zip(events()) {
        let recorded = recorded.unwrap();
        let mut line = Vec::new();
        format.write(&recorded.as_event(), store.id(), &mut line).unwrap();
        assert!(!line.contains(&b'\n'));
        let shown = String::from_utf8(line.clone()).unwrap();
        let read = format.parse(&line, 1).expect(&shown);
        let expected = Line {
            stream: stream.to_owned(),
            event: event.id(recorded.id),
            recorded: Some(recorded.recorded),
        };
        assert_eq!(read, expected, "{shown}");
    }
}

#[test]
fn what_is_written_as_json_reads_as_the_same_event() {
    round(Format::Jsonl);
}

#[test]
fn what_is_written_as_cloud_events_reads_as_the_same_event() {
    round(Format::Cloudevents);
}

#[test]
fn a_whole_line_reads_as_the_same_event_too() {
    let event = NewEvent::new("Noted", "{}").id(Uuid::from_u128(5)).tag("x");
    let recorded = event.to_recorded("a", 3, 2, Timestamp::from_micros(9));
    let mut line = Vec::new();
    write_whole(&recorded.as_event(), &mut line).unwrap();
    assert_eq!(
        String::from_utf8(line.clone()).unwrap(),
        "{\"position\":3,\"stream\":\"a\",\"version\":2,\"type\":\"Noted\",\
         \"id\":\"00000000-0000-0000-0000-000000000005\",\
         \"recorded\":\"1970-01-01T00:00:00.000009Z\",\"data\":{},\"tags\":[\"x\"],\
         \"kind\":\"domain\",\"schema_version\":1}"
    );
    assert_eq!(Format::Jsonl.parse(&line, 1).unwrap().event, event);
}

#[test]
fn lines_without_id_get_one_that_follows_from_number_and_text() {
    let id =
        |line: &str, number| Format::Jsonl.parse(line.as_bytes(), number).unwrap().event.get_id();
    let (one, two) = (r#"{"stream":"a","type":"T"}"#, r#"{"stream":"a","type":"T","data":1}"#);
    assert_eq!(id(one, 1), id(one, 1));
    assert_ne!(id(one, 1), id(one, 2));
    assert_ne!(id(one, 1), id(two, 1));
}

#[test]
fn a_wrong_line_says_where_and_what_was_expected() {
    for (line, column, words) in [
        ("", 1, "EOF"),
        ("nonsense", 2, "expected"),
        ("[]", 1, "expected an object"),
        (r#"{"stream":"a"}"#, 14, "missing field `type`"),
        (r#"{"stream":5,"type":"T"}"#, 11, "expected a string"),
        (r#"{"stream":"a","type":"T","id":"7"}"#, 34, "expected a UUID, not '7'"),
        (r#"{"stream":"a","type":"T","time":"noon"}"#, 38, "expected a time like"),
        (r#"{"stream":"a","type":"T","time":1700000000}"#, 42, "expected a time like"),
        (r#"{"stream":"a","type":"T","data":{"x":}}"#, 38, "expected value"),
        (r#"{"stream":"a","type":"T","date":{}}"#, 31, "unknown field `date`"),
        (r#"{"stream":"a","type":"T","data":1,"data_text":"1"}"#, 1, "not several"),
        (r#"{"stream":"a","type":"T","data_base64":"%"}"#, 43, "expected Base64"),
        (r#"{"stream":"a","type":"T"} x"#, 27, "trailing"),
    ] {
        let wrong = Format::Jsonl.parse(line.as_bytes(), 1).unwrap_err();
        assert!(wrong.what.contains(words), "{line}: {wrong:?}");
        assert_eq!(wrong.column, column, "{line}: {wrong:?}");
    }
}

#[test]
fn a_foreign_cloud_event_keeps_what_it_says() {
    let line = br#"{"specversion":"1.0","id":"A-1","source":"/shop","type":"com.example.placed",
        "time":"2018-04-05T17:31:00Z","comexampleextension":7,"datacontenttype":"text/xml",
        "subject":null,"correlationid":"call-7","data":"<much/>"}"#;
    let Line { stream, event, recorded } = Format::Cloudevents.parse(line, 1).unwrap();
    assert_eq!((&*stream, event.event_type(), recorded), ("/shop", "com.example.placed", None));
    assert_eq!(event.get_payload(), b"<much/>");
    let metadata: serde_json::Value =
        serde_json::from_slice(event.get_metadata().unwrap()).unwrap();
    assert_eq!(metadata["source"], "/shop");
    assert_eq!((&metadata["id"], &metadata["comexampleextension"]), (&"A-1".into(), &7.into()));
    // What is no id of ours, and what would be said otherwise when it is written again.
    assert_eq!((event.get_correlation_id(), &metadata["correlationid"]), (None, &"call-7".into()));
    assert_eq!(metadata["datacontenttype"], "text/xml");
    for (line, words) in [
        (r#"{"specversion":"0.3","id":"1","source":"s","type":"t"}"#, "specversion"),
        (r#"{"specversion":"1.0","id":"1","type":"t"}"#, "attribute `source`"),
        (r#"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"x"}"#, "`time`"),
    ] {
        let wrong = Format::Cloudevents.parse(line.as_bytes(), 1).unwrap_err();
        assert!(wrong.what.contains(words), "{line}: {wrong:?}");
    }
}

#[test]
fn what_a_store_would_refuse_is_found_by_looking_at_the_line() {
    let line = |stream: &str, event_type: &str, rest: &str| {
        format!("{{\"stream\":\"{stream}\",\"type\":\"{event_type}\"{rest}}}")
    };
    let long = "x".repeat(1_024);
    let tags = |number: usize, tag: &str| {
        let tags: Vec<_> = (0..number).map(|nth| format!("\"{tag}{nth}\"")).collect();
        format!(",\"tags\":[{}]", tags.join(","))
    };
    let text = |length: usize| format!(",\"metadata_text\":\"{}\"", "x".repeat(length));
    for (line, is_allowed) in [
        (line("a", "T", ""), true),
        (line(&long, &long, &tags(128, "t")), true),
        (line("a", "T", &text(1 << 20)), true),
        (line("", "T", ""), false),
        (line("a", "", ""), false),
        (line(&format!("{long}x"), "T", ""), false),
        (line("a", &format!("{long}x"), ""), false),
        (line("a\\u0000", "T", ""), false),
        (line("a", "T", &tags(129, "t")), false),
        (line("a", "T", ",\"tags\":[\"\"]"), false),
        (line("a", "T", &tags(1, &long)), false),
        (line("a", "T", &text((1 << 20) + 1)), false),
        (line("a", "T", ",\"data\":1,\"data_base64\":\"\""), false),
    ] {
        let start = &line[..line.len().min(60)];
        let checked = Format::Jsonl.check(line.as_bytes(), 1);
        assert_eq!(checked.is_ok(), is_allowed, "{start}: {checked:?}");
        let asked = Format::Jsonl.parse(line.as_bytes(), 1).and_then(|line| line.check());
        assert_eq!(asked.is_ok(), is_allowed, "{start}: {asked:?}");
    }
}
