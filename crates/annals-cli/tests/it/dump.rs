use crate::fixture::{Place, json};
use snapbox::{assert_data_eq, str};
use std::fs;

#[test]
fn what_stands_at_a_byte_is_taken_apart_from_the_outside_in() {
    let place = Place::with(&["one"]);
    let bytes = fs::read(place.file("a.annals")).unwrap();
    let at = bytes.windows(3).position(|bytes| bytes == b"one").unwrap();
    let shown = place.does(&["dump", "a.annals", "--offset", &at.to_string()]);
    assert_data_eq!(
        shown,
        str![[r#"
segment at byte 16384 (0x4000), 65,536 bytes, log offset 0, check 0x[..] passes
       0      4  tag                 41 4e 53 47  `ANSG`
       4      4  reserved            00 00 00 00  zero
       8      8  file_offset         00 40 00 00 00 00 00 00  file offset 16384
      16      8  length              00 00 01 00 00 00 00 00  65536 bytes
      24      8  log_offset          00 00 00 00 00 00 00 00  log offset 0
      32      8  before_file_offset  00 00 00 00 00 00 00 00  file offset 0
      40      8  before_length       00 00 00 00 00 00 00 00  0 bytes
      48      8  before_log_offset   00 00 00 00 00 00 00 00  log offset 0
      56      8  check               [..]

frame at byte 16448 (0x4040), 176 bytes, log offset 64, check 0x[..] passes
       0      4  tag             41 4e 46 52  `ANFR`
       4      2  padding         00 00  0 bytes
       6      2  flags           00 00  0
       8      8  log_offset      40 00 00 00 00 00 00 00  log offset 64
      16      8  epoch           02 00 00 00 00 00 00 00  2
      24      8  epoch_salt      [..]
      32      4  length          b0 00 00 00  176 bytes
      36      4  record_count    03 00 00 00  3
      40      4  event_count     01 00 00 00  1
      44      4  records_check   [..]
      48      8  first_position  01 00 00 00 00 00 00 00  position 1
      56      8  recorded        [..]
      64      8  before_check    00 00 00 00 00 00 00 00  0x0
      72      8  watermark       40 00 00 00 00 00 00 00  log offset 64
      80      8  next_segment    00 00 00 00 00 00 00 00  file offset 0
      88      8  check           [..]

event at byte 16576 (0x40c0), 48 bytes, log offset 192, check 0x[..] passes
       0      4  check           [..]
       4      1  tag             a2  0xa2: an event
       5      1  kind            01  1: domain
       6      2  flags           00 00  0: 0 tags
       8      4  distance        80 00 00 00  128 bytes
      12      4  payload_length  03 00 00 00  3 bytes
      16      4  stream          a0 00 00 00  160: `a`
      20      4  type            b0 00 00 00  176: `Noted`
      24      8  version         01 00 00 00 00 00 00 00  1
      32      8  recorded        [..]
      40      3  payload         6f 6e 65  `one`
      43      5  padding         00 00 00 00 00  zero
  position 1

"#]]
    );
    let found = &json(&place.does(&["dump", "a.annals", "-o", &format!("{at:#x}"), "--json"]))[0];
    let structures = found["structures"].as_array().unwrap();
    let names: Vec<_> = structures.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["segment", "frame", "event"]);
    assert!(structures.iter().all(|it| it["whole"] == true), "{found}");
}

#[test]
fn damage_is_shown_where_it_is() {
    let place = Place::with(&["one"]);
    let mut bytes = fs::read(place.file("a.annals")).unwrap();
    let at = bytes.windows(3).position(|bytes| bytes == b"one").unwrap();
    bytes[at] ^= 1;
    fs::write(place.file("a.annals"), bytes).unwrap();
    let shown = place.does(&["dump", "a.annals", "--offset", &at.to_string()]);
    assert!(shown.contains("FAILS: should be 0x"), "{shown}");
}

#[test]
fn what_is_no_store_or_too_short_is_told_so() {
    let place = Place::with(&[]);
    place.write("b.annals", vec![7; 20_000]);
    place.fails(2, &["dump", "b.annals", "--offset", "17000"]);
    let said = place.fails(2, &["dump", "a.annals", "--offset", "99999999"]);
    assert!(said.contains("99999999"), "{said}");
    assert!(place.fails(2, &["dump", "a.annals", "--offset", "x"]).contains("0x4000"));
}
