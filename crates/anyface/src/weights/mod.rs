//! Network weights on disk: safetensors, loaded strictly and written atomically.

mod atomic;
mod tensors;

use std::path::PathBuf;

use anyface_checkpoint::{Checkpoint, CheckpointError};

pub use atomic::write_atomically;
pub(crate) use tensors::parameter_shapes;
pub use tensors::{
    StoredDtype, load_module, load_module_bytes, load_module_tensors, save_module, save_tensors,
};

/// Why weights could not be read or written. `source_name` is a path, or the caller's name for the
/// bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file could not be read, or is not a complete checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file could not be written; an existing file does not change.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The bytes are not a complete safetensors file.
    #[error("{source_name} is not a safetensors file: {source}")]
    Format {
        /// Name of the source.
        source_name: String,
        /// The parser's error.
        source: safetensors::SafeTensorError,
    },
    /// The file lacks a tensor of the network.
    #[error("{source_name} lacks the tensor `{tensor}`")]
    Missing {
        /// Name of the source.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// The network lacks a tensor of the file.
    #[error("{source_name} holds a tensor `{tensor}` that the network does not have")]
    Unexpected {
        /// Name of the source.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// A tensor has another shape than in the network.
    #[error("{source_name}: `{tensor}` has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// Name of the source.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Shape in the network.
        expected: Vec<usize>,
        /// Shape on disk.
        found: Vec<usize>,
    },
    /// The checkpoint's model is not supported.
    #[error("{source_name}: {reason}")]
    Unsupported {
        /// Name of the source.
        source_name: String,
        /// What is not supported.
        reason: String,
    },
    /// A weight is infinite or NaN.
    #[error("{source_name}: element {index} of `{tensor}` is {value}")]
    NotFinite {
        /// Name of the source.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Index of the element.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A tensor of a network does not hold floats.
    #[error(
        "{source_name}: `{tensor}` is stored as {found}, which is not a float of 16, 32 or 64 bits"
    )]
    Dtype {
        /// Name of the source.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Element type on disk.
        found: safetensors::Dtype,
    },
}

impl WeightsError {
    /// An error for a `checkpoint` of an unsupported model.
    pub(crate) fn unsupported(checkpoint: &Checkpoint, reason: impl Into<String>) -> Self {
        Self::Unsupported {
            source_name: checkpoint.source_name.clone(),
            reason: reason.into(),
        }
    }
}
