//! What can go wrong, in one line that names the file, tensor or field.

use std::path::{Path, PathBuf};

use anyface_checkpoint::CheckpointError;

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
    /// Weights that could not be fetched.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// A picture that could not be signed, or a key that cannot sign.
    #[error(transparent)]
    Signing(#[from] anyface_credentials::Error),
    /// A bundle whose `config.json` or tokenizer cannot be used.
    #[error("{file}: {reason}")]
    Bundle {
        /// The file of the bundle.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is no picture, or one that cannot be used.
    #[error("{name}: {reason}")]
    Picture {
        /// The file, or what the caller called the bytes.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture in which the detector finds no face.
    #[error("{name}: no face found")]
    NoFace {
        /// The file, or what the caller called the picture.
        name: String,
    },
    /// A face that the picture does not have.
    #[error("{name}: there is no face {face}: {found} found, the largest is 0")]
    NoSuchFace {
        /// The file, or what the caller called the picture.
        name: String,
        /// The one asked for, from 0.
        face: usize,
        /// How many there are.
        found: usize,
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

impl From<CheckpointError> for Error {
    fn from(error: CheckpointError) -> Self {
        Self::Weights(error.into())
    }
}

impl Error {
    pub(crate) fn picture(name: &str, reason: impl Into<String>) -> Self {
        Self::Picture {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
