//! Settings of latent optimisation.

use serde::{Deserialize, Serialize};

/// Settings of StyleCLIP's latent optimisation (Patashnik et al. 2021, arXiv 2103.17249, section
/// 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizationConfig {
    /// Adam steps.
    pub steps: usize,
    /// Peak learning rate; it warms up and decays in the last quarter.
    pub learning_rate: f64,
    /// Weight of the squared distance from the initial latent.
    pub l2: f64,
    /// Weight of the identity distance, if a recogniser is loaded.
    pub identity: f64,
}

impl Default for OptimizationConfig {
    /// The weights of `optimization/run_optimization.py` in orpatashnik/StyleCLIP, with fewer steps
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
    /// Checks that every weight is finite and at least 0.
    pub(super) fn validate(&self) -> Result<(), String> {
        let weights = [
            ("learning_rate", self.learning_rate),
            ("l2", self.l2),
            ("identity", self.identity),
        ];
        let wrong = |&(_, weight): &(&str, f64)| !(weight.is_finite() && weight >= 0.0);
        match weights.into_iter().find(wrong) {
            None => Ok(()),
            Some((name, weight)) => Err(format!(
                "optimization.{name}: {weight} is not a finite number of at least 0"
            )),
        }
    }
}
