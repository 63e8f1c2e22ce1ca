//! Adam or Muon with a schedule, parameter groups and clipping by the norm of the whole gradient.

use std::f64::consts::PI;
use std::path::Path;

use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::store::RecordError;
use burn::tensor::Tensor;

use super::config::{OptimizerKind, RunConfig};
use super::muon::Muon;

/// The optimiser of a run.
pub(super) struct RunOptimizer {
    optimizer: ModuleOptimizer,
    config: RunConfig,
}

impl RunOptimizer {
    pub(super) fn new(config: &RunConfig) -> Self {
        let betas = config.betas;
        let optimizer = match config.optimizer {
            OptimizerKind::Adam => AdamConfig::new()
                .with_beta_1(betas[0])
                .with_beta_2(betas[1])
                .with_epsilon(1e-8)
                .init(),
            OptimizerKind::Muon => ModuleOptimizer::from(Muon::new(betas)),
        };
        Self {
            optimizer,
            config: config.clone(),
        }
    }

    /// The moments of every parameter, as a burnpack file.
    pub(super) fn save(&self, path: &Path) -> Result<(), RecordError> {
        self.optimizer.save(path)
    }

    pub(super) fn load(mut self, path: &Path) -> Result<Self, RecordError> {
        self.optimizer = self.optimizer.load(path)?;
        Ok(self)
    }

    /// One update of `model`, `step` counting from 0. Returns the model and the norm of the gradient
    /// before clipping; when that is not finite, the model is as it was.
    pub(super) fn step<M: Module>(
        &mut self,
        model: M,
        gradients: GradientsParams,
        step: u64,
    ) -> (M, f64) {
        let mut gradients = Gradients {
            gradients,
            squares: Vec::new(),
            scale: None,
        };
        model.visit(&mut gradients);
        let norm = gradients.norm();
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
        let rates = self.learning_rates(step);
        (self.optimizer.step(rates, model, gradients.gradients), norm)
    }

    fn learning_rates(&self, step: u64) -> ModuleLearningRate {
        let schedule = schedule(&self.config, step);
        self.config
            .groups
            .iter()
            .fold(
                ModuleLrScheduler::new(self.config.learning_rate * schedule),
                |rates, group| {
                    let parameters = ParamGroup::from_predicate(group.path.as_str());
                    rates.with_group(parameters, group.learning_rate * schedule)
                },
            )
            .step()
    }
}

/// The learning rate as a fraction of the highest: a line up over the warm-up, then half a cosine
/// down to `final_fraction` at the last step.
pub(super) fn schedule(config: &RunConfig, step: u64) -> f64 {
    if step < config.warmup_steps {
        return (step + 1) as f64 / config.warmup_steps as f64;
    }
    let length = config.steps.saturating_sub(config.warmup_steps).max(1);
    let progress = ((step - config.warmup_steps) as f64 / length as f64).min(1.0);
    let cosine = 0.5 + 0.5 * (PI * progress).cos();
    config.final_fraction + (1.0 - config.final_fraction) * cosine
}

/// Visits the gradients: without a `scale` to sum their squares, with one to apply it.
struct Gradients {
    gradients: GradientsParams,
    squares: Vec<Tensor<1>>,
    scale: Option<f64>,
}

impl Gradients {
    fn norm(&mut self) -> f64 {
        match self.squares.is_empty() {
            true => 0.0,
            false => Tensor::cat(std::mem::take(&mut self.squares), 0)
                .sum()
                .into_scalar::<f64>()
                .sqrt(),
        }
    }
}

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.scale {
            None => {
                if let Some(gradient) = self.gradients.get::<D>(param.id) {
                    self.squares.push(gradient.square().sum());
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
    fn schedule_warms_up_then_falls() {
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
