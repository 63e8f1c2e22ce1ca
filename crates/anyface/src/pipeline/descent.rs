//! Gradient descent on latents.

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Tensor;

/// The parameters of the optimiser.
#[derive(Module, Debug)]
struct Moved {
    /// `[N, L, D]`.
    w_plus: Param<Tensor<3>>,
}

/// Runs Adam from latents `[N, L, D]`, on a device with autodiff, to minimise a loss. Returns the
/// final latents on the device without autodiff. `learning_rate` gives the rate of each step.
pub(super) fn descend(
    start: Tensor<3>,
    steps: usize,
    adam: AdamConfig,
    learning_rate: impl Fn(usize) -> f64,
    loss: impl Fn(Tensor<3>) -> Tensor<1>,
) -> Tensor<3> {
    let mut moved = Moved {
        w_plus: Param::from_tensor(start),
    };
    let mut optimizer = adam.init();
    for step in 0..steps {
        let gradients = loss(moved.w_plus.val()).backward();
        let gradients = GradientsParams::from_grads(gradients, &moved);
        moved = optimizer.step(learning_rate(step), moved, gradients);
    }
    moved.w_plus.val().inner()
}
