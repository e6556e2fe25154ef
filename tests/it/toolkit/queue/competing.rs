//! Consumers that compete, and a store that is closed under them.

use super::*;

#[test]
fn consumers_that_compete_keep_the_order_of_each_aggregate() {
    const AGGREGATES: u64 = 50;
    const EACH: u64 = 40;
    let port = Port::new(&store());
    for nth in 0..EACH {
        for of in 0..AGGREGATES {
            port.append(format!("a-{of}"), nth, [note(nth.to_string())]).unwrap();
        }
    }
    let options = all("mail").window(200).durability(Durability::Buffered);
    let queue = options.retry(Retry::new(1_000)).open(&port).unwrap();
    let seen: Mutex<BTreeMap<String, u64>> = Mutex::default();
    thread::scope(|scope| {
        for consumer in 0..8_u64 {
            let (queue, seen) = (&queue, &seen);
            scope.spawn(move || {
                let mut turn = consumer;
                while let Ok(Some(delivery)) = queue.take(Duration::from_millis(100)) {
                    turn += 1;
                    let (stream, version) = place(&delivery);
                    if turn % 10 == 0 {
                        drop(delivery);
                        continue;
                    }
                    // Nobody else has an event of this aggregate now.
                    let mut seen = seen.lock().unwrap();
                    let last = seen.entry(stream).or_default();
                    *last += 1;
                    assert_eq!(*last, version);
                    drop(seen);
                    delivery.done().unwrap();
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len() as u64, AGGREGATES);
    assert!(seen.values().all(|last| *last == EACH), "{seen:?}");
}

#[test]
fn a_closed_store_is_an_error_of_its_kind() {
    let store = store();
    let port = Port::new(&store);
    let queue = all("mail").open(&port).unwrap();
    assert!(queue.take(NOW).unwrap().is_none());
    store.close().unwrap();
    let ToolError::Store(error) = queue.take(LONG).unwrap_err() else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Closed);
}
