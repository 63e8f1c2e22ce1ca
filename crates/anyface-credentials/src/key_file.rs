//! Keys in files.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::self_made::SelfMade;
use crate::{Error, Signer};

/// First line of a certificate in PEM.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

impl Signer {
    /// Opens the key in the file at `path`, which is followed by its certificates. If there is no
    /// file, creates a key and writes the file, readable only by its owner (mode 600). If two
    /// processes create the file at the same time, both use the key of the first.
    ///
    /// # Errors
    /// If the file cannot be read or written, or does not contain a key that can sign. The error
    /// names the file.
    pub fn kept(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => create(path)?,
            text => text.map_err(Error::io(path))?,
        };
        let start = text.find(CERTIFICATE).unwrap_or(text.len());
        let (key, certificates) = text.split_at(start);
        Self::from_pem(key, certificates).map_err(|error| error.of_file(path))
    }

    /// Opens a key in a PEM file (PKCS#8) and its certificate chain in another PEM file, the key's
    /// own certificate first.
    ///
    /// # Errors
    /// If a file cannot be read, or the key cannot sign with these certificates. The error names
    /// the file.
    pub fn open(key: &Path, certificates: &Path) -> Result<Self, Error> {
        let read = |path| fs::read_to_string(path).map_err(Error::io(path));
        let made = Self::from_pem(&read(key)?, &read(certificates)?);
        made.map_err(|error| error.of_file(key))
    }
}

/// Creates a key and writes it to `path`, unless another process has just done so. Returns the text
/// of the file.
fn create(path: &Path) -> Result<String, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let made = SelfMade::generate()?;
    let text = made.key + &made.certificates;
    // Temporary files are readable only by their owner. Renaming makes the file appear complete.
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(text.clone()),
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => {
                fs::read_to_string(path)
            }
            Err(failed) => Err(failed.error),
        }
    };
    // tempfile's errors name the temporary file, which does not help a user.
    write().map_err(|error| Error::io(path)(error.kind().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_created_once_and_readable_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anyface/credentials.pem");
        Signer::kept(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        Signer::kept(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            let file = fs::metadata(&path).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn concurrent_processes_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.pem");
        let texts: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| create(&path))).collect();
            let texts = threads.into_iter().map(|thread| thread.join().unwrap());
            texts.collect::<Result<_, _>>().unwrap()
        });
        let kept = fs::read_to_string(&path).unwrap();
        assert!(texts.iter().all(|text| *text == kept));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_invalid_key_is_an_error_that_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.pem");
        let good = SelfMade::generate().unwrap();
        let other = SelfMade::generate().unwrap();
        for text in [
            String::new(),
            "not a key".to_owned(),
            good.key.clone(),
            good.certificates.clone(),
            good.key + &other.certificates,
        ] {
            fs::write(&path, text).unwrap();
            let error = Signer::kept(&path).unwrap_err().to_string();
            assert!(error.contains("credentials.pem: "), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        fs::remove_file(&path).unwrap();
        let below = path.join("key.pem");
        fs::write(&path, "a file in place of a folder").unwrap();
        let error = Signer::kept(&below).unwrap_err().to_string();
        assert!(error.contains("credentials.pem"), "{error}");
    }
}
