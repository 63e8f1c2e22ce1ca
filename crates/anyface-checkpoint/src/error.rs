//! Why a checkpoint could not be read.

use std::path::PathBuf;

use crate::file_slice::Fault;

/// Why a checkpoint could not be read. `source_name` is a path, or what the caller called the bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder where a file is wanted.
    #[error("{} is a folder, not a file: {advice}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What to give instead.
        advice: String,
    },
    /// The bytes are no whole file of a known container.
    #[error("{source_name}: {source}")]
    Malformed {
        /// Where the bytes come from.
        source_name: String,
        /// What is wrong, and at which byte.
        source: Fault,
    },
    /// The bytes are something else that people have in the place of weights.
    #[error("{source_name} is {reason}")]
    NoCheckpoint {
        /// Where the bytes come from.
        source_name: String,
        /// What they are, and what to do.
        reason: &'static str,
    },
    /// A shard lacks a tensor that the index says it has.
    #[error("{source_name} lacks the tensor `{tensor}`")]
    MissingTensor {
        /// The shard.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// A JSON file that belongs to the model is missing or broken.
    #[error("{source_name}: {reason}")]
    Sidecar {
        /// The JSON file, or the checkpoint that needs it.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
}
