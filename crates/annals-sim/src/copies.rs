//! Copies of a store: what they hold, and what is left of one whose own disk crashes.

use crate::check;
use crate::crash::Moment;
use crate::disk::SimDisk;
use crate::model::Model;
use crate::plan::Style;
use crate::play::End;
use crate::random::Random;
use annals::{Ending, Rules, Store};
use std::sync::Arc;

/// Crashes of the copy's disk that are tried.
const CRASHES: usize = 3;

/// Makes a backup: it has everything that was durable when it began, and nothing that was not
/// begun. Wherever the power fails while it is written, what is left is the whole copy, or says
/// that it is none.
pub(crate) fn backup(
    store: &Store,
    model: &Model,
    durable: usize,
    style: Style,
    random: &mut Random,
) -> Result<(), End> {
    let target = SimDisk::journaling(Vec::new());
    store.backup_to_storage(Arc::new(target.clone()))?;
    let copied = whole(target.durable(), model, style, random)?;
    if copied < durable {
        let what = format!("a backup has {copied} commits, {durable} were durable");
        return Err(End::Wrong(what));
    }
    let journal = target.take_journal();
    for _ in 0..CRASHES {
        let until = random.below(journal.len() + 1);
        let mut moment = Moment::new(Vec::new(), 0, style.tearing());
        for op in &journal[..until] {
            moment.step(op);
        }
        let bytes = moment.bytes(&moment.random_crash(random));
        let options = style.options(Rules::ALL, random.bits());
        let opened = options.open_storage_read_only(Arc::new(SimDisk::scratch(bytes)));
        let Ok(left) = opened else { continue };
        if left.recovery_report().ending == Ending::Damaged {
            continue;
        }
        let there = check::prefix(&left, model).map_err(wrong)?;
        if there != copied {
            let what = format!("of a backup with {copied} commits {there} are left");
            return Err(End::Wrong(what));
        }
    }
    Ok(())
}

/// Writes the store anew: the copy has the same.
pub(crate) fn compact(
    store: &Store,
    model: &Model,
    style: Style,
    random: &mut Random,
) -> Result<(), End> {
    let target = SimDisk::new(Vec::new());
    store.compact_to_storage(Arc::new(target.clone()))?;
    let copied = whole(target.durable(), model, style, random)?;
    if copied < model.commits.len() {
        return Err(End::Wrong(format!("{copied} commits are left of {}", model.commits.len())));
    }
    Ok(())
}

/// How many commits a finished copy has, which opens to be written as well as to be read.
fn whole(bytes: Vec<u8>, model: &Model, style: Style, random: &mut Random) -> Result<usize, End> {
    let options = style.options(Rules::ALL, random.bits());
    let disk = Arc::new(SimDisk::scratch(bytes));
    let copy = match random.one_in(2) {
        true => options.open_storage_read_only(disk)?,
        false => options.open_storage(disk)?,
    };
    check::prefix(&copy, model).map_err(wrong)
}

fn wrong(what: String) -> End {
    End::Wrong(format!("a copy: {what}"))
}
