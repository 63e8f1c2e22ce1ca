//! A self-made key in a file of its owner's.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::self_made::SelfMade;
use crate::{Error, Signer};

/// What certificates begin with in a file.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

impl Signer {
    /// The key that the file at `path` keeps, with its certificates behind it. Where there is no
    /// file, a key is made once and kept there, for its owner to read alone (mode 600). Of two
    /// processes that do so at once, both get the key of the first.
    ///
    /// # Errors
    /// Names the file when it cannot be read or written, or holds no key that can sign.
    pub fn kept(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => keep_new(path)?,
            text => text.map_err(Error::io(path))?,
        };
        let start = text.find(CERTIFICATE).unwrap_or(text.len());
        let (key, certificates) = text.split_at(start);
        Self::from_pem(key, certificates).map_err(|error| error.of_file(path))
    }

    /// A key of one's own in a PEM file (PKCS#8), and the certificates for it in another, the
    /// key's own first.
    ///
    /// # Errors
    /// Names the file that cannot be read, or the key that cannot sign with these certificates.
    pub fn open(key: &Path, certificates: &Path) -> Result<Self, Error> {
        let read = |path| fs::read_to_string(path).map_err(Error::io(path));
        let made = Self::from_pem(&read(key)?, &read(certificates)?);
        made.map_err(|error| error.of_file(key))
    }
}

/// Makes a key and keeps it, unless somebody else has just kept one; gives the text of the file.
fn keep_new(path: &Path) -> Result<String, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let made = SelfMade::generate()?;
    let text = made.key + &made.certificates;
    // Temporary files are their owner's alone. It appears whole, or not at all.
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(text.clone()),
            Err(lost) if lost.error.kind() == ErrorKind::AlreadyExists => fs::read_to_string(path),
            Err(failed) => Err(failed.error),
        }
    };
    // tempfile's errors name the temporary file, which means nothing to a user.
    write().map_err(|error| Error::io(path)(error.kind().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
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
    fn those_who_make_a_key_at_once_share_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.pem");
        let texts: Vec<String> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| keep_new(&path))).collect();
            let texts = racers.into_iter().map(|racer| racer.join().unwrap());
            texts.collect::<Result<_, _>>().unwrap()
        });
        let kept = fs::read_to_string(&path).unwrap();
        assert!(texts.iter().all(|text| *text == kept));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_named_by_its_file() {
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
        fs::write(&path, "a file where a folder should be").unwrap();
        let error = Signer::kept(&below).unwrap_err().to_string();
        assert!(error.contains("credentials.pem"), "{error}");
    }
}
