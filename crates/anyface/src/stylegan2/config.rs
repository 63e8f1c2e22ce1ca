//! Sizes of a generator.

use anyface_kernels::Activation;
use burn::config::Config;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Generator, Mapping, Synthesis};

/// Sizes of a StyleGAN2 generator, as stored in checkpoints and bundles.
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
    /// Z, the width of `z`.
    pub z_dim: usize,
    /// D, the width of `w`.
    pub w_dim: usize,
    /// Feature channels at 4², 8², … R². The length determines the resolution: 4 entries for 32² up
    /// to 9 for 1024².
    pub channels: Vec<usize>,
    /// Number of layers in the mapping network.
    #[config(default = 8)]
    pub mapping_layers: usize,
    /// Learning-rate multiplier of the mapping network.
    #[config(default = 0.01)]
    pub lr_multiplier: f64,
    /// Whether to normalise `z` to unit mean square before mapping.
    #[config(default = true)]
    pub normalize_z: bool,
    /// Clamps features and colours to ±this value after each layer; `None` in networks from
    /// TensorFlow.
    #[config(default = "None")]
    pub conv_clamp: Option<f64>,
    /// Activation of the mapping network; `None` means leaky ReLU, as in all public networks.
    #[config(default = "None")]
    pub mapping_activation: Option<MappingActivation>,
    /// The 4×4 input; `None` means a learned constant, as in all public networks.
    #[config(default = "None")]
    pub input: Option<SynthesisInput>,
    /// Architecture of the synthesis network; `None` means `skip`, as in nearly all public
    /// networks.
    #[config(default = "None")]
    pub architecture: Option<Architecture>,
}

/// Architecture of the synthesis network (Karras et al. 2020, fig. 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Every block adds its colours to the upsampled image of the previous block.
    #[default]
    Skip,
    /// Only the last block outputs colours; every block has a residual connection.
    Resnet,
    /// Only the last block outputs colours, as in StyleGAN.
    Orig,
}

/// The 4×4 input of the synthesis network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SynthesisInput {
    /// A learned constant, as in StyleGAN2.
    Constant,
    /// A learned constant plus a linear layer of the first latent in `w_plus`.
    W,
}

/// Activation of the mapping network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MappingActivation {
    /// Leaky ReLU, as in StyleGAN2.
    LeakyRelu,
    /// None: `w` is Gaussian if `z` is.
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

/// Invalid sizes of a generator.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The number of entries in `channels` does not match a resolution from 32 to 1024.
    #[error("`channels` has {0} entries, needs 4 (up to 32 pixels) to 9 (up to 1024 pixels)")]
    Resolutions(usize),
    /// A width or a count is zero.
    #[error("`{0}` must not be zero")]
    Zero(&'static str),
}

impl GeneratorConfig {
    /// Checks the sizes.
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

    /// Architecture of the synthesis network.
    pub fn architecture(&self) -> Architecture {
        self.architecture.unwrap_or_default()
    }

    /// R, the side of an image in pixels.
    pub fn resolution(&self) -> usize {
        2 << self.channels.len()
    }

    /// Number of latent layers, `L = 2·log2(R) − 2`.
    pub fn num_ws(&self) -> usize {
        2 * self.channels.len()
    }

    /// S, the total number of styles: input features of `conv1` of every block and of `conv0` of
    /// all blocks except the first.
    pub fn style_width(&self) -> usize {
        let read_by_conv1: usize = self.channels.iter().sum();
        let read_by_conv0: usize = self.channels.iter().rev().skip(1).sum();
        read_by_conv1 + read_by_conv0
    }

    /// Creates a generator with random weights; the sizes must pass [`Self::validate`].
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
    fn channels_determine_resolution_and_layers() {
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
