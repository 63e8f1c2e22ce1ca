//! Latents by gradient descent.

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Tensor;

/// What the optimiser moves.
#[derive(Module, Debug)]
struct Moved {
    /// `[N, L, D]`.
    w_plus: Param<Tensor<3>>,
}

/// Steps of Adam from latents `[N, L, D]`, on a device with autodiff, down a loss of them; the latents
/// it ends with, on the device without. `learning_rate` is that of each step.
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
