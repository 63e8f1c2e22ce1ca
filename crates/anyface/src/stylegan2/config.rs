//! Sizes of a generator.

use anyface_kernels::Activation;
use burn::config::Config;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Generator, Mapping, Synthesis};

/// Sizes of a StyleGAN2 generator; they go into checkpoints and bundles as they are.
///
/// ```
/// use anyface::Device;
/// use anyface::image::to_rgb;
/// use anyface::stylegan2::{GeneratorConfig, Noise, broadcast};
/// use burn::tensor::{Distribution, Tensor};
///
/// let device = Device::flex();
/// let config = GeneratorConfig::new(16, 16, vec![8, 8, 8, 8]);
/// let generator = config.init(&device);
///
/// let z = Tensor::random([2, config.z_dim], Distribution::Normal(0.0, 1.0), &device);
/// let w_plus = broadcast(generator.mapping.forward(z), config.num_ws());
/// let images = generator.synthesis.forward(w_plus, Noise::None);
/// assert_eq!(images.dims(), [2, 3, 32, 32]);
/// assert_eq!(to_rgb(images).len(), 2);
/// ```
#[derive(Config, Debug, PartialEq)]
pub struct GeneratorConfig {
    /// Width of `z`.
    pub z_dim: usize,
    /// Width of `w`, D.
    pub w_dim: usize,
    /// Feature channels at 4², 8², … R²: the length sets the resolution, 4 entries for 32² up to 9 for 1024².
    pub channels: Vec<usize>,
    /// Layers of the mapping network.
    #[config(default = 8)]
    pub mapping_layers: usize,
    /// Learning-rate multiplier of the mapping network.
    #[config(default = 0.01)]
    pub lr_multiplier: f64,
    /// Whether `z` is scaled to unit mean square before it is mapped.
    #[config(default = true)]
    pub normalize_z: bool,
    /// Features and colours are cut to ±this after each layer; none in networks that came from TensorFlow.
    #[config(default = "None")]
    pub conv_clamp: Option<f64>,
    /// What follows each layer of the mapping network; leaky ReLU, as in all public networks, when none.
    #[config(default = "None")]
    pub mapping_activation: Option<MappingActivation>,
    /// Where the 4×4 input comes from; a learned constant, as in all public networks, when none.
    #[config(default = "None")]
    pub input: Option<SynthesisInput>,
    /// How blocks become a picture; `skip`, as in nearly all public networks, when none.
    #[config(default = "None")]
    pub architecture: Option<Architecture>,
}

/// How the blocks of the synthesis network become a picture (Karras et al. 2020, fig. 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Every block adds its colours to the upsampled picture of the block before.
    #[default]
    Skip,
    /// The last block alone has colours; features also go past the convolutions of a block.
    Resnet,
    /// The last block alone has colours: StyleGAN's.
    Orig,
}

/// Where the 4×4 input of the synthesis network comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SynthesisInput {
    /// A learned constant: StyleGAN2's.
    Constant,
    /// A learned constant and a linear layer of the first latent layer of `w_plus`.
    W,
}

/// What follows a layer of the mapping network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MappingActivation {
    /// StyleGAN2's.
    LeakyRelu,
    /// None: `w` is normal where `z` is.
    Linear,
}

impl From<MappingActivation> for Activation {
    fn from(activation: MappingActivation) -> Self {
        match activation {
            MappingActivation::LeakyRelu => Self::LeakyRelu,
            MappingActivation::Linear => Self::Linear,
        }
    }
}

/// A generator that cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The channel table does not stand for a resolution from 32 to 1024.
    #[error("{0} resolutions in `channels`, need 4 (up to 32 pixels) to 9 (up to 1024 pixels)")]
    Resolutions(usize),
    /// A width or a count is zero.
    #[error("`{0}` must not be zero")]
    Zero(&'static str),
}

impl GeneratorConfig {
    /// Checks that a generator of these sizes exists.
    ///
    /// # Errors
    /// The field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(4..=9).contains(&self.channels.len()) {
            return Err(ConfigError::Resolutions(self.channels.len()));
        }
        [
            ("z_dim", self.z_dim),
            ("w_dim", self.w_dim),
            ("mapping_layers", self.mapping_layers),
            ("channels", self.channels.iter().copied().min().unwrap_or(0)),
        ]
        .into_iter()
        .find(|&(_, size)| size == 0)
        .map_or(Ok(()), |(name, _)| Err(ConfigError::Zero(name)))
    }

    /// How the blocks become a picture.
    pub fn architecture(&self) -> Architecture {
        self.architecture.unwrap_or_default()
    }

    /// Side of the image, R.
    pub fn resolution(&self) -> usize {
        2 << self.channels.len()
    }

    /// Latent layers, `L = 2·log2(R) − 2`.
    pub fn num_ws(&self) -> usize {
        2 * self.channels.len()
    }

    /// S, the styles of all convolutions: the features that `conv1` of every block and `conv0` of all
    /// but the first read.
    pub fn style_width(&self) -> usize {
        let read_by_conv1: usize = self.channels.iter().sum();
        let read_by_conv0: usize = self.channels.iter().rev().skip(1).sum();
        read_by_conv1 + read_by_conv0
    }

    /// A generator with fresh random weights, for sizes that pass [`Self::validate`].
    pub fn init(&self, device: &Device) -> Generator {
        Generator {
            mapping: Mapping::new(self, device),
            synthesis: Synthesis::new(self, device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_table_sets_resolution_and_layers() {
        for (levels, resolution, num_ws) in [(4, 32, 8), (6, 128, 12), (7, 256, 14), (9, 1024, 18)]
        {
            let config = GeneratorConfig::new(8, 8, vec![4; levels]);
            assert_eq!(config.validate(), Ok(()));
            assert_eq!(config.resolution(), resolution);
            assert_eq!(config.num_ws(), num_ws);
        }
    }

    #[test]
    fn impossible_sizes_are_named() {
        let config = |levels| GeneratorConfig::new(8, 8, vec![4; levels]);
        assert_eq!(config(3).validate(), Err(ConfigError::Resolutions(3)));
        assert_eq!(config(10).validate(), Err(ConfigError::Resolutions(10)));
        let empty = GeneratorConfig::new(8, 8, vec![4, 4, 0, 4]);
        assert_eq!(empty.validate(), Err(ConfigError::Zero("channels")));
    }
}
