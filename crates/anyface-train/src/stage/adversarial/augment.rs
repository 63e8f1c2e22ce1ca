//! Differentiable augmentation (Zhao et al. 2020, arXiv 2006.10738): the discriminator sees drawn and real images changed
//! in the same ways, so a small set of photographs cannot be learned by heart.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Most that an image is moved, as a part of its side.
const SHIFT: f64 = 0.125;

/// Changes each of `images [N, 3, R, R]`: brightness by up to ±0.5, saturation from none to double, contrast from half to
/// one and a half, then moved by up to an eighth of its side, with zeros behind.
pub(super) fn augment(images: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let [n, ..] = images.dims();
    let device = images.device();
    let images = images + each(n, -0.5..0.5, rng, &device);
    let gray = images.clone().mean_dim(1);
    let images = (images - gray.clone()) * each(n, 0.0..2.0, rng, &device) + gray;
    let mean = images.clone().mean_dim(1).mean_dim(2).mean_dim(3);
    let images = (images - mean.clone()) * each(n, 0.5..1.5, rng, &device) + mean;
    shift(images, rng)
}

/// One number an image, `[N, 1, 1, 1]`.
fn each(n: usize, range: std::ops::Range<f32>, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
    column(
        (0..n).map(|_| rng.random_range(range.clone())).collect(),
        device,
    )
}

fn column(values: Vec<f32>, device: &Device) -> Tensor<4> {
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n, 1, 1, 1]), device)
}

fn shift(images: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let [n, _, side, _] = images.dims();
    let most = (side as f64 * SHIFT) as usize;
    let padded = images.pad((most, most, most, most), 0.0);
    let moved = (0..n).map(|i| {
        let [top, left] = [0, 0].map(|_: usize| rng.random_range(0..=2 * most));
        let image = padded.clone().narrow(0, i, 1);
        image.narrow(2, top, side).narrow(3, left, side)
    });
    Tensor::cat(moved.collect(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn images() -> Tensor<4> {
        let values: Vec<f32> = (0..6 * 3 * 64)
            .map(|i| (i % 29) as f32 / 15.0 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, [6, 3, 8, 8]), &Device::flex())
    }

    fn values(x: Tensor<4>) -> Vec<f32> {
        x.into_data().iter().collect()
    }

    #[test]
    fn augmentation_follows_its_seed() {
        let changed = |seed| values(augment(images(), &mut ChaCha8Rng::seed_from_u64(seed)));
        assert_eq!(changed(1), changed(1));
        assert_ne!(changed(1), changed(2));
        assert!(changed(1).iter().all(|x| x.is_finite()));
    }

    #[test]
    fn a_shift_moves_whole_pixels() {
        let rng = &mut ChaCha8Rng::seed_from_u64(5);
        let one = images().narrow(0, 0, 1);
        let moved = shift(one.clone(), rng);
        assert_eq!(moved.dims(), one.dims());
        let known = values(one);
        assert!(values(moved).iter().all(|x| *x == 0.0 || known.contains(x)));
    }
}
