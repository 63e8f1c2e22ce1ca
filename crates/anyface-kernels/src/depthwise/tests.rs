//! Tests every path against the definition in f64, and that results do not depend on threads.

use proptest::prelude::*;

use super::*;

/// A pseudo-random number from −1 to 1 for an index.
fn noise(index: usize) -> f32 {
    let mixed = (index as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
    (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn values(len: usize, seed: usize, scale: f32) -> Vec<f32> {
    (0..len)
        .map(|i| noise(i * 7 + seed * 1_000_003) * scale)
        .collect()
}

/// Indices of y, x and weight for every product of the definition.
fn products(conv: &Depthwise) -> Vec<[usize; 3]> {
    let [rows, columns] = conv.output_size();
    let before = |size: usize, outputs: usize| {
        ((outputs - 1) * conv.stride + conv.kernel).saturating_sub(size) / 2
    };
    let [top, left] = [before(conv.height, rows), before(conv.width, columns)];
    let mut all = Vec::new();
    for plane in 0..conv.batch * conv.channels {
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            for place in 0..conv.kernel * conv.kernel {
                let row = (i * conv.stride + place / conv.kernel).wrapping_sub(top);
                let column = (j * conv.stride + place % conv.kernel).wrapping_sub(left);
                if row < conv.height && column < conv.width {
                    all.push([
                        (plane * rows + i) * columns + j,
                        (plane * conv.height + row) * conv.width + column,
                        plane % conv.channels * conv.kernel * conv.kernel + place,
                    ]);
                }
            }
        }
    }
    all
}

fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error < 2e-4 * (1.0 + expected.abs()),
            "{what} {index}: {found} {expected}"
        );
    }
}

fn check(conv: Depthwise) {
    let [rows, columns] = conv.output_size();
    let x = values(
        conv.batch * conv.channels * conv.height * conv.width,
        1,
        2.0,
    );
    let weight = values(conv.channels * conv.kernel * conv.kernel, 2, 1.5);
    let bias = values(conv.channels, 3, 1.0);
    let outputs = conv.batch * conv.channels * rows * columns;
    let grad_y = values(outputs, 4, 1.0);
    let products = products(&conv);

    let mut sums: Vec<f64> = (0..outputs)
        .map(|i| f64::from(bias[i / (rows * columns) % conv.channels]))
        .collect();
    for &[y, from, by] in &products {
        sums[y] += f64::from(x[from]) * f64::from(weight[by]);
    }
    let [positive, negative] = conv.activation.slopes().map(f64::from);
    let limit = f64::from(conv.activation.limit());
    let slope = |sum: f64| match sum {
        sum if sum <= 0.0 => negative,
        sum if sum * positive >= limit => 0.0,
        _ => positive,
    };
    let expected: Vec<f64> = sums
        .iter()
        .map(|&sum| (sum * if sum > 0.0 { positive } else { negative }).min(limit))
        .collect();
    let before: Vec<f64> = sums
        .iter()
        .zip(&grad_y)
        .map(|(&sum, &grad)| slope(sum) * f64::from(grad))
        .collect();
    let [mut of_x, mut of_weight] = [vec![0.0; x.len()], vec![0.0; weight.len()]];
    for &[y, from, by] in &products {
        of_x[from] += before[y] * f64::from(weight[by]);
        of_weight[by] += before[y] * f64::from(x[from]);
    }
    let of_bias: Vec<f64> = (0..conv.channels)
        .map(|channel| {
            let planes = before
                .chunks(rows * columns)
                .skip(channel)
                .step_by(conv.channels);
            planes.flatten().sum()
        })
        .collect();

    for isa in Isa::available() {
        let mut y = vec![f32::NAN; outputs];
        conv.forward(isa, &x, &weight, Some(&bias), &mut y);
        assert_near(&y, &expected, &format!("{} y", isa.name()));
        let [mut grad_x, mut grad_weight, mut grad_bias] =
            [x.len(), weight.len(), bias.len()].map(|len| vec![f32::NAN; len]);
        let gradients = DepthwiseGradients {
            x: Some(&mut grad_x),
            weight: Some(&mut grad_weight),
            bias: Some(&mut grad_bias),
        };
        conv.backward(isa, &x, &weight, &y, &grad_y, gradients);
        assert_near(&grad_x, &of_x, &format!("{} gradient of x", isa.name()));
        assert_near(
            &grad_weight,
            &of_weight,
            &format!("{} gradient of weight", isa.name()),
        );
        assert_near(
            &grad_bias,
            &of_bias,
            &format!("{} gradient of bias", isa.name()),
        );
    }
}

/// Kernel and stride.
fn forms() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        Just((1, 1)),
        Just((3, 1)),
        Just((3, 2)),
        Just((5, 1)),
        Just((5, 2))
    ]
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Linear),
        Just(Activation::LeakyRelu),
        Just(Activation::Relu6)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_path_matches_the_definition(
        (batch, channels) in (1..3_usize, prop_oneof![Just(1), Just(16), Just(19), Just(33)]),
        (height, width) in (1..10_usize, 1..21_usize),
        (kernel, stride) in forms(),
        activation in activations(),
    ) {
        check(Depthwise { batch, channels, height, width, kernel, stride, activation });
    }
}

#[test]
fn threads_do_not_change_results() {
    let conv = Depthwise {
        batch: 3,
        channels: 40,
        height: 16,
        width: 16,
        kernel: 3,
        stride: 1,
        activation: Activation::Relu6,
    };
    let x = values(3 * 40 * 256, 1, 2.0);
    let weight = values(40 * 9, 2, 1.0);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let [mut y, mut grad_x] = [(); 2].map(|()| vec![0.0; x.len()]);
            let mut grad_weight = vec![0.0; weight.len()];
            conv.forward(Isa::detect(), &x, &weight, None, &mut y);
            let gradients = DepthwiseGradients {
                x: Some(&mut grad_x),
                weight: Some(&mut grad_weight),
                bias: None,
            };
            conv.backward(Isa::detect(), &x, &weight, &y, &x, gradients);
            [y, grad_x, grad_weight]
        })
    };
    assert!(run(1) == run(4));
}
