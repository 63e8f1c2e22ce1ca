//! Tests every path against the definition in f64, and that results do not depend on threads.

use proptest::prelude::*;

use super::*;

/// A pseudo-random number from −1 to 1 for an index.
fn noise(index: usize) -> f32 {
    let mixed = (index as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
    (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn values(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| noise(i * 7 + seed * 1_000_003)).collect()
}

fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    let scale = expected
        .iter()
        .fold(1.0_f64, |all, value| all.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error < 1e-5 * scale, "{what} {index}: {found} {expected}");
    }
}

/// y, and the gradients of x, weight and bias.
type Results = [Vec<f32>; 4];

fn run(
    conv: &Pointwise,
    isa: Isa,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    grad_y: &[f32],
) -> Results {
    let mut y = vec![f32::NAN; grad_y.len()];
    conv.forward(isa, x, weight, Some(bias), &mut y);
    let [mut grad_x, mut grad_weight, mut grad_bias] =
        [x.len(), weight.len(), bias.len()].map(|len| vec![f32::NAN; len]);
    let gradients = PointwiseGradients {
        x: Some(&mut grad_x),
        weight: Some(&mut grad_weight),
        bias: Some(&mut grad_bias),
    };
    conv.backward(isa, x, weight, &y, grad_y, gradients);
    [y, grad_x, grad_weight, grad_bias]
}

/// The same results by the definition, in f64.
fn reference(
    conv: &Pointwise,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    grad_y: &[f32],
) -> [Vec<f64>; 4] {
    let (from, to, pixels) = (conv.in_channels, conv.out_channels, conv.pixels);
    let [positive, negative] = conv.activation.slopes().map(f64::from);
    let limit = f64::from(conv.activation.limit());
    let mut y = vec![0.0; grad_y.len()];
    let [mut grad_x, mut grad_weight, mut grad_bias] =
        [x.len(), weight.len(), to].map(|len| vec![0.0; len]);
    for (index, y) in y.iter_mut().enumerate() {
        let (image, row, pixel) = (index / (to * pixels), index / pixels % to, index % pixels);
        let place = |channel: usize| (image * from + channel) * pixels + pixel;
        let products =
            (0..from).map(|i| f64::from(x[place(i)]) * f64::from(weight[row * from + i]));
        let sum = f64::from(bias[row]) + products.sum::<f64>();
        let slope = if sum > 0.0 { positive } else { negative };
        *y = (sum * slope).min(limit);
        let before = if sum * slope < limit {
            slope * f64::from(grad_y[index])
        } else {
            0.0
        };
        grad_bias[row] += before;
        for i in 0..from {
            grad_x[place(i)] += before * f64::from(weight[row * from + i]);
            grad_weight[row * from + i] += before * f64::from(x[place(i)]);
        }
    }
    [y, grad_x, grad_weight, grad_bias]
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Linear),
        Just(Activation::LeakyRelu),
        Just(Activation::Relu6)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_path_matches_the_definition(
        (batch, in_channels, out_channels) in (1..6_usize, 1..40_usize, 1..60_usize),
        vectors in prop_oneof![Just(1_usize), Just(2), Just(4), Just(5)],
        activation in activations(),
    ) {
        let conv = Pointwise { batch, in_channels, out_channels, pixels: 16 * vectors, activation };
        let x = values(batch * in_channels * conv.pixels, 1);
        let weight = values(in_channels * out_channels, 2);
        let bias = values(out_channels, 3);
        let grad_y = values(batch * out_channels * conv.pixels, 4);
        let expected = reference(&conv, &x, &weight, &bias, &grad_y);
        for isa in Isa::available() {
            let found = run(&conv, isa, &x, &weight, &bias, &grad_y);
            let names = ["y", "gradient of x", "gradient of weight", "gradient of bias"];
            for ((found, expected), name) in found.iter().zip(&expected).zip(names) {
                assert_near(found, expected, &format!("{} {name}", isa.name()));
            }
        }
    }
}

#[test]
fn threads_do_not_change_results() {
    for pixels in [16, 1024] {
        let conv = Pointwise {
            batch: 5,
            in_channels: 70,
            out_channels: 100,
            pixels,
            activation: Activation::LeakyRelu,
        };
        let x = values(5 * 70 * pixels, 1);
        let weight = values(70 * 100, 2);
        let bias = values(100, 3);
        let grad_y = values(5 * 100 * pixels, 4);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| run(&conv, Isa::detect(), &x, &weight, &bias, &grad_y))
        };
        assert!(on(1) == on(4), "{pixels} pixels");
    }
}
