use burn::tensor::Tensor;

/// How far two clouds of points are from each other, `[N, D]` and `[M, D]`, two points each at least: the energy distance
/// `2·E‖x − y‖ − E‖x − x'‖ − E‖y − y'‖` (Székely and Rizzo 2013), by √D. Its mean is 0 for points of one distribution alone.
pub fn energy_distance(x: Tensor<2>, y: Tensor<2>) -> Tensor<1> {
    let [_, dim] = x.dims();
    let between = distances(x.clone(), y.clone()).mean() * 2.0;
    (between - within(x) - within(y)) / (dim as f64).sqrt()
}

/// Mean distance of different points of `[N, D]`.
fn within(x: Tensor<2>) -> Tensor<1> {
    let [n, _] = x.dims();
    distances(x.clone(), x).sum() / (n * (n - 1)) as f64
}

/// Distances of all points of `[N, D]` from all of `[M, D]`: `[N, M]`.
fn distances(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    let [xx, yy] = [&x, &y].map(|points| points.clone().square().sum_dim(1));
    let squares = xx + yy.transpose() - x.matmul(y.transpose()) * 2.0;
    // The root has no slope at 0.
    squares.clamp_min(1e-6).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::{Device, Distribution};

    #[test]
    fn value_by_hand() {
        let device = Device::flex();
        let x = Tensor::from_floats([[0.0, 0.0], [0.0, 2.0]], &device);
        let y = Tensor::from_floats([[3.0, 0.0], [3.0, 2.0]], &device);
        // Twice the mean of 3 and √13, less 2 and 2.
        let expected = (3.0 + 13f32.sqrt() - 4.0) / 2f32.sqrt();
        let found = value(energy_distance(x, y));
        assert!((found - expected).abs() < 1e-2, "{found} is not {expected}");
    }

    #[test]
    fn one_distribution_has_none() {
        let device = Device::flex();
        let draw = || Tensor::random([512, 8], Distribution::Normal(0.0, 1.0), &device);
        let same = value(energy_distance(draw(), draw()));
        let wider = value(energy_distance(draw(), draw() * 2.0));
        assert!(same.abs() < 0.01 && wider > 0.1, "{same} and {wider}");
        assert_close(value(energy_distance(draw(), draw() + 100.0)).signum(), 1.0);
    }

    #[test]
    fn gradient() {
        let other = random([3, 4], 1);
        assert_gradient(random([2, 4], 2), |x| energy_distance(x, other.clone()));
        assert_gradient(random([2, 4], 3), |x| energy_distance(other.clone(), x));
    }
}
