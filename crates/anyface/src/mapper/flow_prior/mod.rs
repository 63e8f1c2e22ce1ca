//! A prior p(w | text) by flow matching: the distribution of latents given a description.
//!
//! A network learns the velocity on the straight path from noise to the whitened `w` of a face,
//! `x_t = (1 − t)·z + t·x`, `v = x − z` (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023,
//! arXiv 2209.03003). Sampling integrates the velocity from noise, with classifier-free guidance
//! (Ho & Salimans 2022, arXiv 2207.12598). The same noise with another text gives much the same
//! person. Integrating backwards recovers the noise of a given latent.

mod network;
mod sampling;
mod sentence_pooling;
mod whitening;

pub use network::{FlowPrior, FlowPriorConfig};
pub use sampling::FlowSampling;
pub(crate) use whitening::principal_axes;

#[cfg(test)]
mod tests;
