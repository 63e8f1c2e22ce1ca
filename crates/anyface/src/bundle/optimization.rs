//! How latents are optimised.

use serde::{Deserialize, Serialize};

/// StyleCLIP's latent optimisation (Patashnik et al. 2021, arXiv 2103.17249, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizationConfig {
    /// Steps of Adam.
    pub steps: usize,
    /// The highest learning rate; it rises at first and falls in the last quarter.
    pub learning_rate: f64,
    /// Weight of the squared distance from the latent that is started from.
    pub l2: f64,
    /// Weight of the distance between the identities, where there is a recogniser.
    pub identity: f64,
}

impl Default for OptimizationConfig {
    /// The weights of `optimization/run_optimization.py` of orpatashnik/StyleCLIP, with fewer steps
    /// than its 300.
    fn default() -> Self {
        Self {
            steps: 100,
            learning_rate: 0.1,
            l2: 0.008,
            identity: 0.005,
        }
    }
}

impl OptimizationConfig {
    /// Checks that every weight is a number from 0.
    pub(super) fn validate(&self) -> Result<(), String> {
        let weights = [
            ("learning_rate", self.learning_rate),
            ("l2", self.l2),
            ("identity", self.identity),
        ];
        let wrong = |&(_, weight): &(&str, f64)| !(weight.is_finite() && weight >= 0.0);
        match weights.into_iter().find(wrong) {
            None => Ok(()),
            Some((name, weight)) => Err(format!("optimization.{name}: {weight} is no weight")),
        }
    }
}
