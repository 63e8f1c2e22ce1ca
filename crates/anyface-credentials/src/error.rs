//! The crate's error type.

use std::path::{Path, PathBuf};

/// An error of this crate, in one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file with a key or certificates could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A key cannot sign, or does not match its certificates.
    #[error("{0}")]
    Key(String),
    /// A file with a key or certificates cannot be used.
    #[error("{}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The file has a format that cannot be signed.
    #[error("only PNG, JPEG and WebP files can be signed")]
    MediaType,
    /// The C2PA library returned an error.
    #[error("the picture cannot be signed: {0}")]
    Sign(String),
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Adds the key's file to an error of a key.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self {
            Self::Key(reason) => Self::KeyFile {
                path: path.to_owned(),
                reason,
            },
            other => other,
        }
    }
}
