//! What is said of a run that is not as it should be.

use super::report::{Issue, VerifyReport};
use crate::engine::view::View;
use crate::format::PAGE;
use crate::index::{Run, RunError};
use crate::words::Error;
use std::ops::ControlFlow;

/// Looks at the check of each page of each run. `progress` gets the bytes of pages looked at, and
/// may stop it.
pub fn check_pages(
    view: &View,
    report: &mut VerifyReport,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<(), Error> {
    for run in &view.sources.runs {
        let mut cancelled = false;
        let before = report.index_bytes;
        let checked = run.check_pages(|pages| {
            report.index_bytes = before.saturating_add(u64::from(pages) * PAGE);
            cancelled = progress(report.index_bytes).is_break();
            !cancelled
        });
        if cancelled {
            report.cancelled = true;
            return Ok(());
        }
        let wrong = match checked {
            Ok(()) if run.is_rebuilt() => "was damaged".to_owned(),
            Ok(()) => continue,
            Err(error) => fails(error)?,
        };
        report.issues.extend(put_right(view, run, &wrong)?);
    }
    Ok(())
}

/// What is wrong with a run that could not answer; an error if the device is what failed.
pub fn fails(error: RunError) -> Result<String, Error> {
    match error {
        RunError::Io(error) => Err(Error::io("reading the index failed", error)),
        RunError::Damaged { page, .. } => Ok(format!("fails its check on page {page}")),
    }
}

/// Has a run that is wrong made anew from the log, and says so; nothing if it was not damaged, but
/// its room was given to another: then the newest runs were loaded.
pub fn put_right(view: &View, run: &Run, wrong: &str) -> Result<Option<Issue>, Error> {
    let place = run.place();
    let healed = view.core.heal(place.id, place.file_offset);
    let outcome = match healed {
        Ok(()) => "it is made anew from the log",
        Err(error) if error.corruption().is_some() => {
            "it can't be made anew, since the log is damaged too"
        }
        Err(error) => return Err(error),
    };
    if view.core.index.sources().run(place).is_none() {
        return Ok(None);
    }
    Ok(Some(Issue {
        log_offset: None,
        file_offset: Some(place.file_offset),
        position: Some(run.header().first),
        what: format!("run {} of the index {wrong}; {outcome}", place.id),
    }))
}
