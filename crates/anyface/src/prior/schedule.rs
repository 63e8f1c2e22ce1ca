//! The noise schedule (Nichol and Dhariwal 2021, arXiv 2102.09672).

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

/// Offset s of the cosine schedule, from the paper.
const OFFSET: f64 = 0.008;

/// Noise between sampling steps that are further apart than training steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variance {
    /// The noise between adjacent training steps: nearly none. The reference does this.
    Reference,
    /// The posterior variance for the actual distance of the steps.
    Posterior,
}

/// One sampling step: `x ← c1·x₀ + c2·x + σ·noise`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Time given to the network.
    pub time: usize,
    /// Weight of the predicted latent.
    pub c1: f64,
    /// Weight of the noised latent.
    pub c2: f64,
    /// Standard deviation of the added noise; not used after the last step.
    pub sigma: f64,
}

/// Remaining share of the signal's variance at each training time, descending.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    alphas_cumprod: Vec<f64>,
}

impl Schedule {
    /// The cosine schedule with `timesteps` times.
    pub fn cosine(timesteps: usize) -> Self {
        let signal = |time: usize| {
            let phase = (time as f64 / timesteps as f64 + OFFSET) / (1.0 + OFFSET);
            (phase * FRAC_PI_2).cos().powi(2)
        };
        let mut product = 1.0;
        let alphas_cumprod = (0..timesteps)
            .map(|time| {
                let beta = (1.0 - signal(time + 1) / signal(time)).min(0.999);
                product *= 1.0 - beta;
                product
            })
            .collect();
        Self { alphas_cumprod }
    }

    /// `steps` steps from the noisiest to the last, evenly spaced if they divide the training
    /// times. The distance of the noisiest step from the end equals that between steps, as in the
    /// reference.
    ///
    /// # Panics
    /// If there are no steps, or more than training times.
    pub fn respaced(&self, steps: usize, variance: Variance) -> Vec<Step> {
        let times = self.alphas_cumprod.len();
        assert!(
            (1..=times).contains(&steps),
            "{steps} steps of {times} times"
        );
        let step = |k: usize| {
            let time = k * times / steps;
            let before = k.checked_sub(1).map(|k| k * times / steps);
            let variance = match variance {
                Variance::Reference => self.posterior_variance(time, time.checked_sub(1)),
                Variance::Posterior => self.posterior_variance(time, before),
            };
            let (signal, signal_before) = (self.signal(Some(time)), self.signal(before));
            let alpha = signal / signal_before;
            Step {
                time,
                c1: (1.0 - alpha) * signal_before.sqrt() / (1.0 - signal),
                c2: (1.0 - signal_before) * alpha.sqrt() / (1.0 - signal),
                sigma: variance.sqrt(),
            }
        };
        (0..steps).rev().map(step).collect()
    }

    /// Remaining share of the signal's variance at a training time.
    pub fn alpha_cumprod(&self, time: usize) -> f64 {
        self.alphas_cumprod[time]
    }

    fn signal(&self, time: Option<usize>) -> f64 {
        time.map_or(1.0, |time| self.alpha_cumprod(time))
    }

    /// Variance at `before`, given the states at `time` and at the end.
    fn posterior_variance(&self, time: usize, before: Option<usize>) -> f64 {
        let (signal, signal_before) = (self.signal(Some(time)), self.signal(before));
        let beta = 1.0 - signal / signal_before;
        beta * (1.0 - signal_before) / (1.0 - signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: impl IntoIterator<Item = f64>, expected: &[f64]) {
        for (found, expected) in found.into_iter().zip(expected) {
            // The reference's buffers are f32 values near 1.
            let rounding = 1e-6 * expected.abs() + 2e-6;
            assert!((found - expected).abs() <= rounding, "{found} {expected}");
        }
    }

    /// Steps that do not divide the times also end at 0, and the weights of each step add up.
    #[test]
    fn sixteen_steps_reach_the_end() {
        let steps = Schedule::cosine(1000).respaced(16, Variance::Posterior);
        let times: Vec<usize> = steps.iter().map(|step| step.time).collect();
        assert_eq!(times.len(), 16);
        assert_eq!([times[0], times[1], times[15]], [937, 875, 0]);
        assert_close(
            [steps[15].c1, steps[15].c2, steps[15].sigma],
            &[1.0, 0.0, 0.0],
        );
        assert!(steps.is_sorted_by(|a, b| a.time > b.time && a.c1 < b.c1));
    }

    /// Values of the reference's buffers.
    #[test]
    fn equals_the_reference() {
        let schedule = Schedule::cosine(1000);
        let shares = [0, 250, 500, 750, 999].map(|time| schedule.alphas_cumprod[time]);
        assert_close(
            shares,
            &[
                0.999958694,
                0.845887959,
                0.492285162,
                0.143178642,
                2.4287670e-9,
            ],
        );

        let steps = schedule.respaced(4, Variance::Reference);
        assert_eq!(
            [750, 500, 250, 0],
            [0, 1, 2, 3].map(|i: usize| steps[i].time)
        );
        assert_close(
            steps.iter().map(|step| step.c1),
            &[0.580709998, 0.757250231, 0.999752622, 1.0],
        );
        assert_close(
            steps.iter().map(|step| step.c2),
            &[0.319565817, 0.231562734, 0.000246514],
        );
        assert_close(
            steps.iter().map(|step| step.sigma),
            &[0.0870026, 0.0560893, 0.0362980],
        );
        let right = schedule.respaced(4, Variance::Posterior);
        assert_close(
            right.iter().map(|step| step.sigma),
            &[0.6482394, 0.3562130, 0.0064262],
        );
    }
}
