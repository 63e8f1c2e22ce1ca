//! What can go wrong, in one line that names the file, tensor or field.

use std::path::{Path, PathBuf};

/// Every failure of the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Weights that do not fit their network.
    #[error(transparent)]
    Weights(#[from] crate::weights::WeightsError),
    /// A bundle whose `config.json` or tokenizer cannot be used.
    #[error("{file}: {reason}")]
    Bundle {
        /// The file of the bundle.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A description with nothing in it.
    #[error("the description is empty: say in a few words what the face looks like")]
    EmptyDescription,
    /// A setting outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// The values it may have.
        range: &'static str,
        /// The value it was given.
        value: String,
    },
}

impl Error {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
