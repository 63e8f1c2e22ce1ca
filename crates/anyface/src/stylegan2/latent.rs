//! Operations on latents `w_plus [N, L, D]`, one `w` per layer of the synthesis network.

use burn::tensor::Tensor;

/// Repeats `w [N, D]` for all `num_ws` layers: `[N, L, D]`.
pub fn broadcast(w: Tensor<2>, num_ws: usize) -> Tensor<3> {
    let [n, d] = w.dims();
    w.unsqueeze_dim::<3>(1).expand([n, num_ws, d])
}

/// Truncates `w_plus [N, L, D]` towards the mean `w_avg [D]`: `w_avg + ψ·(w − w_avg)` in the layers
/// below `cutoff`, or in all layers if it is `None`. ψ = 1 has no effect, ψ = 0 gives the mean.
pub fn truncate(w_plus: Tensor<3>, w_avg: Tensor<1>, psi: f64, cutoff: Option<usize>) -> Tensor<3> {
    let [_, num_ws, _] = w_plus.dims();
    let cutoff = cutoff.unwrap_or(num_ws).min(num_ws);
    if cutoff == 0 {
        return w_plus;
    }
    let w_avg = w_avg.unsqueeze::<3>();
    let truncated = w_avg.clone() + (w_plus.clone().narrow(1, 0, cutoff) - w_avg) * psi;
    mix(truncated, w_plus, cutoff)
}

/// Style mixing: layers below `k` from `w_coarse`, the others from `w_fine [N, L, D]`. Only the
/// first `k` layers of `w_coarse` are required.
///
/// ```
/// use anyface::Device;
/// use anyface::stylegan2::mix;
/// use burn::tensor::Tensor;
///
/// let device = Device::flex();
/// let [zeros, ones] = [Tensor::zeros([1, 8, 4], &device), Tensor::ones([1, 8, 4], &device)];
/// let mixed = mix(zeros, ones, 6);
/// assert_eq!(mixed.sum().into_scalar::<f32>(), 8.0);
/// ```
pub fn mix(w_coarse: Tensor<3>, w_fine: Tensor<3>, k: usize) -> Tensor<3> {
    let [_, num_ws, _] = w_fine.dims();
    match k {
        0 => w_fine,
        k if k >= num_ws => w_coarse.narrow(1, 0, num_ws),
        k => Tensor::cat(
            vec![w_coarse.narrow(1, 0, k), w_fine.narrow(1, k, num_ws - k)],
            1,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// `[1, L, 1]`.
    fn latent(values: &[f32]) -> Tensor<3> {
        Tensor::<1>::from_floats(values, &Device::flex()).reshape([1, values.len(), 1])
    }

    fn values(w_plus: Tensor<3>) -> Vec<f32> {
        w_plus.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn mixing_takes_the_first_layers_from_the_first_latent() {
        let mixed = |k| values(mix(latent(&[1.0, 2.0, 3.0]), latent(&[4.0, 5.0, 6.0]), k));
        assert_eq!(mixed(0), [4.0, 5.0, 6.0]);
        assert_eq!(mixed(2), [1.0, 2.0, 6.0]);
        assert_eq!(mixed(3), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn truncation_stops_at_the_cutoff() {
        let w_avg = || Tensor::from_floats([1.0], &Device::flex());
        let truncated = |cutoff| values(truncate(latent(&[3.0, 3.0, 3.0]), w_avg(), 0.5, cutoff));
        assert_eq!(truncated(None), [2.0, 2.0, 2.0]);
        assert_eq!(truncated(Some(1)), [2.0, 3.0, 3.0]);
        assert_eq!(truncated(Some(0)), [3.0, 3.0, 3.0]);
        assert_eq!(truncated(Some(9)), [2.0, 2.0, 2.0]);
    }
}
