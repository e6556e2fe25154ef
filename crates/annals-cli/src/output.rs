//! Files that are made.

use crate::exit::{Failure, Outcome};
use crate::show::path_name;
use std::fs::File;
use std::io;
use std::path::Path;

/// That what is to be made is not the store that it is made of, by whatever name.
pub fn check_other(path: &Path, store: &Path) -> Outcome {
    // What is not there is no store.
    if !same_file::is_same_file(path, store).unwrap_or(false) {
        return Ok(());
    }
    let what = format!("'{}' is the store itself; nothing was done", path_name(path));
    Err(Failure::can_not(what))
}

/// Lets `write` make a file, which appears under its name when it is whole, and not at all if
/// anything fails or interrupts it.
pub fn to_file(path: &Path, force: bool, write: impl FnOnce(&mut File) -> Outcome) -> Outcome {
    let shown = path_name(path);
    let failed = |error: io::Error| Failure::io(format_args!("writing '{shown}' failed"), &error);
    let there = path.symlink_metadata();
    match &there {
        // A device or a link would be replaced by a file.
        Ok(there) if !there.is_file() => {
            let what = format!("'{shown}' is there, and is no plain file; nothing was done");
            return Err(Failure::can_not(what));
        }
        Ok(_) if !force => {
            let what = format!("'{shown}' is there already; --force writes over it");
            return Err(Failure::can_not(what));
        }
        _ => {}
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // Who may read it is for the umask to say, as for other files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".annals-").tempfile_in(folder).map_err(failed)?;
    if let Ok(there) = there {
        file.as_file().set_permissions(there.permissions()).map_err(failed)?;
    }
    write(file.as_file_mut())?;
    file.as_file().sync_all().map_err(failed)?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map_err(|error| failed(error.error))?;
    // Its name is to last as well.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_appears_when_it_is_whole_and_is_not_written_over_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let interrupted = to_file(&path, false, |file| {
            file.write_all(b"half").unwrap();
            assert!(!path.exists());
            Err(Failure::interrupted("interrupted"))
        });
        assert!(matches!(interrupted, Err(Failure::Ended(crate::exit::INTERRUPTED, _))));
        assert_eq!(files(), 0, "nothing is left of it");
        to_file(&path, false, |file| Ok(file.write_all(b"one")?)).unwrap();
        let again = to_file(&path, false, |_| unreachable!("nothing is made in vain"));
        assert!(matches!(again, Err(Failure::Ended(_, what)) if what.contains("--force")));
        to_file(&path, true, |file| Ok(file.write_all(b"two")?)).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), files()), (b"two".to_vec(), 1));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Who was kept out of it stays out.
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            to_file(&path, true, |file| Ok(file.write_all(b"three")?)).unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let folder = to_file(folder.path(), true, |_| unreachable!("a folder stays one"));
        assert!(matches!(folder, Err(Failure::Ended(_, what)) if what.contains("no plain file")));
    }
}
