//! The cross-modal mapper: from CLIP features to the generator's extended latent.
//!
//! Two streams of one shape ([`Stream`]): text-to-face reads the features of any number of captions,
//! reconstruction reads the feature of an image. Cross Modal Distillation ties their hidden
//! features φ while training. Noise injection, `w_s = [w_c[:k], w_t[k:]]`, is
//! [`mix`](crate::stylegan2::mix) of a random latent and the mapped one.
//!
//! AnyFace++ adds a [`Memory`] before a stream. Its released mapper is of another shape: [`ImageMap`].
//!
//! Another way from words to latents needs no stream: a prior p(w | text), the [`FlowPrior`].
//! [`GlobalDirections`] lead from words to styles.
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
