//! Pictures to latents: faces are found (YuNet), cut out and aligned ([`Photograph`]), then read by the encoders of e4e, pSp
//! and ReStyle.
//!
//! Papers: Tov et al. 2021 (arXiv 2102.02766), Richardson et al. 2021 (arXiv 2008.00951), Alaluf et al. 2021
//! (arXiv 2104.02699). Reference: `models/encoders/psp_encoders.py` of omertov/encoder4editing.

mod align;
mod details;
mod detect;
mod encoder;
mod pad;
mod paste;
mod photograph;
mod style_block;
mod yunet;

pub use align::{Square, align};
pub use details::keep_details;
pub use detect::{DETECTOR_VARIABLE, DetectedFace, Detector};
pub use encoder::{Encoder, EncoderConfig, Method};
pub use paste::paste_back;
pub use photograph::Photograph;
pub use style_block::StyleBlock;
pub(crate) use yunet::UNITS;
pub use yunet::{Level, YuNet, YuNetConfig};

#[cfg(test)]
mod parity;
