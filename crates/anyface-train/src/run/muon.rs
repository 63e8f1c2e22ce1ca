//! Muon (Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon>): momentum with an
//! orthogonalised update.
//!
//! An orthogonal update moves a layer equally far in directions of small and large gradients. This
//! takes fewer steps than Adam. A convolution `[O, I, k, k]` is treated as the matrix `[O, I·k²]`.
//! Adam updates vectors and thin matrices.

use burn::optim::{
    Adam, AdamConfig, AdamState, LearningRate, Optimizer, RecordState, StateSink, StateSource,
    join_path,
};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::elementwise::lerp;

/// Minimum number of rows and columns of a matrix. Adam updates thinner ones.
const THINNEST: usize = 16;
/// Root mean square of an update, in units of the learning rate. It is about that of Adam (Liu et
/// al. 2025, section 2.2).
const UPDATE_SCALE: f64 = 0.2;
/// Newton–Schulz coefficients of the reference implementation.
const QUINTIC: [f64; 3] = [3.4445, -4.7750, 2.0315];
const ITERATIONS: usize = 5;
const EPSILON: f64 = 1e-8;
/// Rows of a matrix product per task.
const BLOCK: usize = 64;

/// Muon for matrices and convolutions, Adam for the rest.
#[derive(Clone)]
pub(super) struct Muon {
    momentum: f32,
    adam: Adam,
}

impl Muon {
    /// `betas` are Adam's decay rates. The first is also the momentum of Muon.
    pub(super) fn new(betas: [f32; 2]) -> Self {
        let adam = AdamConfig::new()
            .with_beta_1(betas[0])
            .with_beta_2(betas[1])
            .with_epsilon(1e-8);
        Self {
            momentum: betas[0],
            adam: adam.build(),
        }
    }
}

/// Optimiser state of one parameter.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one per parameter")]
pub(super) enum MuonState<const D: usize> {
    /// Moving average of the gradient.
    Momentum(Tensor<D>),
    /// State of Adam.
    Adam(AdamState<D>),
}

impl Optimizer for Muon {
    type State<const D: usize> = MuonState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<MuonState<D>>,
    ) -> (Tensor<D>, Option<MuonState<D>>) {
        let Some([rows, columns]) = matrix_of(&tensor.dims()) else {
            let state = state.and_then(|state| match state {
                MuonState::Adam(state) => Some(state),
                MuonState::Momentum(_) => None,
            });
            let (tensor, state) = self.adam.step(lr, tensor, gradient, state);
            return (tensor, state.map(MuonState::Adam));
        };
        let past = match state {
            Some(MuonState::Momentum(past)) => past,
            _ => gradient.zeros_like(),
        };
        let momentum = lerp(past, gradient.clone(), 1.0 - self.momentum);
        // Nesterov momentum.
        let ahead = lerp(momentum.clone(), gradient, 1.0 - self.momentum);
        let update = orthogonalize(ahead.reshape([rows, columns])).reshape(tensor.shape());
        let scale = UPDATE_SCALE * (rows.max(columns) as f64).sqrt();
        let tensor = tensor - update * (lr * scale);
        (tensor, Some(MuonState::Momentum(momentum)))
    }

    fn to_device<const D: usize>(state: MuonState<D>, device: &Device) -> MuonState<D> {
        match state {
            MuonState::Momentum(momentum) => MuonState::Momentum(momentum.to_device(device)),
            MuonState::Adam(state) => MuonState::Adam(Adam::to_device(state, device)),
        }
    }
}

const MOMENTUM: &str = "momentum";
const ADAM: &str = "adam";

impl<const D: usize> RecordState for MuonState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        match self {
            Self::Momentum(momentum) => {
                out.push_tensor(prefix, MOMENTUM, momentum.clone().into_data());
            }
            Self::Adam(state) => state.state_flatten(&join_path(prefix, ADAM), out),
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        match src.take_tensor(prefix, MOMENTUM) {
            Some(momentum) => Some(Self::Momentum(Tensor::from_data(momentum, device))),
            None => {
                AdamState::state_unflatten(&join_path(prefix, ADAM), src, device).map(Self::Adam)
            }
        }
    }
}

/// Rows and columns of a parameter as a matrix, or `None` if Adam updates it.
pub(super) fn matrix_of(dims: &[usize]) -> Option<[usize; 2]> {
    let rows = dims[0];
    let columns: usize = dims[1..].iter().product();
    let is_matrix = matches!(dims.len(), 2 | 4) && rows.min(columns) >= THINNEST;
    is_matrix.then_some([rows, columns])
}

/// Orthogonalises a matrix `[R, C]` by Newton–Schulz iteration: all singular values become close to
/// 1.
///
/// Each iteration multiplies by a polynomial of the Gram matrix from the left. All products except
/// the first and the last have the size of the smaller side.
fn orthogonalize(gradient: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = gradient.dims();
    if rows > columns {
        return orthogonalize(gradient.transpose()).transpose();
    }
    let norm = gradient.clone().square().sum().sqrt() + EPSILON;
    let x = gradient / norm.unsqueeze();
    let identity = Tensor::eye(rows, &x.device());
    let gram = product(&x, &x.clone().transpose());
    let [a, b, c] = QUINTIC;
    let polynomial = |gram: &Tensor<2>| {
        let square = product(gram, gram);
        identity.clone() * a + gram.clone() * b + square * c
    };
    let step = polynomial(&gram);
    let (whole, _, _) =
        (1..ITERATIONS).fold((step.clone(), step, gram), |(whole, step, gram), _| {
            let gram = product(&product(&step, &gram), &step);
            let step = polynomial(&gram);
            (product(&step, &whole), step, gram)
        });
    product(&whole, &x)
}

/// Parallel matrix product `a·b`. Fixed row blocks make the result independent of the number of
/// threads.
fn product(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<2> {
    let [rows, _] = a.dims();
    let blocks: Vec<_> = (0..rows)
        .into_par_iter()
        .step_by(BLOCK)
        .map(|start| {
            let block = a.clone().narrow(0, start, BLOCK.min(rows - start));
            block.matmul(b.clone())
        })
        .collect();
    Tensor::cat(blocks, 0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn singular_values_are_close_to_one() {
        let device = Device::flex();
        for shape in [[24, 70], [70, 24], [32, 32]] {
            let x = Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device);
            let y = orthogonalize(x);
            let y = if shape[0] > shape[1] {
                y.transpose()
            } else {
                y
            };
            // Mean of the squared singular values.
            let rows = y.dims()[0] as f32;
            let mean = y.square().sum().into_scalar::<f32>() / rows;
            assert!((0.6..1.3).contains(&mean), "{shape:?}: {mean}");
        }
    }

    #[test]
    fn convolutions_and_thick_matrices_are_orthogonalized() {
        assert_eq!(matrix_of(&[64, 32, 3, 3]), Some([64, 288]));
        assert_eq!(matrix_of(&[16, 16]), Some([16, 16]));
        assert_eq!(matrix_of(&[3, 32, 1, 1]), None);
        assert_eq!(matrix_of(&[64]), None);
        assert_eq!(matrix_of(&[1, 256, 4, 4]), None);
    }
}
