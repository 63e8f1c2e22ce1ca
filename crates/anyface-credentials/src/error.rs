//! What can go wrong, in one line.

use std::path::{Path, PathBuf};

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of a key or of certificates could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key that cannot sign, or certificates that do not go with it.
    #[error("{0}")]
    Key(String),
    /// A file of a key or certificates that cannot be used.
    #[error("{}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a kind that is not signed.
    #[error("only PNG, JPEG and WebP files are signed")]
    MediaType,
    /// The C2PA library refused.
    #[error("the picture cannot be signed: {0}")]
    Sign(String),
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The same failure of a key, which names its file.
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
