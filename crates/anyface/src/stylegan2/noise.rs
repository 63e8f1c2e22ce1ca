//! Per-pixel noise of the synthesis network.

use std::borrow::Cow;

use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Where the noise of a forward pass comes from.
#[derive(Debug)]
pub enum Noise<'a> {
    /// No noise.
    None,
    /// The maps stored in the layers, the same for every image.
    Const,
    /// Fresh noise for every layer and image, drawn layer by layer: for training, since what an image gets depends on the
    /// batch it is in.
    Random(&'a mut ChaCha8Rng),
}

impl Noise<'_> {
    /// [`Self::sample`] as numbers, with `constant` as those of the layer.
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

    /// Unit noise for a layer of `[n, C, side, side]`: `[1 or n, 1, side, side]`, or nothing.
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
