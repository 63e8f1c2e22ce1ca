//! Optimiser of a run: Adam or Muon with schedule, parameter groups and clipping of the global
//! gradient norm.

use std::f64::consts::PI;
use std::path::Path;

use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::store::RecordError;
use burn::tensor::Tensor;

use super::config::{GroupConfig, OptimizerKind, RunConfig};
use super::elementwise::sum_of_squares;
use super::muon::{Muon, matrix_of};

/// The optimiser of a run.
pub(super) struct RunOptimizer {
    optimizer: ModuleOptimizer,
    config: RunConfig,
}

impl RunOptimizer {
    pub(super) fn new(config: &RunConfig) -> Self {
        let base = match config.optimizer {
            OptimizerKind::Adam => adam(config.betas).init(),
            OptimizerKind::Muon => ModuleOptimizer::from(Muon::new(config.betas)),
        };
        let optimizer = config.groups.iter().fold(base, |optimizer, group| {
            let betas = group.betas.unwrap_or(config.betas);
            let parameters = ParamGroup::from_predicate(group.path.as_str());
            match (group.optimizer, group.betas) {
                (None, None) => optimizer,
                (kind, _) => match kind.unwrap_or(config.optimizer) {
                    OptimizerKind::Adam => {
                        optimizer.with_group(parameters, adam(betas).build(), None)
                    }
                    OptimizerKind::Muon => optimizer.with_group(parameters, Muon::new(betas), None),
                },
            }
        });
        Self {
            optimizer,
            config: config.clone(),
        }
    }

    /// Saves the optimiser state as a burnpack file.
    pub(super) fn save(&self, path: &Path) -> Result<(), RecordError> {
        self.optimizer.save(path)
    }

    pub(super) fn load(mut self, path: &Path) -> Result<Self, RecordError> {
        self.optimizer = self.optimizer.load(path)?;
        Ok(self)
    }

    /// One update of `model`. `step` starts at 0. Returns the model and the gradient norm before
    /// clipping. If the norm is not finite, the model is unchanged.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        gradients: GradientsParams,
        step: u64,
    ) -> (M, f64) {
        let mut gradients = Gradients {
            gradients,
            squares: 0.0,
            scale: None,
        };
        model.visit(&mut gradients);
        let norm = gradients.squares.sqrt();
        if !norm.is_finite() {
            return (model, norm);
        }
        if let Some(limit) = self
            .config
            .clip_norm
            .filter(|&limit| norm > f64::from(limit))
        {
            gradients.scale = Some(f64::from(limit) / norm);
            model.visit(&mut gradients);
        }
        let rates = self.learning_rates(&model, step);
        (self.optimizer.step(rates, model, gradients.gradients), norm)
    }

    /// Learning rate of every parameter. If several groups match, the last one applies.
    fn learning_rates<M: Module>(&self, model: &M, step: u64) -> ModuleLearningRate {
        let config = &self.config;
        let schedule = schedule(config, step);
        let mut rates = ModuleLrScheduler::new(config.learning_rate * schedule);
        for group in &config.groups {
            rates = with_rate(rates, group, schedule);
        }
        if let Some(rate) = config.adam_learning_rate {
            let mut thin = ThinParameters(Vec::new());
            model.visit(&mut thin);
            rates = rates.with_group(ParamGroup::from_ids(thin.0), rate * schedule);
            for group in &config.groups {
                if group.optimizer == Some(OptimizerKind::Adam) {
                    rates = with_rate(rates, group, schedule);
                }
            }
        }
        rates.step()
    }
}

fn adam(betas: [f32; 2]) -> AdamConfig {
    AdamConfig::new()
        .with_beta_1(betas[0])
        .with_beta_2(betas[1])
        .with_epsilon(1e-8)
}

fn with_rate(rates: ModuleLrScheduler, group: &GroupConfig, schedule: f64) -> ModuleLrScheduler {
    let parameters = ParamGroup::from_predicate(group.path.as_str());
    rates.with_group(parameters, group.learning_rate * schedule)
}

/// Collects the parameters that Muon leaves to Adam.
struct ThinParameters(Vec<ParamId>);

impl ModuleVisitor for ThinParameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if matrix_of(&param.val().dims()).is_none() {
            self.0.push(param.id);
        }
    }
}

/// Learning rate as a fraction of the peak: linear warm-up, then half a cosine down to
/// `final_fraction` at the last step.
pub(super) fn schedule(config: &RunConfig, step: u64) -> f64 {
    if step < config.warmup_steps {
        return (step + 1) as f64 / config.warmup_steps as f64;
    }
    let length = config.steps.saturating_sub(config.warmup_steps).max(1);
    let progress = ((step - config.warmup_steps) as f64 / length as f64).min(1.0);
    let cosine = 0.5 + 0.5 * (PI * progress).cos();
    config.final_fraction + (1.0 - config.final_fraction) * cosine
}

/// Visitor of gradients. Sums their squares if `scale` is `None`, otherwise multiplies them by it.
struct Gradients {
    gradients: GradientsParams,
    squares: f64,
    scale: Option<f64>,
}

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.scale {
            None => {
                if let Some(gradient) = self.gradients.get::<D>(param.id) {
                    self.squares += sum_of_squares(gradient);
                }
            }
            Some(scale) => {
                if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                    self.gradients
                        .register(param.id, gradient.mul_scalar(scale));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_warms_up_then_decays() {
        let config: RunConfig = toml::from_str(
            "out='x'\nseed=1\nsteps=110\nlearning_rate=1.0\nwarmup_steps=10\nfinal_fraction=0.1\n\
             checkpoint_every=1\nsample_every=1",
        )
        .expect("a configuration");
        assert!((schedule(&config, 0) - 0.1).abs() < 1e-12);
        assert!((schedule(&config, 10) - 1.0).abs() < 1e-12);
        assert!((schedule(&config, 60) - 0.55).abs() < 1e-12);
        assert!((schedule(&config, 110) - 0.1).abs() < 1e-12);
    }
}
