//! Fixed random mixing of frozen features across channels and scales. It stops the discriminator
//! from focusing on a subset of the features (Sauer et al. 2021, arXiv 2111.01007, section 3.2).

use anyface::layers::{Activation, conv_same};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::views::resize_matrix;

/// Channels after mixing, from the finest scale to the coarsest.
pub(super) const CHANNELS: [usize; 4] = [64, 128, 256, 512];
/// Seed of the mixing. It is the same for all runs, so that a run can continue another one.
const SEED: u64 = 0x5EED;

/// Random mixing weights.
pub(super) struct Mixing {
    /// Channel mixing of each tap, `[C, C_tap, 1, 1]`.
    across: Vec<Tensor<4>>,
    /// From each scale but the finest to the next finer one, `[C_finer, C, 1, 1]`.
    down: Vec<Tensor<4>>,
    /// Bilinear upsampling of a plane of each coarser scale by 2, `[H·H, 4·H·H]`.
    doubling: Vec<Tensor<2>>,
}

impl Mixing {
    /// Weights for taps `[N, C_tap, H, H]`. Each tap has half the side of the previous one.
    pub(super) fn of(taps: &[Tensor<4>; 4]) -> Self {
        let device = &taps[0].device();
        let rng = &mut ChaCha8Rng::seed_from_u64(SEED);
        let across = CHANNELS.iter().zip(taps);
        let across = across.map(|(&outputs, tap)| kaiming([outputs, tap.dims()[1]], rng, device));
        let across = across.collect();
        let down = CHANNELS.windows(2);
        Self {
            across,
            down: down
                .map(|pair| kaiming([pair[0], pair[1]], rng, device))
                .collect(),
            doubling: taps[1..]
                .iter()
                .map(|tap| doubling(tap.dims()[3], device))
                .collect(),
        }
    }

    /// Taps `[N, C_tap, H, H]` to mixed features `[N, C, H, H]` of the same scales.
    pub(super) fn forward(&self, taps: [Tensor<4>; 4]) -> Vec<Tensor<4>> {
        let taps = taps.into_iter().zip(&self.across);
        let mut features: Vec<_> = taps.map(|(tap, weight)| pointwise(tap, weight)).collect();
        for scale in (1..CHANNELS.len()).rev() {
            let coarser = pointwise(features[scale].clone(), &self.down[scale - 1]);
            let coarser = self.double(coarser, scale);
            features[scale - 1] = features[scale - 1].clone() + coarser;
        }
        features
    }

    /// Bilinear upsampling of a scale: `[N, C, H, H]` to `[N, C, 2H, 2H]`.
    fn double(&self, x: Tensor<4>, scale: usize) -> Tensor<4> {
        let [n, c, height, width] = x.dims();
        let planes = x.reshape([n * c, height * width]);
        let doubled = planes.matmul(self.doubling[scale - 1].clone());
        doubled.reshape([n, c, 2 * height, 2 * width])
    }
}

fn pointwise(x: Tensor<4>, weight: &Tensor<4>) -> Tensor<4> {
    conv_same(x, weight.clone(), None, Activation::Linear)
}

/// Normal weights `[O, I, 1, 1]` that preserve the mean square through a ReLU (He et al. 2015,
/// arXiv 1502.01852).
fn kaiming([outputs, inputs]: [usize; 2], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
    let std = (2.0 / inputs as f32).sqrt();
    let normal = StandardNormal.sample_iter(rng).map(|x: f32| x * std);
    let weights: Vec<f32> = normal.take(outputs * inputs).collect();
    Tensor::from_data(TensorData::new(weights, [outputs, inputs, 1, 1]), device)
}

/// Bilinear upsampling of a plane by 2 in both directions, as one matrix.
fn doubling(side: usize, device: &Device) -> Tensor<2> {
    let axis = resize_matrix([0, side], 2 * side);
    let doubled = 2 * side;
    let mut matrix = vec![0.0f32; side * side * doubled * doubled];
    for (place, value) in matrix.iter_mut().enumerate() {
        let (from, to) = (place / (doubled * doubled), place % (doubled * doubled));
        let row = axis[to / doubled][from / side];
        let column = axis[to % doubled][from % side];
        *value = row * column;
    }
    Tensor::from_data(
        TensorData::new(matrix, [side * side, doubled * doubled]),
        device,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_depends_on_the_coarser_ones() {
        let device = Device::flex();
        let taps = |coarsest: f64| {
            let value = |i| if i == 3 { coarsest } else { 1.0 };
            std::array::from_fn(|i| Tensor::full([1, 2 + i, 8 >> i, 8 >> i], value(i), &device))
        };
        let mixing = Mixing::of(&taps(1.0));
        let [before, after] = [1.0, 2.0].map(|coarsest| mixing.forward(taps(coarsest)));
        for (scale, (before, after)) in before.into_iter().zip(after).enumerate() {
            assert_eq!(before.dims()[1], CHANNELS[scale]);
            let change = (before - after).abs().mean().into_scalar::<f32>();
            assert!(change > 0.0, "scale {scale} does not change");
        }
    }
}
