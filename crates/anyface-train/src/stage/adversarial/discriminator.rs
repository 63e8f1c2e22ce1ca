//! Tells photographs from what the generator draws: residual, without equalised learning rates.

use anyface::layers::{convolve, halve};
use anyface::stylegan2::Activation;
use anyface::stylegan2::styled_conv::conv3x3;
use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

const SLOPE: f64 = 0.2;
/// Images whose deviation each of them sees.
const GROUP: usize = 4;

/// Sizes of a [`Discriminator`].
#[derive(Config, Debug)]
pub(super) struct DiscriminatorConfig {
    /// Feature channels at 4², 8², … R².
    pub(super) channels: Vec<usize>,
}

/// One logit an image: above 0 where it takes it for a photograph.
#[derive(Module, Debug)]
pub(super) struct Discriminator {
    from_rgb: Conv2d,
    /// From 8² → 4² up to R² → (R/2)², so that a larger one begins with the blocks of a smaller.
    blocks: Vec<Block>,
    last: Conv2d,
    hidden: Linear,
    logit: Linear,
}

impl DiscriminatorConfig {
    /// A discriminator with fresh weights.
    pub(super) fn init(&self, device: &Device) -> Discriminator {
        let (coarse, fine) = (self.channels[0], self.channels[self.channels.len() - 1]);
        let blocks = self.channels.windows(2);
        Discriminator {
            from_rgb: conv([3, fine], 1, device),
            blocks: blocks
                .map(|pair| Block::new([pair[1], pair[0]], device))
                .collect(),
            last: conv([coarse + 1, coarse], 3, device),
            hidden: linear([coarse * 16, coarse], device),
            logit: linear([coarse, 1], device),
        }
    }
}

impl Discriminator {
    /// Images `[N, 3, R, R]` in ±1 to logits `[N, 1]`.
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = convolve_and_activate(&self.from_rgb, images);
        let x = self
            .blocks
            .iter()
            .rev()
            .fold(x, |x, block| block.forward(x));
        let x = convolve_and_activate(&self.last, with_deviation(x));
        let x = leaky_relu(self.hidden.forward(x.flatten(1, 3)), SLOPE) * SQRT_2;
        self.logit.forward(x)
    }
}

/// Two convolutions and a halving, beside one around them.
#[derive(Module, Debug)]
struct Block {
    conv0: Conv2d,
    conv1: Conv2d,
    skip: Conv2d,
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], device: &Device) -> Self {
        Self {
            conv0: conv([inputs, inputs], 3, device),
            conv1: conv([inputs, outputs], 3, device),
            skip: conv([inputs, outputs], 1, device),
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = convolve_and_activate(&self.conv0, x.clone());
        let y = halve(convolve_and_activate(&self.conv1, y));
        (y + convolve(&self.skip, halve(x))) * FRAC_1_SQRT_2
    }
}

/// Minibatch standard deviation (Karras et al. 2018, arXiv 1710.10196): a channel that says how much the images of a
/// group differ, `[N, C, H, W]` to `[N, C + 1, H, W]`. A batch that no group divides is one group.
fn with_deviation(x: Tensor<4>) -> Tensor<4> {
    let [n, c, height, width] = x.dims();
    let group = if n.is_multiple_of(GROUP) { GROUP } else { n };
    let groups = x.clone().reshape([group, n / group, c, height, width]);
    let centered = groups.clone() - groups.mean_dim(0);
    let deviation = (centered.square().mean_dim(0) + 1e-8).sqrt();
    let mean = deviation.mean_dim(2).mean_dim(3).mean_dim(4);
    let channel = mean
        .repeat_dim(0, group)
        .reshape([n, 1, 1, 1])
        .expand([n, 1, height, width]);
    Tensor::cat(vec![x, channel], 1)
}

/// With leaky ReLU of gain √2, as StyleGAN2's.
fn convolve_and_activate(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let bias = conv.bias.as_ref().map(Param::val);
    conv3x3(x, conv.weight.val(), bias, Activation::LeakyRelu)
}

/// Drawn for leaky ReLU (He et al. 2015, arXiv 1502.01852) of gain √2.
fn initializer(fan_in: usize) -> Initializer {
    let std = (1.0 / (1.0 + SLOPE * SLOPE) / fan_in as f64).sqrt();
    Initializer::Normal { mean: 0.0, std }
}

fn conv([inputs, outputs]: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    let padding = kernel / 2;
    Conv2dConfig::new([inputs, outputs], [kernel; 2])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .with_initializer(initializer(inputs * kernel * kernel))
        .init(device)
}

fn linear([inputs, outputs]: [usize; 2], device: &Device) -> Linear {
    LinearConfig::new(inputs, outputs)
        .with_initializer(initializer(inputs))
        .init(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn images_of_a_group_see_how_much_they_differ() {
        let device = Device::flex();
        // Two groups of four: the first all the same, images i and i + 2 of the second 2 apart.
        let mut values = vec![1.0f32; 8];
        for (i, place) in [1, 3, 5, 7].into_iter().enumerate() {
            values[place] = if i < 2 { 0.0 } else { 2.0 };
        }
        let x = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([8, 1, 1, 1]);
        let seen: Vec<f32> = with_deviation(x)
            .narrow(1, 1, 1)
            .into_data()
            .iter()
            .collect();
        for (i, &deviation) in seen.iter().enumerate() {
            let expected = if i % 2 == 0 { 1e-4 } else { 1.0 };
            assert!(
                (deviation - expected).abs() < 1e-3,
                "image {i}: {deviation}"
            );
        }
    }

    #[test]
    fn one_logit_an_image() {
        let device = Device::flex();
        let discriminator = DiscriminatorConfig::new(vec![8, 6, 4, 4]).init(&device);
        let images = Tensor::random([3, 3, 32, 32], Distribution::Default, &device);
        let logits = discriminator.forward(images);
        assert_eq!(logits.dims(), [3, 1]);
        assert!(logits.into_data().iter::<f32>().all(f32::is_finite));
    }
}
