//! Reads untrusted checkpoints as plain data. The container is detected from the file's first
//! bytes.
//!
//! | container | who writes it |
//! |---|---|
//! | safetensors, one file or shards with an index | Hugging Face |
//! | sharded torch files with an index | older models on Hugging Face |
//! | torch zip | `torch.save` since 1.6 |
//! | torch legacy | `torch.save` before 1.6 |
//! | TorchScript | `torch.jit.save`: OpenAI's CLIP |
//! | pickle | NVIDIA's StyleGAN2 and others, by `pickle.dump` |
//! | npy, npz | numpy |
//! | ONNX | exporters: YuNet |
//! | ncnn, a `.param` with its `.bin` | converters: MobileFaceNet |
//!
//! Files are memory-mapped, and tensors are views of the map. No code in a file is ever run:
//! pickles are read as plain data, in bounded memory. Every error in a file gives its byte offset.
//! Web pages, git-lfs pointers and other files often found in place of weights are named as such.
//!
//! ```
//! use anyface_checkpoint::{Checkpoint, Container};
//!
//! // `numpy.save` of `[1.0, 2.0]`.
//! let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
//! let mut file = b"\x93NUMPY\x01\x00".to_vec();
//! file.extend((header.len() as u16).to_le_bytes());
//! file.extend(header.as_bytes());
//! file.extend([1.0_f32, 2.0].iter().flat_map(|value| value.to_le_bytes()));
//!
//! let checkpoint = Checkpoint::from_bytes(file.into(), "two.npy")?;
//! assert_eq!(checkpoint.container, Container::Npy);
//! assert_eq!(checkpoint.tensors["array"].shape(), [2]);
//! assert_eq!(checkpoint.tensors["array"].to_f32(), Some(vec![1.0, 2.0]));
//! # Ok::<(), anyface_checkpoint::CheckpointError>(())
//! ```

mod checkpoint;
mod container;
mod contents;
mod error;
mod file_slice;
mod folder;
mod map;
mod ncnn;
mod no_checkpoint;
mod numpy;
mod onnx;
mod pickle;
mod safetensors;
mod stored;
mod strings;
mod torch;
mod zip;

pub use ::safetensors::Dtype;
pub use bytes::Bytes;
pub use checkpoint::Checkpoint;
pub use container::Container;
pub use contents::LeftOut;
pub use error::CheckpointError;
pub use file_slice::Fault;
pub use map::map_file;
pub use stored::{StoredTensor, to_f32};
pub use strings::read_strings;

#[cfg(test)]
mod tests;

/// Compiles the README examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
