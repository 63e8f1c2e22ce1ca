//! Projected discriminators, one per scale of frozen features (Sauer et al. 2021,
//! arXiv 2111.01007).

use anyface::layers::{Activation, batch_norm_leaky_relu, conv_same, depthwise, halve};
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

/// Side of the features at the logits.
const COARSEST: usize = 4;
/// Minimum and maximum channels of a block's output.
const CHANNELS: [usize; 2] = [128, 512];
/// Group size of the minibatch standard deviation.
const GROUP: usize = 4;
/// Added to squared norms.
const EPSILON: f64 = 1e-12;

/// Discriminators of one view, from the finest scale to the coarsest.
#[derive(Module, Debug)]
pub(super) struct Discriminator {
    scales: Vec<ScaleDiscriminator>,
}

impl Discriminator {
    /// Random weights. `channels` are those of the scales. The first scale has side `finest`, each
    /// other half the side of the previous one.
    pub(super) fn new(channels: &[usize], finest: usize, device: &Device) -> Self {
        let scales = channels.iter().enumerate();
        Self {
            scales: scales
                .map(|(i, &channels)| ScaleDiscriminator::new(channels, finest >> i, device))
                .collect(),
        }
    }

    /// Features `[N, C, H, H]` of all scales to logits `[N, 16·scales]`, positive for photographs.
    pub(super) fn forward(&self, features: &[Tensor<4>]) -> Tensor<2> {
        let scales = self.scales.iter().zip(features);
        let logits = scales.map(|(scale, x)| scale.forward(x.clone()));
        Tensor::cat(logits.collect(), 1)
    }

    /// Runs one power iteration for the spectral norms.
    pub(super) fn power_iteration(mut self) -> Self {
        for scale in &mut self.scales {
            scale.logits.power_iteration();
            for block in &mut scale.blocks {
                block.depthwise.power_iteration();
                block.pointwise.power_iteration();
            }
        }
        self
    }
}

/// Discriminator of one scale: blocks down to 4×4, then one logit per position.
#[derive(Module, Debug)]
struct ScaleDiscriminator {
    blocks: Vec<Block>,
    logits: SpectralConv,
}

impl ScaleDiscriminator {
    fn new(mut channels: usize, mut side: usize, device: &Device) -> Self {
        let mut blocks = Vec::new();
        let [fewest, most] = CHANNELS;
        while side > COARSEST {
            let outputs = channels.clamp(fewest, most);
            blocks.push(Block::new([channels, outputs], true, device));
            (channels, side) = (outputs, side / 2);
        }
        if blocks.is_empty() {
            blocks.push(Block::new([channels; 2], false, device));
        }
        Self {
            blocks,
            logits: SpectralConv::new([1, channels + 1, 3, 3], device),
        }
    }

    /// `[N, C, H, H]` to logits `[N, 16]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let weight = self.logits.weight();
        conv_same(with_deviation(x), weight, None, Activation::Linear).flatten(1, 3)
    }
}

/// A separable convolution with batch normalisation, and optionally downsampling by 2.
#[derive(Module, Debug)]
struct Block {
    depthwise: SpectralConv,
    pointwise: SpectralConv,
    /// Scale of the normalisation, `[C]`.
    scale: Param<Tensor<1>>,
    shift: Param<Tensor<1>>,
    halves: bool,
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], halves: bool, device: &Device) -> Self {
        Self {
            depthwise: SpectralConv::new([inputs, 1, 3, 3], device),
            pointwise: SpectralConv::new([outputs, inputs, 1, 1], device),
            scale: Initializer::Ones.init([outputs], device),
            shift: Initializer::Zeros.init([outputs], device),
            halves,
        }
    }

    /// `[N, C, H, W]` to `[N, C', H, W]`, or `[N, C', H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = depthwise(x, self.depthwise.weight(), None, 1, Activation::Linear);
        let x = conv_same(x, self.pointwise.weight(), None, Activation::Linear);
        let x = batch_norm_leaky_relu(x, self.scale.val(), self.shift.val());
        match self.halves {
            true => halve(x),
            false => x,
        }
    }
}

