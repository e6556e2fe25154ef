//! Salvage after a crash: it has what recovery finds, and what recovery has discarded stays so.

use crate::check;
use crate::disk::SECTOR;
use crate::model::Model;
use crate::random::Random;
use annals::storage::{MemoryStorage, Storage};
use annals::{Keys, Options, Read, SalvageReport, Store};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Where anything but page 0, the slots and the holder's page may stand.
const FIRST_EXTENT: usize = 4 * 4_096;
/// Sectors that are old again, at the most.
const STALE: usize = 6;

/// Salvages what a crash left, in which recovery finds so many commits: so does salvage.
pub(crate) fn same_as_recovery(bytes: &[u8], model: &Model, there: usize) -> Result<(), String> {
    let (report, store) = salvaged(bytes)?;
    if !report.is_whole() {
        return Err(format!("salvage: a crash alone has lost something: {report}"));
    }
    let found = check::prefix(&store, model).map_err(|what| format!("salvage: {what}"))?;
    match found == there {
        true => Ok(()),
        false => Err(format!("salvage finds {found} commits, recovery {there}: {report}")),
    }
}

/// Some sectors of a store are again as a crash left them, before recovery and before what came
/// later: what is salvaged are events and documents of this store, and none that recovery has
/// discarded.
///
/// Names are not looked at: one that was discarded, in the very place of one that came later, can't
/// be told from it.
pub(crate) fn nothing_discarded(
    before: &[u8],
    after: &[u8],
    model: &Model,
    random: &mut Random,
) -> Result<(), String> {
    // An epoch of which no slot knows any more can't always be told from the one before it.
    if epochs(after).min() > epochs(before).max().map(|newest| newest + 1) {
        return Ok(());
    }
    let sector = |nth: usize| nth * SECTOR..(nth + 1) * SECTOR;
    let end = before.len().min(after.len()) / SECTOR;
    let changed: Vec<usize> = (FIRST_EXTENT / SECTOR..end)
        .filter(|nth| before[sector(*nth)] != after[sector(*nth)])
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let first = changed[random.below(changed.len())];
    let last = (first + random.below(STALE)).min(end - 1);
    let mut stale = after.to_vec();
    let old = first * SECTOR..(last + 1) * SECTOR;
    stale[old.clone()].copy_from_slice(&before[old]);

    let (report, store) = salvaged(&stale)?;
    let wrong = |what: String| format!("sectors {first} to {last} are old: {what}: {report}");
    let events: Vec<_> = model.events().collect();
    let mut found = store.read_all(Read::new()).map_err(|error| error.to_string())?;
    let positions = report.kept.iter().flat_map(|kept| (kept.first.get()..).zip(0..kept.events));
    for (position, _) in positions {
        let event = found.next_event().map_err(|error| error.to_string())?;
        let event = event.ok_or_else(|| wrong(format!("position {position} is not there")))?;
        let expected = usize::try_from(position - 1).ok().and_then(|nth| events.get(nth));
        if expected.is_none_or(|expected| event.payload != expected.payload) {
            return Err(wrong(format!("position {position} is {event:?}, not {expected:?}")));
        }
    }
    let revisions = revisions(model);
    for document in store.documents(Keys::all()).map_err(|error| error.to_string())? {
        let document = document.map_err(|error| error.to_string())?;
        let expected = revisions.get(&(document.key.as_str(), document.revision.get()));
        if expected.copied().flatten() != Some(document.value.as_slice()) {
            return Err(wrong(format!("{document:?} never was")));
        }
    }
    Ok(())
}

fn salvaged(bytes: &[u8]) -> Result<(SalvageReport, Store), String> {
    let from: Arc<dyn Storage> = Arc::new(MemoryStorage::from_bytes(bytes.to_vec()));
    let to: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let report = Store::salvage_storage(&from, &to, |_, _| ControlFlow::Continue(()));
    let report = report.map_err(|error| format!("salvage: {error}"))?;
    let store = Options::new().without_keeper().open_storage_read_only(to);
    Ok((report, store.map_err(|error| format!("salvage: the new store: {error}"))?))
}

/// What each revision of each document was.
fn revisions(model: &Model) -> HashMap<(&'static str, u64), Option<&[u8]>> {
    let mut newest: HashMap<&'static str, u64> = HashMap::new();
    let all = model.commits.iter().flat_map(|commit| &commit.documents);
    all.map(|(key, value)| {
        let revision = newest.entry(key).or_default();
        *revision += 1;
        ((*key, *revision), value.as_deref())
    })
    .collect()
}

/// The epochs that the slots know, by their counters.
fn epochs(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let counter = |slot: usize| bytes[slot + 80..slot + 88].try_into().map(u64::from_le_bytes);
    [4_096, 8_192].map(counter).into_iter().flatten()
}
