//! A prior p(w | text) by flow matching: what the latents of faces are like of which something is
//! said.
//!
//! A network learns the velocity of the straight way from noise to the whitened `w` of a face,
//! `x_t = (1 − t)·z + t·x`, `v = x − z` (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023,
//! arXiv 2209.03003). A face is drawn by following the velocity from noise, with guidance: away
//! from what it is when nothing is said (Ho & Salimans 2022, arXiv 2207.12598). The same noise in
//! other words is much the same person. Followed backwards, the velocity gives the noise of a face
//! that is there already.

mod network;
mod sampling;
mod sentence_pooling;
mod whitening;

pub use network::{FlowPrior, FlowPriorConfig};
pub use sampling::FlowSampling;
pub(crate) use whitening::principal_axes;

#[cfg(test)]
mod tests;
