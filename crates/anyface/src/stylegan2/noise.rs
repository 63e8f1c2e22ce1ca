//! Per-pixel noise of the synthesis network.

use std::borrow::Cow;

use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Source of the per-pixel noise in a forward pass.
#[derive(Debug)]
pub enum Noise<'a> {
    /// No noise.
    None,
    /// The constant maps stored in the layers, the same for every image.
    Const,
    /// New noise for every layer and image, drawn layer by layer. For training: the noise of an
    /// image depends on its batch.
    Random(&'a mut ChaCha8Rng),
}

impl Noise<'_> {
    /// [`Self::sample`] as a slice of values; `constant` is the layer's map.
    pub(super) fn values<'c>(
        &mut self,
        constant: &'c [f32],
        [n, side]: [usize; 2],
    ) -> Option<Cow<'c, [f32]>> {
        match self {
            Noise::None => None,
            Noise::Const => Some(constant.into()),
            Noise::Random(rng) => Some(draw(n * side * side, rng).into()),
        }
    }

    /// Unit noise for a layer `[n, C, side, side]`: `[1 or n, 1, side, side]`, or `None`.
    pub(super) fn sample(&mut self, constant: Tensor<2>, n: usize) -> Option<Tensor<4>> {
        match self {
            Noise::None => None,
            Noise::Const => Some(constant.unsqueeze()),
            Noise::Random(rng) => {
                let [side, _] = constant.dims();
                let values = draw(n * side * side, rng);
                let data = TensorData::new(values, [n, 1, side, side]);
                Some(Tensor::from_data(data, &constant.device()))
            }
        }
    }
}

fn draw(len: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    StandardNormal.sample_iter(rng).take(len).collect()
}
