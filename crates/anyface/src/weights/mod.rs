//! Weights of networks on disk: safetensors, loaded strictly and written atomically.

mod atomic;
mod tensors;

use std::path::PathBuf;

use anyface_checkpoint::{Checkpoint, CheckpointError};

pub use atomic::write_atomically;
pub(crate) use tensors::parameter_shapes;
pub use tensors::{
    StoredDtype, load_module, load_module_bytes, load_module_tensors, save_module, save_tensors,
};

/// Why weights could not be read or written. `source_name` is a path, or what the caller called the bytes.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be read, or is no whole checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file could not be written; whatever stood there before still does.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not a whole safetensors file.
    #[error("{source_name} is not a safetensors file: {source}")]
    Format {
        /// Where the bytes come from.
        source_name: String,
        /// The parser's reason.
        source: safetensors::SafeTensorError,
    },
    /// The network has a tensor that the file lacks.
    #[error("{source_name} lacks the tensor `{tensor}`")]
    Missing {
        /// Where the bytes come from.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// The file has a tensor that the network lacks.
    #[error("{source_name} holds a tensor `{tensor}` that the network does not have")]
    Unexpected {
        /// Where the bytes come from.
        source_name: String,
        /// Dotted name.
        tensor: String,
    },
    /// A tensor has another shape than the network's.
    #[error("{source_name}: `{tensor}` has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// Where the bytes come from.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Shape in the network.
        expected: Vec<usize>,
        /// Shape on disk.
        found: Vec<usize>,
    },
    /// A checkpoint of a model that this library does not have.
    #[error("{source_name}: {reason}")]
    Unsupported {
        /// Where the bytes come from.
        source_name: String,
        /// What the library does not have.
        reason: String,
    },
    /// A weight is infinite or no number.
    #[error("{source_name}: element {index} of `{tensor}` is {value}")]
    NotFinite {
        /// Where the bytes come from.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Elements before it.
        index: usize,
        /// What it is.
        value: f32,
    },
    /// A tensor of a network holds no floats.
    #[error(
        "{source_name}: `{tensor}` is stored as {found}, which is no float of 16, 32 or 64 bits"
    )]
    Dtype {
        /// Where the bytes come from.
        source_name: String,
        /// Dotted name.
        tensor: String,
        /// Element type on disk.
        found: safetensors::Dtype,
    },
}

impl WeightsError {
    /// `checkpoint` is of a model that this library does not have.
    pub(crate) fn unsupported(checkpoint: &Checkpoint, reason: impl Into<String>) -> Self {
        Self::Unsupported {
            source_name: checkpoint.source_name.clone(),
            reason: reason.into(),
        }
    }
}
