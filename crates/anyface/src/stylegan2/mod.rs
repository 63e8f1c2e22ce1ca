//! StyleGAN2 (Karras et al. 2020) for training and inference, after NVIDIA's
//! `training/networks.py`.
//!
//! `z [N, Z]` → [`Mapping`] → `w [N, D]` → [`broadcast`] → `w_plus [N, L, D]` → [`Synthesis`] →
//! image `[N, 3, R, R]`, nominally in [-1, 1]. `L = 2·log2(R) − 2`.
//!
//! Parameters have NVIDIA's names, except in lists: `mapping.fc{i}` is `mapping.fc.{i}`,
//! `synthesis.b{4·2^i}` is `synthesis.blocks.{i}`, and `synthesis.b4.const` is `synthesis.input`.

mod config;
mod generator;
mod latent;
mod mapping;
mod noise;
mod prepared;
mod skip_conv;
mod style_space;
mod synthesis;
mod synthesis_layer;
mod to_rgb;

pub use config::{Architecture, ConfigError, GeneratorConfig, MappingActivation, SynthesisInput};
pub use generator::Generator;
pub use latent::{broadcast, mix, truncate};
pub use mapping::Mapping;
pub use noise::Noise;
pub use prepared::{Precision, PreparedSynthesis, Unsupported};
pub use skip_conv::SkipConv;
pub use synthesis::{Synthesis, SynthesisBlock};
pub use synthesis_layer::SynthesisLayer;
pub use to_rgb::ToRgb;
