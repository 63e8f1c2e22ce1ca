//! Integration of the flow from noise to latents, and back.

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::FlowPrior;

/// Fixed-point iterations per backward step, to find the point that the forward step starts from.
const ROUNDS_BACK: usize = 3;

/// Sampling settings of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSampling {
    /// Classifier-free guidance scale: 1 samples the prior itself; higher values follow the text
    /// more closely with less variety.
    pub guidance: f64,
    /// Euler steps.
    pub steps: usize,
}

impl Default for FlowSampling {
    /// Suitable for 16 000 training photographs.
    fn default() -> Self {
        Self {
            guidance: 2.0,
            steps: 24,
        }
    }
}

impl FlowPrior {
    /// One latent per seed, `[N, D]`, for a description of sentences with unit features `[C, E]`.
    ///
    /// The bits of a seed's latent do not depend on the other seeds.
    pub fn sample(&self, features: Tensor<2>, seeds: &[u64], sampling: FlowSampling) -> Tensor<2> {
        let condition = self.condition(features.unsqueeze(), None);
        let latents = seeds.iter().map(|&seed| {
            let noise = self.noise(seed);
            self.latents(noise, condition.clone(), sampling)
        });
        Tensor::cat(latents.collect(), 0)
    }

    /// The noise of a seed, `[1, D]`.
    pub fn noise(&self, seed: u64) -> Tensor<2> {
        let latent_dim = self.latent_dim();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise: Vec<f32> = StandardNormal
            .sample_iter(&mut rng)
            .take(latent_dim)
            .collect();
        Tensor::from_data(TensorData::new(noise, [1, latent_dim]), &self.device())
    }

    /// Latents `w [N, D]` from noise `[N, D]` under `condition`, `[N, W]` or `[1, W]`, with
    /// guidance.
    pub fn latents(
        &self,
        noise: Tensor<2>,
        condition: Tensor<2>,
        sampling: FlowSampling,
    ) -> Tensor<2> {
        let [n, _] = noise.dims();
        let FlowSampling { guidance, steps } = sampling;
        let rows = |condition: Tensor<2>| {
            let [_, width] = condition.dims();
            condition.expand([n, width])
        };
        let conditions = vec![rows(condition), rows(self.no_condition())];
        let flow = Flow::new(self, Tensor::cat(conditions, 0), steps);
        let x = (0..steps).fold(noise, |x, step| {
            let both = flow.velocity(Tensor::cat(vec![x.clone(); 2], 0), step);
            let [with_text, without_text] = [0, n].map(|first| both.clone().narrow(0, first, n));
            let velocity = without_text.clone() + (with_text - without_text) * guidance;
            x + velocity / steps as f64
        });
        self.color(x)
    }

    /// Latents `w [N, D]` from noise `[N, D]`, without text.
    pub fn unconditional_latents(&self, noise: Tensor<2>, steps: usize) -> Tensor<2> {
        let flow = Flow::unconditional(self, noise.dims()[0], steps);
        let x = (0..steps).fold(noise, |x, step| {
            x.clone() + flow.velocity(x, step) / steps as f64
        });
        self.color(x)
    }

    /// Noise `[N, D]` from which [`FlowPrior::unconditional_latents`] generates latents `w [N, D]`,
    /// up to the error of a few fixed-point iterations.
    pub fn invert(&self, w: Tensor<2>, steps: usize) -> Tensor<2> {
        let flow = Flow::unconditional(self, w.dims()[0], steps);
        (0..steps).rev().fold(self.whiten(w), |end, step| {
            (0..ROUNDS_BACK).fold(end.clone(), |start, _| {
                end.clone() - flow.velocity(start, step) / steps as f64
            })
        })
    }
}

/// The velocity at the start of every step, under constant conditions.
struct Flow<'a> {
    prior: &'a FlowPrior,
    /// Shifts of each block, `[S·N, W]`, step by step.
    shifts: Vec<Tensor<2>>,
    /// Number of conditions.
    rows: usize,
}

impl<'a> Flow<'a> {
    /// For conditions `[N, W]`.
    fn new(prior: &'a FlowPrior, conditions: Tensor<2>, steps: usize) -> Self {
        let [rows, width] = conditions.dims();
        let times: Vec<f32> = (0..steps).map(|i| i as f32 / steps as f32).collect();
        let times = TensorData::new(times, [steps, 1]);
        let times = prior.embed_time(Tensor::from_data(times, &conditions.device()));
        let contexts = times.unsqueeze_dim::<3>(1) + conditions.unsqueeze();
        Self {
            prior,
            shifts: prior.shifts(contexts.reshape([steps * rows, width])),
            rows,
        }
    }

    fn unconditional(prior: &'a FlowPrior, rows: usize, steps: usize) -> Self {
        let nothing = prior.no_condition();
        let [_, width] = nothing.dims();
        Self::new(prior, nothing.expand([rows, width]), steps)
    }

    /// Velocities `[N, D]` at `x [N, D]` and the start of a step.
    fn velocity(&self, x: Tensor<2>, step: usize) -> Tensor<2> {
        let shifts = self.shifts.iter();
        let shifts = shifts.map(|shift| shift.clone().narrow(0, step * self.rows, self.rows));
        self.prior.shifted_velocity(x, shifts.collect())
    }
}
