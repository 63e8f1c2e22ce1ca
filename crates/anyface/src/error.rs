//! The library's error type.

use std::path::{Path, PathBuf};

use anyface_checkpoint::CheckpointError;

/// An error of the library, in one line that names the file, tensor or field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Weights do not fit their network.
    #[error(transparent)]
    Weights(#[from] crate::weights::WeightsError),
    /// Weights could not be downloaded.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// A picture cannot be signed, or a key cannot sign.
    #[error(transparent)]
    Signing(#[from] anyface_credentials::Error),
    /// The `config.json` or tokenizer of a bundle is invalid.
    #[error("{file}: {reason}")]
    Bundle {
        /// The file of the bundle.
        file: String,
        /// The cause.
        reason: String,
    },
    /// A file is not a picture, or cannot be used.
    #[error("{name}: {reason}")]
    Picture {
        /// The file, or the caller's name for the bytes.
        name: String,
        /// The cause.
        reason: String,
    },
    /// The detector finds no face in a picture.
    #[error("{name}: no face found")]
    NoFace {
        /// The file, or the caller's name for the picture.
        name: String,
    },
    /// The picture has no face of this index.
    #[error("{name}: there is no face {face}: {found} found, numbered from 0 (the largest)")]
    NoSuchFace {
        /// The file, or the caller's name for the picture.
        name: String,
        /// The requested face, from 0.
        face: usize,
        /// Number of faces found.
        found: usize,
    },
    /// The description is empty.
    #[error("the description is empty: say in a few words what the face looks like")]
    EmptyDescription,
    /// A setting is outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// The allowed values.
        range: &'static str,
        /// The given value.
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
