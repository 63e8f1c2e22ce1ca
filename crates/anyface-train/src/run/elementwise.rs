//! Parallel element-wise operations over the weights of a model.
//!
//! For small batches, these operations take as long as the forward and backward pass.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

/// Values per task.
const CHUNK: usize = 1 << 15;

/// `a + part·(b − a)`. Both tensors are on a device without autodiff.
pub(super) fn lerp<const D: usize>(a: Tensor<D>, b: Tensor<D>, part: f32) -> Tensor<D> {
    if a.dtype() != DType::F32 || b.dtype() != DType::F32 {
        return a.clone() + (b - a) * part;
    }
    let (shape, device) = (a.dims(), a.device());
    let mut values: Vec<f32> = a.into_data().try_into_vec().expect("f32");
    let b = b.into_data();
    let others: &[f32] = b.as_slice().expect("f32");
    values
        .par_chunks_mut(CHUNK)
        .zip(others.par_chunks(CHUNK))
        .for_each(|(values, others)| {
            for (value, other) in values.iter_mut().zip(others) {
                *value += part * (other - *value);
            }
        });
    Tensor::from_data(TensorData::new(values, shape), &device)
}

/// Sum of the squares of all values. The result does not depend on the number of threads.
pub(super) fn sum_of_squares<const D: usize>(x: Tensor<D>) -> f64 {
    let data = x.into_data().convert::<f32>();
    let values: &[f32] = data.as_slice().expect("f32");
    let sums: Vec<f64> = values
        .par_chunks(CHUNK)
        .map(|values| {
            let lanes = values.chunks(16).fold([0.0f32; 16], |mut lanes, values| {
                for (lane, value) in lanes.iter_mut().zip(values) {
                    *lane += value * value;
                }
                lanes
            });
            lanes.iter().map(|&lane| f64::from(lane)).sum()
        })
        .collect();
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn operations_match_burn() {
        let device = Device::flex();
        let shape = [37, 1021];
        let [a, b] = [(); 2].map(|()| Tensor::<2>::random(shape, Distribution::Default, &device));
        // A view that is not contiguous.
        let b = b.reshape([1021, 37]).transpose();
        let expected = a.clone() * 0.7 + b.clone() * 0.3;
        let found = lerp(a.clone(), b, 0.3);
        let tolerance = Tolerance::<f32>::absolute(1e-5);
        found
            .into_data()
            .assert_approx_eq(&expected.into_data(), tolerance);
        let expected = a.clone().square().sum().into_scalar::<f64>();
        assert!((sum_of_squares(a) / expected - 1.0).abs() < 1e-5);
    }
}
