//! The Inception v3 network of the Fréchet inception distance (Szegedy et al. 2016, arXiv
//! 1512.00567; Heusel et al. 2017, arXiv 1706.08500).
//!
//! Reference: mseitzer/pytorch-fid, which converted TensorFlow's weights of 2015-12-05.

pub(crate) mod graph;
mod network;

pub use network::{Inception, InceptionConfig};
