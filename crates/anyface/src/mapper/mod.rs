//! The cross-modal mapper: CLIP features to the extended latent w⁺ of the generator.
//!
//! Two streams have the same architecture ([`Stream`]): text-to-face reads the features of any
//! number of captions, reconstruction reads the feature of an image. Cross Modal Distillation
//! aligns their hidden features φ in training. Noise injection, `w_s = [w_c[:k], w_t[k:]]`, is
//! [`mix`](crate::stylegan2::mix) of a random and a mapped latent.
//!
//! AnyFace++ adds a [`Memory`] before a stream. Its released mapper has another architecture:
//! [`ImageMap`].
//!
//! Two alternatives need no stream: a prior p(w | text), the [`FlowPrior`], and
//! [`GlobalDirections`] from text to styles.
//!
//! Paper: AnyFace, CVPR 2022, arXiv 2203.15334, section 3.

mod flow_prior;
mod global_directions;
mod image_map;
mod memory;
mod stream;

pub(crate) use flow_prior::principal_axes;
pub use flow_prior::{FlowPrior, FlowPriorConfig, FlowSampling};
pub use global_directions::{GlobalDirections, GlobalDirectionsConfig};
pub use image_map::{ImageMap, ImageMapConfig};
pub use memory::{Memory, MemoryConfig};
pub use stream::{Mapped, Stream, StreamConfig};
