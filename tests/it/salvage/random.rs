//! Random stores, randomly damaged: what is spared gets out, in order and as it was; nothing else
//! does; and every position that something proves is accounted for.

use annals::storage::MemoryStorage;
use annals::{
    Chore, Commit, Durability, EventKind, ExpectedVersion, NewEvent, Options, Store, Uuid,
};
use annals_sim::{Random, Truth};
use std::sync::Arc;

/// Stores that are tried, each damaged in several ways.
const STORES: u64 = 150;
const DAMAGES: usize = 8;
const SECTOR: usize = 512;

#[test]
fn what_random_damage_spares_gets_out_and_nothing_else() {
    let times: u64 = std::env::var("ANNALS_PLANS").map_or(1, |times| times.parse().unwrap());
    let (mut whole, mut damaged, mut lost) = (0, 0, 0);
    for seed in 0..STORES * times {
        let mut random = Random::new(seed);
        let (bytes, earlier) = written(&mut random, seed);
        let (other, _) = written(&mut Random::new(seed), seed + 1_000_000);
        let truth = Truth::of(bytes);
        let salvage = |bytes: &[u8], what: &str| match truth.salvage(bytes) {
            Ok(salvaged) => salvaged,
            Err(wrong) => panic!("seed {seed}, {what}: {wrong}"),
        };
        assert!(salvage(&truth.bytes, "healthy").unwrap().report.is_whole());
        for nth in 0..DAMAGES {
            let mut bytes = truth.bytes.clone();
            for _ in 0..1 + random.below(4) {
                damage(&mut bytes, &earlier, &other, &mut random);
            }
            if let Some(salvaged) = salvage(&bytes, &format!("damage {nth}")) {
                damaged += 1;
                whole += u64::from(salvaged.report.is_whole());
                lost += salvaged.report.events_lost();
            }
        }
    }
    println!("{damaged} damaged stores, {whole} of them without a loss, {lost} events lost");
    assert!(whole > damaged / 10 && whole < damaged && lost > damaged);
}

/// Something happens to a store.
fn damage(bytes: &mut Vec<u8>, earlier: &[Vec<u8>], other: &[u8], random: &mut Random) {
    let sector = random.below(bytes.len() / SECTOR) * SECTOR;
    let place = sector..sector + SECTOR;
    let from = |file: &[u8]| file.get(place.clone()).map_or(vec![0; SECTOR], <[u8]>::to_vec);
    match random.below(9) {
        0 | 1 => bytes[sector + random.below(SECTOR)] ^= 1 << random.below(8),
        2 => bytes[place].fill(0),
        3 => bytes[place].iter_mut().for_each(|byte| *byte = random.byte()),
        4 => {
            let (start, length) = (random.below(bytes.len()), 1 + random.below(6_000));
            let end = (start + length).min(bytes.len());
            bytes[start..end].iter_mut().for_each(|byte| *byte = random.byte());
        }
        5 => {
            let second = random.below(bytes.len() / SECTOR) * SECTOR;
            let (a, b) = (bytes[place.clone()].to_vec(), bytes[second..second + SECTOR].to_vec());
            bytes[place].copy_from_slice(&b);
            bytes[second..second + SECTOR].copy_from_slice(&a);
        }
        6 => {
            let stale = from(&earlier[random.below(earlier.len())]);
            bytes[place].copy_from_slice(&stale);
        }
        7 => {
            let foreign = from(other);
            bytes[place].copy_from_slice(&foreign);
        }
        _ if random.one_in(3) => bytes.truncate(sector.max(4 * 4_096)),
        _ => {}
    }
}

/// A random store, and its bytes at some moments before.
fn written(random: &mut Random, seed: u64) -> (Vec<u8>, Vec<Vec<u8>>) {
    let options = Options::new().without_keeper().segments(4_096, 8_192);
    let options = match random.below(3) {
        0 => options,
        1 => options.tail(4, u64::MAX),
        _ => options.tail(15, u64::MAX),
    };
    let options = if random.one_in(4) { options.pad_to_sector() } else { options };
    let disk = Arc::new(MemoryStorage::new());
    let open = |nth: u64| -> Store {
        options.clone().seed(seed.wrapping_mul(97) + nth).open_storage(disk.clone()).unwrap()
    };
    let mut store = open(0);
    let mut earlier = vec![disk.to_bytes()];
    for nth in 0..5 + random.below(40) as u64 {
        match random.below(12) {
            0 => store.sync().unwrap(),
            1 => store.chore(Chore::Mark).unwrap(),
            2 => store.chore(Chore::Prepare).unwrap(),
            3 => {
                store.close().unwrap();
                store = open(nth + 1);
            }
            4 | 5 => store.chore(Chore::Index).unwrap(),
            6 => earlier.push(disk.to_bytes()),
            _ => drop(store.commit(commit(random)).unwrap()),
        }
    }
    if random.one_in(2) {
        store.close().unwrap();
    }
    (disk.to_bytes(), earlier)
}

fn commit(random: &mut Random) -> Commit {
    let mut commit = Commit::new();
    let documents = random.below(3);
    let events = random.below(5) + usize::from(documents == 0);
    for _ in 0..events {
        let stream = format!("s-{}", random.below(6));
        let length = if random.one_in(6) { 1_500 } else { random.below(200) };
        let payload: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        let mut event = NewEvent::new(format!("Type{}", random.below(3)), payload);
        for _ in 0..random.below(3) {
            event = event.tag(format!("tag:{}", random.below(20)));
        }
        if random.one_in(3) {
            event = event.id(Uuid::from_u64_pair(random.bits(), random.bits()));
        }
        if random.one_in(4) {
            event = event.metadata("m".repeat(random.below(30))).kind(EventKind::Fat);
        }
        commit = commit.append(stream, ExpectedVersion::Any, [event]);
    }
    let first = random.below(5);
    for nth in 0..documents {
        let key = format!("d/{}", (first + nth) % 5);
        commit = match random.one_in(4) {
            true => commit.delete(key),
            false => commit.put(key, vec![random.byte(); random.below(300)]),
        };
    }
    commit.durability(match random.below(4) {
        0 => Durability::Strict,
        1 => Durability::Synced,
        _ => Durability::Buffered,
    })
}
