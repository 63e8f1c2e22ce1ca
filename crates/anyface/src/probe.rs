//! The probe: a small convolutional network that reads the attributes of a face from an image.
//!
//! It is trained on renders or photographs, never on generated images, so it can measure a
//! generator. There is no normalisation between convolutions: weights use He initialisation for
//! leaky ReLU (He et al. 2015, arXiv 1502.01852), and half of the layers are residual.

use burn::config::Config;
use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use crate::image::resize_bicubic_tensor;
use crate::layers::convolve;

/// Slope of the leaky ReLU below 0.
const SLOPE: f64 = 0.1;

/// Sizes of a [`Probe`].
///
/// ```
/// use anyface::Device;
/// use anyface::probe::ProbeConfig;
/// use burn::tensor::Tensor;
///
/// let device = Device::flex();
/// let config = ProbeConfig::new(40).with_resolution(32).with_channels(vec![4, 8]);
/// let logits = config.init(&device).forward(Tensor::zeros([2, 3, 32, 32], &device));
/// assert_eq!(logits.dims(), [2, 40]);
/// ```
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ProbeConfig {
    /// R, the side of an image in pixels; a multiple of two to the power of the number of
    /// `channels`.
    #[config(default = 128)]
    pub resolution: usize,
    /// Channels after each downsampling.
    #[config(default = "vec![24, 40, 80, 128, 192]")]
    pub channels: Vec<usize>,
    /// A, the number of attributes.
    pub attributes: usize,
}

impl ProbeConfig {
    /// Creates a probe with random weights.
    pub fn init(&self, device: &Device) -> Probe {
        let inputs = std::iter::once(3).chain(self.channels.iter().copied());
        let halvings = inputs.zip(&self.channels).enumerate();
        let stages = halvings.map(|(i, (inputs, &outputs))| Stage {
            down: conv(inputs, outputs, 2, 1.0, device),
            // A second layer costs most at the highest resolution and helps little at the lowest.
            refine: (i > 0 && i + 1 < self.channels.len())
                .then(|| conv(outputs, outputs, 1, 0.5, device)),
        });
        let side = self.resolution >> self.channels.len();
        let features = self
            .channels
            .last()
            .map_or(3, |channels| channels * side * side);
        Probe {
            stages: stages.collect(),
            head: LinearConfig::new(features, self.attributes).init(device),
            resolution: self.resolution,
        }
    }
}

/// A 3×3 convolution whose output variance is `gain` times that of its input.
fn conv(inputs: usize, outputs: usize, stride: usize, gain: f64, device: &Device) -> Conv2d {
    let std = gain * (2.0 / (1.0 + SLOPE * SLOPE) / (inputs * 9) as f64).sqrt();
    Conv2dConfig::new([inputs, outputs], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_initializer(Initializer::Normal { mean: 0.0, std })
        .init(device)
}

/// Reads attributes from images.
#[derive(Module, Debug)]
pub struct Probe {
    stages: Vec<Stage>,
    head: Linear,
    resolution: usize,
}

impl Probe {
    /// Logits `[N, A]` of the attributes of `images` `[N, 3, S, S]` from −1 to 1; positive if the
    /// attribute is present. Images of another side than R are resized.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_with_features(images).0
    }

    /// Like [`Probe::forward`], with the output of every stage, `[N, C, R/2, R/2]` and smaller.
    pub fn forward_with_features(&self, images: Tensor<4>) -> (Tensor<2>, Vec<Tensor<4>>) {
        let mut features = Vec::with_capacity(self.stages.len());
        let images = resize_bicubic_tensor(images, self.resolution);
        let last = self.stages.iter().fold(images, |x, stage| {
            let x = stage.forward(x);
            features.push(x.clone());
            x
        });
        (self.head.forward(last.flatten(1, 3)), features)
    }
}

/// A convolution that halves the resolution, then an optional residual convolution.
#[derive(Module, Debug)]
struct Stage {
    down: Conv2d,
    refine: Option<Conv2d>,
}

impl Stage {
    /// `[N, C, R, R]` to `[N, C', R/2, R/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = leaky_relu(convolve(&self.down, x), SLOPE);
        match &self.refine {
            Some(refine) => x.clone() + leaky_relu(convolve(refine, x), SLOPE),
            None => x,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::load_module_bytes;
    use burn::tensor::TensorData;
    use safetensors::{SafeTensors, serialize};

    /// Made by `tools/parity/probe.py`.
    const FIXTURE: &[u8] = include_bytes!("../tests/fixtures/probe.safetensors");

    #[test]
    fn a_probe_equals_the_reference() {
        let device = Device::flex();
        let file = SafeTensors::deserialize(FIXTURE).unwrap();
        let weights = file.iter().filter(|(name, _)| !name.starts_with("io."));
        let config = ProbeConfig::new(7)
            .with_resolution(16)
            .with_channels(vec![4, 5, 6]);
        let bytes = serialize(weights, None).unwrap();
        let probe = load_module_bytes(config.init(&device), &bytes, "fixture").unwrap();
        let data = |name: &str| {
            let view = file.tensor(name).unwrap();
            let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
            TensorData::new(values, view.shape().to_vec())
        };

        let images = Tensor::from_data(data("io.images"), &device);
        let (logits, features) = probe.forward_with_features(images);

        let tolerance = burn::tensor::Tolerance::<f32>::rel_abs(1e-4, 1e-5);
        let assert_equal = |found: TensorData, name: &str| {
            found.assert_approx_eq(&data(name), tolerance);
        };
        assert_equal(logits.into_data(), "io.logits");
        for (i, feature) in features.into_iter().enumerate() {
            assert_equal(feature.into_data(), &format!("io.features.{i}"));
        }
    }

    #[test]
    fn gives_one_row_of_logits_per_image_and_stays_small() {
        let device = Device::flex();
        let probe = ProbeConfig::new(61).init(&device);
        let images = Tensor::random(
            [2, 3, 128, 128],
            burn::tensor::Distribution::Uniform(-1.0, 1.0),
            &device,
        );

        let logits = probe.forward(images.clone());
        assert_eq!(logits.dims(), [2, 61]);
        assert!(probe.num_params() < 1_000_000);

        let second = probe.forward(images.narrow(0, 1, 1));
        second.into_data().assert_approx_eq::<f32>(
            &logits.narrow(0, 1, 1).into_data(),
            burn::tensor::Tolerance::default(),
        );
    }

    #[test]
    fn images_of_other_sizes_are_resized() {
        let device = Device::flex();
        let config = ProbeConfig::new(3)
            .with_resolution(16)
            .with_channels(vec![4, 5]);
        let probe = config.init(&device);
        // A horizontal ramp, dark to bright.
        let ramp = |side: usize| {
            let values: Vec<f32> = (0..3 * side * side)
                .map(|i| (2 * (i % side) + 1) as f32 / side as f32 - 1.0)
                .collect();
            Tensor::<4>::from_data(TensorData::new(values, [1, 3, side, side]), &device)
        };
        let distance = |a: Tensor<4>, b: Tensor<4>| {
            let change = probe.forward(a) - probe.forward(b);
            change.abs().max().into_scalar::<f32>()
        };
        let other_way = distance(ramp(16), ramp(16).flip([3]));
        for side in [24, 32, 64] {
            let same = distance(ramp(16), ramp(side));
            assert!(same < 0.1 * other_way, "{side}: {same} of {other_way}");
        }
    }
}
