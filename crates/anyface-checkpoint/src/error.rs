//! Errors of reading checkpoints.

use std::path::PathBuf;

use crate::file_slice::Fault;

/// An error of reading a checkpoint. `source_name` is a path, or the name that the caller gave the
/// bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A folder in place of a file.
    #[error("{} is a folder, not a file: {advice}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Which file to use instead.
        advice: String,
    },
    /// The bytes are not a complete file of a known container.
    #[error("{source_name}: {source}")]
    Malformed {
        /// Name of the source.
        source_name: String,
        /// The cause and its byte offset.
        source: Fault,
    },
    /// The bytes are a known kind of file that is not a checkpoint.
    #[error("{source_name} is {reason}")]
    NoCheckpoint {
        /// Name of the source.
        source_name: String,
        /// What the file is, and what to do.
        reason: &'static str,
    },
    /// A shard lacks a tensor listed in the index.
    #[error("{source_name} lacks the tensor `{tensor}`")]
    MissingTensor {
        /// The shard.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// A JSON sidecar of the model is missing or broken.
    #[error("{source_name}: {reason}")]
    Sidecar {
        /// The JSON file, or the checkpoint that needs it.
        source_name: String,
        /// The cause.
        reason: String,
    },
}
