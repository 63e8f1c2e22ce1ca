//! clip2latent: a diffusion prior from a CLIP feature to a latent `w` (Pinkney and Li 2022, arXiv
//! 2210.02347).
//!
//! Reference: `latent_prior.py` of justinpinkney/clip2latent, with dalle2-pytorch 0.2.38.

mod attention;
mod network;
mod schedule;

pub use network::{PriorConfig, PriorNetwork};
pub use schedule::{Schedule, Step, Variance};

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::layers::l2_normalize;

/// The network, and the statistics of its training latents.
#[derive(Module, Debug)]
pub struct Prior {
    /// Mean of the training latents, `[D]`.
    pub latent_mean: Param<Tensor<1>>,
    /// Standard deviation of the training latents, `[D]`.
    pub latent_std: Param<Tensor<1>>,
    /// Predicts a latent from a noised latent.
    pub net: PriorNetwork,
}

/// Sampling settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Number of steps, at most the number of training steps; 4 and 16 are usual.
    pub steps: usize,
    /// Classifier-free guidance scale: 1 is the conditional prediction; the reference's demo
    /// uses 2.
    pub guidance: f64,
    /// Noise between steps.
    pub variance: Variance,
    /// Length to which features are scaled first: that of the training features. `None` keeps
    /// CLIP's length, as in the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_length: Option<f64>,
}

impl Default for Sampling {
    /// The settings of the reference's demo.
    fn default() -> Self {
        Self {
            steps: 4,
            guidance: 2.0,
            variance: Variance::Reference,
            feature_length: None,
        }
    }
}

impl PriorConfig {
    /// Creates a prior with random weights.
    pub fn init(&self, device: &Device) -> Prior {
        Prior {
            latent_mean: Param::from_tensor(Tensor::zeros([self.dim], device)),
            latent_std: Param::from_tensor(Tensor::ones([self.dim], device)),
            net: self.network(device),
        }
    }
}

impl Prior {
    /// Maps text features `[N, D]`, as CLIP outputs them, to latents `w` `[N, D]`. `noise`
    /// `[steps, N, D]` is Gaussian: the start, then the noise added after each step except the
    /// last. `psi` moves the latents towards their mean; 1 has no effect.
    ///
    /// # Panics
    /// If `noise` has another number of steps, or there are more steps than in training.
    pub fn sample(
        &self,
        features: Tensor<2>,
        noise: Tensor<3>,
        sampling: &Sampling,
        psi: f64,
    ) -> Tensor<2> {
        let [steps, n, d] = noise.dims();
        assert_eq!(steps, sampling.steps, "one noise sample per step");
        let features = match sampling.feature_length {
            Some(length) => l2_normalize(features) * length,
            None => features,
        };
        let draw = |step: usize| noise.clone().narrow(0, step, 1).reshape([n, d]);
        let schedule = Schedule::cosine(self.net.num_timesteps());
        let respaced = schedule.respaced(steps, sampling.variance);
        let mut x = draw(0);
        for (
            step,
            Step {
                time,
                c1,
                c2,
                sigma,
            },
        ) in respaced.into_iter().enumerate()
        {
            let predicted = self.predict(x.clone(), time, features.clone(), sampling.guidance);
            x = predicted * c1 + x * c2;
            if step + 1 < steps {
                x = x + draw(step + 1) * sigma;
            }
        }
        let mean = self.latent_mean.val().unsqueeze::<2>();
        let w = x * self.latent_std.val().unsqueeze() + mean.clone();
        mean.clone() + (w - mean) * psi
    }

    /// Sets the statistics of training latents `[N, D]`.
    #[must_use]
    pub fn fitted(mut self, w: &Tensor<2>) -> Self {
        let device = self.latent_mean.device();
        let (variance, mean) = w.clone().var_mean(0);
        let row = |x: Tensor<2>| Tensor::<1>::from_data(x.squeeze_dim::<1>(0).into_data(), &device);
        let set = |param: Param<Tensor<1>>, value| param.map(|_| value).set_require_grad(false);
        self.latent_mean = set(self.latent_mean, row(mean));
        self.latent_std = set(self.latent_std, row(variance.sqrt()));
        self
    }

    /// Normalises latents `w [N, D]` for the network: mean 0, standard deviation 1.
    pub fn normalize(&self, w: Tensor<2>) -> Tensor<2> {
        (w - self.latent_mean.val().unsqueeze()) / self.latent_std.val().unsqueeze()
    }

    /// The noise of a seed, `[steps, 1, D]`.
    pub fn noise(&self, seed: u64, steps: usize) -> Tensor<3> {
        let [dim] = self.latent_mean.dims();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise = StandardNormal.sample_iter(&mut rng).take(steps * dim);
        let noise = TensorData::new(noise.collect::<Vec<f32>>(), [steps, 1, dim]);
        Tensor::from_data(noise, &self.latent_mean.device())
    }

    fn predict(&self, x: Tensor<2>, time: usize, features: Tensor<2>, guidance: f64) -> Tensor<2> {
        let with_words = self.net.forward(x.clone(), time, features.clone(), true);
        if guidance == 1.0 {
            return with_words;
        }
        let without = self.net.forward(x, time, features, false);
        without.clone() + (with_words - without) * guidance
    }
}
