//! clip2latent: a diffusion prior from a CLIP feature to a latent `w` (Pinkney and Li 2022, arXiv 2210.02347).
//!
//! Reference: `latent_prior.py` of justinpinkney/clip2latent on dalle2-pytorch 0.2.38.

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

/// The network and the statistics of the latents that it was trained on.
#[derive(Module, Debug)]
pub struct Prior {
    /// Mean of `w`, `[D]`.
    pub latent_mean: Param<Tensor<1>>,
    /// Deviation of `w`, `[D]`.
    pub latent_std: Param<Tensor<1>>,
    /// Predicts a latent from a noised one.
    pub net: PriorNetwork,
}

/// How latents are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Steps: 4 and 16 are usual, at most those of training.
    pub steps: usize,
    /// How far to go beyond the prediction without words: 1 is the prediction itself, the demo's is 2.
    pub guidance: f64,
    /// Noise between steps.
    pub variance: Variance,
}

impl Default for Sampling {
    /// The reference's demo.
    fn default() -> Self {
        Self {
            steps: 4,
            guidance: 2.0,
            variance: Variance::Reference,
        }
    }
}

impl PriorConfig {
    /// A prior with fresh weights.
    pub fn init(&self, device: &Device) -> Prior {
        Prior {
            latent_mean: Param::from_tensor(Tensor::zeros([self.dim], device)),
            latent_std: Param::from_tensor(Tensor::ones([self.dim], device)),
            net: self.network(device),
        }
    }
}

impl Prior {
    /// Text features `[N, D]`, as CLIP gives them, to latents `w` `[N, D]`. `noise` `[steps, N, D]` is
    /// normal: where to start, then what is added after each step but the last. `psi` draws the
    /// latents towards their mean: 1 leaves them alone.
    ///
    /// # Panics
    /// When `noise` is of another number of steps, or they are more than those of training.
    pub fn sample(
        &self,
        features: Tensor<2>,
        noise: Tensor<3>,
        sampling: &Sampling,
        psi: f64,
    ) -> Tensor<2> {
        let [steps, n, d] = noise.dims();
        assert_eq!(steps, sampling.steps, "one draw of noise a step");
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
