//! Encoders from images to latents: e4e, pSp, ReStyle, and the encoder trained together with a
//! generator of photographs.
//!
//! Papers: Tov et al. 2021 (arXiv 2102.02766), Richardson et al. 2021 (arXiv 2008.00951), Alaluf et
//! al. 2021 (arXiv 2104.02699). Reference: `models/encoders/psp_encoders.py` of
//! omertov/encoder4editing.

mod encoder;
mod residual;
mod style_block;

pub use encoder::{Encoder, EncoderConfig, Method};
pub use residual::{ResidualEncoder, ResidualEncoderConfig};
pub use style_block::StyleBlock;

#[cfg(test)]
mod parity;
