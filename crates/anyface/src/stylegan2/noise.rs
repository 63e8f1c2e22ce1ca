//! Per-pixel noise of the synthesis network.

use burn::tensor::{Device, Tensor, TensorData};
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
    /// Unit noise for a layer of `[n, C, side, side]`: `[1 or n, 1, side, side]`, or nothing.
    pub(super) fn sample(&mut self, constant: Tensor<2>, n: usize) -> Option<Tensor<4>> {
        match self {
            Noise::None => None,
            Noise::Const => Some(constant.unsqueeze()),
            Noise::Random(rng) => {
                let [side, _] = constant.dims();
                Some(draw([n, 1, side, side], rng, &constant.device()))
            }
        }
    }
}

fn draw(shape: [usize; 4], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = StandardNormal
        .sample_iter(rng)
        .take(shape.iter().product())
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
