//! Handlers that fail at random.

use super::*;

#[test]
fn whatever_fails_at_random_each_effect_comes_once_and_in_order() {
    const AGGREGATES: u64 = 40;
    let device = Arc::new(MemoryStorage::new());
    let mut appended = 0;
    for round in 0..12_u64 {
        let store = Options::new().open_storage(device.clone()).unwrap();
        let port = Port::new(&store);
        for nth in 0..200 {
            let of = (nth * 7 + round) % AGGREGATES;
            append(&port, &format!("a-{of}"), 1 + nth % 3);
        }
        appended = port.head().unwrap().get();
        let turn = AtomicU64::new(round);
        let handler = Handler::new("random", move |event, effects| {
            let turn = turn.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let stream = format!("out-{}", event.stream()?);
            let out = NewEvent::new("Counted", event.version.to_string());
            let before = event.version.get() - 1;
            match (turn >> 32) % 11 {
                0 => return Err("no".into()),
                1 => panic!("no"),
                2 => effects.append(stream, before + 1, [out]),
                3 | 4 => effects.append(stream, before, [out]),
                5 => effects.event(stream, out).put(format!("{}/last", event.stream()?), "x"),
                _ => effects.event(stream, out).put("last", "x"),
            };
            Ok(())
        });
        let handler = handler.types(["Noted"]).concurrency(1 + (round as usize * 3) % 8);
        let window = [3, 17, 64, 4_096][round as usize % 4];
        let batch = [1, 7, 64][round as usize % 3];
        let handler = handler.window(window).batch(batch).retry(Retry::new(1_000));
        let handler = handler.durability(Durability::Buffered);
        let mut processor = Processor::start(&port, handler).unwrap();
        if round == 11 {
            wait(&processor, appended);
            processor.stop().unwrap();
        } else {
            thread::sleep(Duration::from_millis(round));
        }
        // As if it were killed: whatever is not committed now never is.
        store.close().unwrap();
    }
    let store = Options::new().open_storage(device).unwrap();
    for of in 0..AGGREGATES {
        let last = store.stream_version(&format!("a-{of}")).unwrap().get();
        let out = store.read_stream(&format!("out-a-{of}"), Read::new()).unwrap();
        let out: Vec<u64> = out
            .map(|event| String::from_utf8(event.unwrap().payload).unwrap().parse().unwrap())
            .collect();
        assert_eq!(out, (1..=last).collect::<Vec<_>>(), "of a-{of}");
    }
    assert!(appended > 4_000);
}
