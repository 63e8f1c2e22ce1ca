//! The cross-modal mapper: from CLIP features to the generator's extended latent.
//!
//! Two streams of one shape ([`Stream`]): text-to-face reads the features of any number of captions,
//! reconstruction reads the feature of an image. Cross Modal Distillation ties their hidden
//! features φ while training. Noise injection ([`inject`]) then replaces the coarse layers.
//!
//! Paper: AnyFace, CVPR 2022, arXiv 2203.15334, section 3.

mod stream;

pub use stream::{Mapped, Stream, StreamConfig};

use burn::tensor::Tensor;

/// Noise injection: the first `k` layers from `w_c`, the rest from `w_t`.
///
/// `w_s = [w_c[:k], w_t[k:]]`: a new `w_c = f(z)` is a new face of the same description.
/// With `w_c` the latent of a given face, this is the paper's manipulation.
///
/// # Shapes
/// - `w_c`, `w_t`: `[N, L, D]`, `k <= L`
/// - returns `[N, L, D]`
pub fn inject(w_c: Tensor<3>, w_t: Tensor<3>, k: usize) -> Tensor<3> {
    let layers = w_t.dims()[1];
    match k {
        0 => w_t,
        k if k >= layers => w_c,
        k => Tensor::cat(vec![w_c.narrow(1, 0, k), w_t.narrow(1, k, layers - k)], 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn injection_takes_coarse_layers_from_noise_and_fine_ones_from_text() {
        let device = Device::flex();
        let noise = Tensor::<3>::zeros([2, 5, 3], &device);
        let text = Tensor::<3>::ones([2, 5, 3], &device);
        for k in 0..=5 {
            let mixed = inject(noise.clone(), text.clone(), k);
            let per_layer: Vec<f32> = mixed.mean_dim(2).into_data().to_vec().expect("f32");
            for (i, value) in per_layer.iter().enumerate() {
                assert_eq!(*value, if i % 5 < k { 0.0 } else { 1.0 });
            }
        }
    }
}
