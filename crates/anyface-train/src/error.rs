//! What can go wrong in training.

use std::path::{Path, PathBuf};

/// Result of everything in this crate.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Errors of training and evaluation; each names the file or the step it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A configuration that cannot be used.
    #[error("{}: {message}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// The field and what is wrong with it.
        message: String,
    },
    /// A file of training data or a checkpoint that is not what it should be.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A measure needs more than there is.
    #[error("{found} {what} are too few: {needed} are needed")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A new run would overwrite an old one.
    #[error("{} already holds a run: pass --resume to continue it, or choose another `out`", path.display())]
    Occupied {
        /// The directory of the old run.
        path: PathBuf,
    },
    /// The library refused: a picture that cannot be written, weights that do not fit.
    #[error(transparent)]
    Library(#[from] anyface::Error),
    /// Training diverged. The last checkpoint is untouched.
    #[error(
        "step {step}: {what} is not finite; stopped, the last checkpoint is kept (try a lower learning rate)"
    )]
    NotFinite {
        /// The step at which it was seen.
        step: u64,
        /// The loss or gradient.
        what: String,
    },
}

impl TrainError {
    /// Says what is wrong with a configuration file.
    pub fn config(path: &Path, message: impl Into<String>) -> Self {
        Self::Config {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    /// Says which file an input or output error is about: `.map_err(TrainError::io(path))`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { path, source }
    }
}
