//! Face recognition: networks whose features are similar for pictures of one person.
//!
//! [`ArcFace`] (Deng et al. 2019, arXiv 1801.07698) on an IR-SE50 backbone, which the encoders of
//! e4e and pSp also use. Reference: `model.py` of TreB1eN/InsightFace_Pytorch, `helpers.py` of
//! omertov/encoder4editing.

mod arcface;
mod ir_se;
mod mobile_face_net;

pub use arcface::{ArcFace, ArcFaceConfig, crop_face};
pub use ir_se::{IrSe, IrSeConfig, IrSeUnit, SqueezeExcitation};
pub use mobile_face_net::{Bottleneck, BottleneckConfig, MobileFaceNet, MobileFaceNetConfig};

#[cfg(test)]
mod parity;
