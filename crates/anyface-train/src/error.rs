//! Errors of training.

use std::path::{Path, PathBuf};

/// Result type of this crate.
pub type Result<T> = std::result::Result<T, TrainError>;

/// Errors of training and evaluation. Each names the file or the step where it occurs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Cause reported by the operating system.
        source: std::io::Error,
    },
    /// A configuration file has an invalid value.
    #[error("{}: {message}", path.display())]
    Config {
        /// Path of the configuration file.
        path: PathBuf,
        /// The field and the cause.
        message: String,
    },
    /// A file of training data or a checkpoint has invalid content.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// Path of the file or directory.
        path: PathBuf,
        /// The cause.
        message: String,
    },
    /// A metric needs more samples than there are.
    #[error("{found} {what} are too few: {needed} are needed")]
    TooFew {
        /// Name of the samples.
        what: &'static str,
        /// Number found.
        found: usize,
        /// Number needed.
        needed: usize,
    },
    /// A new run would overwrite an old one.
    #[error(
        "{} already holds a run: pass --resume to continue it, or choose another `out`",
        path.display()
    )]
    Occupied {
        /// Directory of the old run.
        path: PathBuf,
    },
    /// An error of the library, for example a picture that cannot be written or weights that do not
    /// fit.
    #[error(transparent)]
    Library(#[from] anyface::Error),
    /// Training diverged. The last checkpoint is untouched.
    #[error(
        "step {step}: {what} is not finite; stopped, the last checkpoint is kept (try a lower \
         learning rate)"
    )]
    NotFinite {
        /// Step at which it occurred.
        step: u64,
        /// Name of the loss or gradient.
        what: String,
    },
}

impl TrainError {
    /// Makes a [`TrainError::Config`] for a configuration file.
    pub fn config(path: &Path, message: impl Into<String>) -> Self {
        Self::Config {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    /// Adds the path to an input or output error: `.map_err(TrainError::io(path))`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { path, source }
    }
}
