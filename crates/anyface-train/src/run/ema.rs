//! Exponential moving average of the weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use burn::tensor::container::TensorContainer;

/// `ema ← d · ema + (1 − d) · model` for every float parameter, with
/// `d = min(decay, (1 + step) / (10 + step))`, so that a young average forgets the initial weights.
/// `ema` is on the plain device, `model` on the autodiff one.
pub(super) fn update<M: Module>(ema: M, model: &M, decay: f64, step: u64) -> M {
    let step = step as f64;
    let mut blend = Blend {
        weights: TensorContainer::new(),
        decay: decay.min((1.0 + step) / (10.0 + step)),
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
            .expect("the average has the parameters of the model");
        let decay = self.decay;
        param.map(|ema| ema.mul_scalar(decay) + weight.mul_scalar(1.0 - decay))
    }
}
