//! L2 normalisation of features.

use burn::tensor::Tensor;

/// Scales the rows of `features` `[N, E]` to length 1; zero rows stay zero.
///
/// ```
/// use anyface::Device;
/// use anyface::layers::l2_normalize;
/// use burn::tensor::Tensor;
///
/// let features = Tensor::<2>::from_floats([[3.0, 4.0]], &Device::flex());
/// let unit: Vec<f32> = l2_normalize(features).into_data().iter().collect();
/// assert_eq!(unit, [0.6, 0.8]);
/// ```
pub fn l2_normalize(features: Tensor<2>) -> Tensor<2> {
    let squared_length = features.clone().square().sum_dim(1);
    features / squared_length.clamp_min(1e-16).sqrt()
}
