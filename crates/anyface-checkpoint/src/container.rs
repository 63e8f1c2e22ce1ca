//! The containers that are read.

use std::fmt;

/// How a file holds its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// One safetensors file.
    Safetensors,
    /// An index of several safetensors files.
    ShardedSafetensors,
    /// An index of several files of `torch.save`.
    ShardedTorch,
    /// `torch.save` since 1.6.
    TorchZip,
    /// `torch.save` before 1.6.
    TorchLegacy,
    /// `torch.jit.save`.
    TorchScript,
    /// `pickle.dump`.
    Pickle,
    /// One numpy array.
    Npy,
    /// A zip of numpy arrays.
    Npz,
    /// A graph with its weights.
    Onnx,
    /// A graph, its weights in a file beside it.
    Ncnn,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::ShardedSafetensors => "sharded safetensors",
            Self::ShardedTorch => "sharded torch",
            Self::TorchZip => "torch zip",
            Self::TorchLegacy => "torch legacy",
            Self::TorchScript => "TorchScript",
            Self::Pickle => "pickle",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Onnx => "ONNX",
            Self::Ncnn => "ncnn",
        })
    }
}
