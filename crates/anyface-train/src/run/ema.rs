//! Exponential moving average (EMA) of the weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;

use super::config::RunConfig;
use super::elementwise::lerp;

/// Maximum half-life as a fraction of the images seen: NVIDIA's `ema_rampup`.
const RAMP_UP: f64 = 0.05;

/// Decay of the EMA for the step after `step` steps and `seen` images, with `batch` images. The
/// decay is smaller at the start, so that the EMA forgets the initial weights.
pub(super) fn decay(config: &RunConfig, step: u64, seen: u64, batch: usize) -> f64 {
    match config.ema_kimg {
        Some(ema_kimg) => {
            let seen = seen as f64 + batch as f64;
            let half_life = (1000.0 * ema_kimg).min(RAMP_UP * seen);
            0.5f64.powf(batch as f64 / half_life)
        }
        None => {
            let step = step as f64;
            config.ema_decay.min((1.0 + step) / (10.0 + step))
        }
    }
}

/// `ema ← decay · ema + (1 − decay) · model` for every float parameter. `ema` is on a plain device,
/// `model` on an autodiff device.
pub(super) fn update<M: Module>(ema: M, model: &M, decay: f64) -> M {
    let mut blend = Blend {
        weights: TensorContainer::new(),
        decay,
    };
    model.visit(&mut blend);
    ema.map(&mut blend)
}

struct Blend {
    weights: TensorContainer<ParamId>,
    decay: f64,
}

impl ModuleVisitor for Blend {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.weights.register(param.id, param.base().inner());
    }
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let weight: Tensor<D> = self
            .weights
            .remove(&param.id)
            .expect("the EMA has the parameters of the model");
        let part = (1.0 - self.decay) as f32;
        param.map(|ema| lerp(ema, weight, part))
    }
}
