//! Atomic writing of files.

use std::fs;
use std::io;
use std::path::Path;

/// Writes `bytes` to `path` through a temporary file in the same folder, which is created if
/// needed. After a crash, `path` is either the old or the new file.
///
/// # Errors
/// If the file system returns an error; `path` does not change then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_file(path, |temporary| fs::write(temporary, bytes))
}

/// Like [`write_atomically`] for content that does not fit into memory: `write` fills the temporary
/// file.
pub(super) fn replace_file(
    path: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default. This one becomes an ordinary file, so the umask
    // decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // tempfile's errors name the temporary file, which does not help a user.
    let file = builder
        .tempfile_in(folder)
        .map_err(|error| io::Error::from(error.kind()))?;
    write(file.path())?;
    // safetensors may have replaced the file by another private one.
    let permissions = file.as_file().metadata()?.permissions();
    fs::set_permissions(file.path(), permissions)?;
    let written = fs::OpenOptions::new().write(true).open(file.path())?;
    written.sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/weights.bin");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let file = fs::metadata(folder.path().join(name)).unwrap();
            std::os::unix::fs::PermissionsExt::mode(&file.permissions())
        };
        fs::write(folder.path().join("ordinary"), b"").unwrap();
        replace_file(&folder.path().join("replaced"), |temporary| {
            let other = tempfile::NamedTempFile::new_in(folder.path())?;
            other.persist(temporary)?;
            Ok(())
        })
        .unwrap();
        assert_eq!(mode("replaced"), mode("ordinary"));
    }

    #[test]
    fn a_folder_at_the_path_is_an_error_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.bin");
        fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, b"new").is_err());
        assert!(path.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
