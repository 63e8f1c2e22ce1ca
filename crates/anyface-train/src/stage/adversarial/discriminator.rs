//! Tells photographs from what the generator draws: StyleGAN2's residual discriminator (Karras et al. 2020, arXiv
//! 1912.04958), with means of four pixels in the place of its filter.

use std::f64::consts::FRAC_1_SQRT_2;

use anyface::layers::halve;
use anyface::layers::{Activation, FullyConnected, conv_same};
use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

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
    from_rgb: Convolution,
    /// From 8² → 4² up to R² → (R/2)², so that a larger one begins with the blocks of a smaller.
    blocks: Vec<Block>,
    last: Convolution,
    hidden: FullyConnected,
    logit: FullyConnected,
}

impl DiscriminatorConfig {
    /// A discriminator with fresh weights.
    pub(super) fn init(&self, device: &Device) -> Discriminator {
        let (coarse, fine) = (self.channels[0], self.channels[self.channels.len() - 1]);
        let blocks = self.channels.windows(2);
        Discriminator {
            from_rgb: Convolution::new([3, fine], 1, device),
            blocks: blocks
                .map(|pair| Block::new([pair[1], pair[0]], device))
                .collect(),
            last: Convolution::new([coarse + 1, coarse], 3, device),
            hidden: FullyConnected::new(coarse * 16, coarse, 1.0, Activation::LeakyRelu, device),
            logit: FullyConnected::new(coarse, 1, 1.0, Activation::Linear, device),
        }
    }
}

impl Discriminator {
    /// Images `[N, 3, R, R]` in ±1 to logits `[N, 1]`.
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_with_features(images).0
    }

    /// As [`Discriminator::forward`], with the output of every block, `[N, C, R/2, R/2]` and smaller.
    pub(super) fn forward_with_features(&self, images: Tensor<4>) -> (Tensor<2>, Vec<Tensor<4>>) {
        let x = self.from_rgb.forward(images, Activation::LeakyRelu);
        let mut features = Vec::with_capacity(self.blocks.len());
        let x = self.blocks.iter().rev().fold(x, |x, block| {
            let x = block.forward(x);
            features.push(x.clone());
            x
        });
        let x = self.last.forward(with_deviation(x), Activation::LeakyRelu);
        let logits = self.logit.forward(self.hidden.forward(x.flatten(1, 3)));
        (logits, features)
    }
}

/// Two convolutions and a halving, beside one around them.
#[derive(Module, Debug)]
struct Block {
    conv0: Convolution,
    conv1: Convolution,
    skip: Convolution,
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], device: &Device) -> Self {
        Self {
            conv0: Convolution::new([inputs, inputs], 3, device),
            conv1: Convolution::new([inputs, outputs], 3, device),
            skip: Convolution::new([inputs, outputs], 1, device),
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.conv0.forward(x.clone(), Activation::LeakyRelu);
        let y = halve(self.conv1.forward(y, Activation::LeakyRelu));
        (y + self.skip.forward(halve(x), Activation::Linear)) * FRAC_1_SQRT_2
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

/// A convolution that keeps the size, of weights of deviation 1 that are scaled as they are used (Karras et al. 2018), so
/// that all layers learn at the same pace.
#[derive(Module, Debug)]
struct Convolution {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl Convolution {
    fn new([inputs, outputs]: [usize; 2], kernel: usize, device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            weight: normal.init([outputs, inputs, kernel, kernel], device),
            bias: Initializer::Zeros.init([outputs], device),
        }
    }

    fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let weight = self.weight.val();
        let [_, inputs, height, width] = weight.dims();
        let weight = weight * (1.0 / ((inputs * height * width) as f64).sqrt());
        conv_same(x, weight, Some(self.bias.val()), activation)
    }
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
