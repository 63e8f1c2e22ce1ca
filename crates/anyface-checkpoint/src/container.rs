//! The supported containers.

use std::fmt;

/// File format of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// One safetensors file.
    Safetensors,
    /// An index of several safetensors files.
    ShardedSafetensors,
    /// An index of several `torch.save` files.
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
    /// An ONNX graph with its weights.
    Onnx,
    /// An ncnn graph, with its weights in a second file.
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
