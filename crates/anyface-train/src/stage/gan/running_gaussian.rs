//! Running normal distribution of the encoder's latents.
//!
//! Random faces are sampled from it, so that their latents are distributed as those of photographs
//! (Ghosh et al. 2020, arXiv 1903.12436).

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::DMatrix;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Regularisation of the covariance for the Cholesky decomposition, as a fraction of the mean
/// variance.
const RIDGE: f64 = 1e-4;
/// Update rates of the statistics: rate per batch until the given number of images.
const RATES: [(u64, f64); 2] = [(960, 0.2), (12_000, 0.02)];
/// Update rate after that.
const FINAL_RATE: f64 = 0.004;

/// Running mean and covariance of `w`.
#[derive(Module, Debug)]
pub(super) struct RunningGaussian {
    /// Mean `[D]`. A buffer.
    mean: Param<Tensor<1>>,
    /// Covariance `[D, D]`. A buffer.
    covariance: Param<Tensor<2>>,
}

impl RunningGaussian {
    /// The standard normal distribution.
    pub(super) fn new(w_dim: usize, device: &Device) -> Self {
        Self {
            mean: Param::from_tensor(Tensor::zeros([w_dim], device)).set_require_grad(false),
            covariance: Param::from_tensor(Tensor::eye(w_dim, device)).set_require_grad(false),
        }
    }

    /// Updates the statistics with a batch `w [N, D]`, at the rate for `images_seen`.
    pub(super) fn moved(&self, w: &Tensor<2>, images_seen: u64) -> Self {
        let rate = RATES
            .iter()
            .find(|(until, _)| images_seen < *until)
            .map_or(FINAL_RATE, |&(_, rate)| rate);
        let w = w.clone().detach();
        let [n, _] = w.dims();
        let mean = self.mean.val() * (1.0 - rate) + w.clone().mean_dim(0).squeeze_dim(0) * rate;
        let centered = w - mean.clone().unsqueeze();
        let of_batch = centered.clone().transpose().matmul(centered) / n as f64;
        let covariance = self.covariance.val() * (1.0 - rate) + of_batch * rate;
        Self {
            mean: self.mean.clone().map(|_| mean.detach()),
            covariance: self.covariance.clone().map(|_| covariance.detach()),
        }
    }

    /// Random latents `[N, D]`.
    pub(super) fn sample(&self, count: usize, rng: &mut ChaCha8Rng) -> Tensor<2> {
        let [w_dim] = self.mean.dims();
        let normal = StandardNormal.sample_iter(rng);
        let z: Vec<f32> = normal.take(count * w_dim).collect();
        let z = Tensor::from_data(TensorData::new(z, [count, w_dim]), &self.mean.device());
        let [mean, root] = self.mean_and_root();
        z.matmul(root) + mean
    }

    /// Mean `[1, D]` and square root `[D, D]` of the covariance, so that `w = z·root + mean`.
    pub(super) fn mean_and_root(&self) -> [Tensor<2>; 2] {
        let covariance = self.covariance.val();
        let [w_dim, _] = covariance.dims();
        let values: Vec<f64> = covariance.into_data().iter().collect();
        let variances = (0..w_dim).map(|i| values[i * w_dim + i]).sum::<f64>() / w_dim as f64;
        let matrix = DMatrix::from_fn(w_dim, w_dim, |i, j| {
            let ridge = if i == j { RIDGE * variances } else { 0.0 };
            values[i * w_dim + j] + ridge
        });
        let root = matrix
            .cholesky()
            .expect("a regularised covariance is positive definite");
        let lower = root.l();
        // The transposed matrix, row-major.
        let root: Vec<f32> = (0..w_dim * w_dim)
            .map(|place| lower[(place % w_dim, place / w_dim)] as f32)
            .collect();
        let root = TensorData::new(root, [w_dim, w_dim]);
        [
            self.mean.val().unsqueeze(),
            Tensor::from_data(root, &self.mean.device()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn samples_have_the_moments_of_the_latents() {
        let device = Device::flex();
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let root = Tensor::<2>::from_floats([[2.0, 1.0], [0.0, 0.5]], &device);
        let mut gaussian = RunningGaussian::new(2, &device);
        for _ in 0..60 {
            let z: Vec<f32> = StandardNormal
                .sample_iter(&mut *rng)
                .take(2 * 4000)
                .collect();
            let z = Tensor::<2>::from_data(TensorData::new(z, [4000, 2]), &device);
            gaussian = gaussian.moved(&(z.matmul(root.clone()) + 3.0), 0);
        }
        let w = gaussian.sample(20_000, rng);
        let mean = w.clone().mean_dim(0);
        let centered = w - mean.clone();
        let covariance = centered.clone().transpose().matmul(centered) / 20_000.0;
        let found: Vec<f32> = mean
            .into_data()
            .iter()
            .chain(covariance.into_data().iter())
            .collect();
        for (found, expected) in found.iter().zip([3.0, 3.0, 4.0, 2.0, 2.0, 1.25]) {
            assert!((found - expected).abs() < 0.12, "{found} for {expected}");
        }
    }

    #[test]
    fn the_update_rate_falls() {
        let device = Device::flex();
        let gaussian = RunningGaussian::new(2, &device);
        let w = Tensor::<2>::ones([4, 2], &device);
        for (seen, rate) in [(0, 0.2), (960, 0.02), (12_000, 0.004)] {
            let mean = gaussian.moved(&w, seen).mean.val().into_data();
            assert!((mean.iter::<f32>().next().expect("two") - rate).abs() < 1e-6);
        }
    }
}
