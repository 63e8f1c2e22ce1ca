//! Files of `torch.save` and `torch.jit.save`.
//!
//! A pickle describes tensors as views of storages. The containers differ in where the storages
//! are. Reference: `torch/serialization.py` and `torch/_utils.py`.

mod archive;
mod legacy;
mod state;
mod tensor;

pub(crate) use archive::{Archive, read_archive};
pub(crate) use legacy::{is_legacy, read_legacy};
pub(crate) use state::contents;
pub(crate) use tensor::Storages;
