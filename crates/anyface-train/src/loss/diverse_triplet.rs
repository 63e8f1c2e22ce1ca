use burn::tensor::Tensor;

use super::cosine;

/// The latents of [`diverse_triplet`].
pub struct DiverseTriplet {
    /// `w`, latents of the images: `[N, L, D]`.
    pub target: Tensor<3>,
    /// `w_t`, latents of the matching captions: `[N, L, D]`.
    pub matched: Tensor<3>,
    /// `w'_j`, latents of other captions: `[N, J, L, D]`.
    pub unmatched: Tensor<4>,
    /// `w̄`, mean of the training latents: `[L, D]`.
    pub mean: Tensor<2>,
}

/// Diverse triplet loss, AnyFace equation 5, mean over the batch:
///
/// `L_DT = max(d(w, w_t) / (d(w_t, w̄) + ε) − mean_j d(w, w'_j) / (d(w'_j, w̄) + ε) + margin, 0)`
///
/// with `d(a, b) = Σ_layers (1 − cos(a, b))`. The first denominator pushes `w_t` away from the mean
/// face. The denominator of a negative gets no gradient, because it would reward moving `w'_j`
/// towards the mean.
pub fn diverse_triplet(latents: DiverseTriplet, margin: f64) -> Tensor<1> {
    const EPSILON: f64 = 1e-2;
    let DiverseTriplet {
        target,
        matched,
        unmatched,
        mean,
    } = latents;
    let [n, j, l, d] = unmatched.dims();
    let mean: Tensor<3> = mean.unsqueeze();

    let from_mean = distance(matched.clone(), mean.clone().expand([n, l, d])) + EPSILON;
    let positive = distance(target.clone(), matched) / from_mean;

    let unmatched = unmatched.reshape([n * j, l, d]);
    let targets: Tensor<4> = target.unsqueeze_dim(1);
    let targets = targets.expand([n, j, l, d]).reshape([n * j, l, d]);
    let from_mean = distance(unmatched.clone(), mean.expand([n * j, l, d])).detach() + EPSILON;
    let negatives = distance(targets, unmatched) / from_mean;
    let negative = negatives.reshape([n, j]).mean_dim(1).reshape([n]);

    (positive - negative + margin).clamp_min(0.0).mean()
}

/// `Σ_layers (1 − cos(a, b))`: `[N, L, D]` and `[N, L, D]` to `[N]`.
fn distance(a: Tensor<3>, b: Tensor<3>) -> Tensor<1> {
    let [n, _, _] = a.dims();
    (cosine(a, b).neg() + 1.0).sum_dim(1).reshape([n])
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    fn latents() -> DiverseTriplet {
        DiverseTriplet {
            target: random([2, 3, 4], 1),
            matched: random([2, 3, 4], 2),
            unmatched: random([2, 5, 3, 4], 3),
            mean: random([3, 4], 4),
        }
    }

    #[test]
    fn value_by_hand() {
        // One layer, in a plane: w = e₁, w_t at 60° to it, w̄ = e₂, one negative at −e₁.
        let device = Device::flex();
        let loss = diverse_triplet(
            DiverseTriplet {
                target: Tensor::from_floats([[[1.0, 0.0]]], &device),
                matched: Tensor::from_floats([[[0.5, 0.75f32.sqrt()]]], &device),
                unmatched: Tensor::from_floats([[[[-1.0, 0.0]]]], &device),
                mean: Tensor::from_floats([[0.0, 1.0]], &device),
            },
            2.0,
        );
        let positive = 0.5 / (1.0 - 0.75f32.sqrt() + 0.01);
        let negative = 2.0 / 1.01;
        assert_close(value(loss), positive - negative + 2.0);
    }

    #[test]
    fn gradient_of_the_matched_latents() {
        assert_gradient(latents().matched, |matched| {
            diverse_triplet(
                DiverseTriplet {
                    matched,
                    ..latents()
                },
                2.0,
            )
        });
    }

    #[test]
    fn gradient_of_a_negative_ignores_its_distance_from_the_mean() {
        // A change of the negative in the plane of `w̄` and itself, at a right angle to `w`,
        // changes only the denominator: d(w, w') stays the same.
        let device = Device::flex().autodiff();
        let unmatched = Tensor::<4>::from_floats([[[[0.0, 1.0, 0.0]]]], &device).require_grad();
        let loss = diverse_triplet(
            DiverseTriplet {
                target: Tensor::from_floats([[[1.0, 0.0, 0.0]]], &device),
                matched: Tensor::from_floats([[[1.0, 1.0, 0.0]]], &device),
                unmatched: unmatched.clone(),
                mean: Tensor::from_floats([[0.0, 1.0, 1.0]], &device),
            },
            9.0,
        );
        let gradient = unmatched
            .grad(&loss.backward())
            .expect("unmatched latents have a gradient");
        let values: Vec<f32> = gradient.into_data().iter().collect();
        assert!(values[0].abs() > 0.1, "{values:?}");
        assert_eq!(values[2], 0.0, "{values:?}");
    }
}
