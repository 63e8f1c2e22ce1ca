//! Features of length 1.

use burn::tensor::Tensor;

/// Rows of `features` `[N, E]` scaled to length 1; a row of zeros stays zero.
pub fn l2_normalize(features: Tensor<2>) -> Tensor<2> {
    let squared_length = features.clone().square().sum_dim(1);
    features / squared_length.clamp_min(1e-16).sqrt()
}