/// A convolution with spectral normalisation (Miyato et al. 2018, arXiv 1802.05957).
#[derive(Module, Debug)]
struct SpectralConv {
    /// `[C_out, C_in, k, k]`, initialised as in PyTorch.
    weight: Param<Tensor<4>>,
    /// Estimate of the left singular vector, `[C_out, 1]`. A buffer.
    left: Param<Tensor<2>>,
}

impl SpectralConv {
    fn new(shape: [usize; 4], device: &Device) -> Self {
        let [outputs, inputs, height, width] = shape;
        let bound = ((inputs * height * width) as f64).sqrt().recip();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        let normal = Initializer::Normal {
            mean: 0.0,
            std: (outputs as f64).sqrt().recip(),
        };
        Self {
            weight: uniform.init(shape, device),
            left: normal.init([outputs, 1], device).set_require_grad(false),
        }
    }

    /// The weight as a matrix `[C_out, C_in·k·k]`, and its left and right singular vectors after
    /// one power iteration.
    fn singular_vectors(&self) -> [Tensor<2>; 3] {
        let [outputs, inputs, height, width] = self.weight.dims();
        let matrix = self
            .weight
            .val()
            .reshape([outputs, inputs * height * width]);
        let fixed = matrix.clone().detach();
        let right = unit(fixed.clone().transpose().matmul(self.left.val().detach()));
        let left = unit(fixed.matmul(right.clone()));
        [matrix, left, right]
    }

    /// `W/σ`, with gradients through `W` and `σ`.
    fn weight(&self) -> Tensor<4> {
        let [matrix, left, right] = self.singular_vectors();
        let sigma = left.transpose().matmul(matrix.clone()).matmul(right);
        (matrix / sigma).reshape(self.weight.dims())
    }

    fn power_iteration(&mut self) {
        let [_, left, _] = self.singular_vectors();
        self.left = self.left.clone().map(|_| left);
    }
}

fn unit(x: Tensor<2>) -> Tensor<2> {
    let norm = (x.clone().square().sum() + EPSILON).sqrt();
    x / norm.unsqueeze()
}

/// Minibatch standard deviation (Karras et al. 2018, arXiv 1710.10196): adds a channel with the
/// mean standard deviation within a group, `[N, C, H, W]` to `[N, C + 1, H, W]`. If N is not a
/// multiple of the group size, the whole batch is one group.
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn the_deviation_of_a_group_is_a_channel() {
        let device = Device::flex();
        // Image i is in group i mod 2. The images of the first group are equal. Those of the second
        // differ from their mean by 1.
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
    fn the_largest_singular_value_is_normalised_to_one() {
        let device = Device::flex();
        let mut conv = SpectralConv::new([2, 3, 1, 1], &device);
        // Singular values 3 and 1.
        let matrix = Tensor::<2>::from_floats([[0.0, 3.0, 0.0], [1.0, 0.0, 0.0]], &device);
        conv.weight = conv.weight.map(|_| matrix.reshape([2, 3, 1, 1]));
        for _ in 0..20 {
            conv.power_iteration();
        }
        let found: Vec<f32> = conv.weight().into_data().iter().collect();
        for (found, expected) in found.iter().zip([0.0, 1.0, 0.0, 1.0 / 3.0, 0.0, 0.0]) {
            assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
        }
    }

    #[test]
    fn every_scale_has_sixteen_logits() {
        let device = Device::flex();
        let discriminator = Discriminator::new(&[6, 8], 8, &device);
        let features = [[3, 6, 8, 8], [3, 8, 4, 4]]
            .map(|shape| Tensor::random(shape, Distribution::Default, &device));
        let logits = discriminator.power_iteration().forward(&features);
        assert_eq!(logits.dims(), [3, 32]);
        assert!(logits.into_data().iter::<f32>().all(f32::is_finite));
    }
}
