//! Every path compared with the same operation in f64.

use anyface_kernels::{
    Activation, Algorithm, Gradients, Inputs, Isa, Noise, StyledConv, blocked_len,
    blocks_to_planes, planes_to_blocks,
};
use proptest::prelude::*;

/// One operation with its operands, in f64.
#[derive(Debug, Clone)]
struct Case {
    conv: StyledConv,
    x: Vec<f64>,
    weight: Vec<f64>,
    style: Option<Vec<f64>>,
    noise: Option<Vec<f64>>,
    strength: f64,
    bias: Option<Vec<f64>>,
}

/// Applies [1, 3, 3, 1] ⊗ [1, 3, 3, 1] / 16, with gain 4, to the transposed convolution.
fn filtered(i: isize, j: isize, transposed: impl Fn(isize, isize) -> f64) -> f64 {
    let filter = [0.25, 0.75, 0.75, 0.25];
    (0..16)
        .map(|t| (t / 4, t % 4))
        .map(|(a, b)| match (i + a as isize - 1, j + b as isize - 1) {
            (u, v) if u < 0 || v < 0 => 0.0,
            (u, v) => filter[a] * filter[b] * transposed(u, v),
        })
        .sum()
}

impl Case {
    /// `StyledConv` by its definition.
    fn reference(&self) -> Vec<f64> {
        let StyledConv {
            batch,
            in_channels,
            out_channels,
            height,
            width,
            kernel,
            up,
            ..
        } = self.conv;
        let [out_height, out_width] = self.conv.output_size();
        let taps = kernel * kernel;
        let mut y = Vec::new();
        for n in 0..batch {
            let style = |ci: usize| self.style.as_ref().map_or(1.0, |s| s[n * in_channels + ci]);
            for co in 0..out_channels {
                let weight = |ci: usize, ky: usize, kx: usize| {
                    self.weight[(co * in_channels + ci) * taps + ky * kernel + kx] * style(ci)
                };
                let x = |ci: usize, i: isize, j: isize| {
                    let inside =
                        (0..height as isize).contains(&i) && (0..width as isize).contains(&j);
                    if inside {
                        self.x[((n * in_channels + ci) * height + i as usize) * width + j as usize]
                    } else {
                        0.0
                    }
                };
                let cells = || {
                    (0..in_channels)
                        .flat_map(|ci| (0..taps).map(move |t| (ci, t / kernel, t % kernel)))
                };
                let norm: f64 = cells().map(|(ci, ky, kx)| weight(ci, ky, kx).powi(2)).sum();
                let demodulation = if self.conv.demodulate {
                    (norm + 1e-8).sqrt().recip()
                } else {
                    1.0
                };
                // Output of the transposed convolution at (u, v).
                let transposed = |u: isize, v: isize| -> f64 {
                    cells()
                        .filter(|(_, ky, kx)| {
                            (u - *ky as isize) % 2 == 0 && (v - *kx as isize) % 2 == 0
                        })
                        .map(|(ci, ky, kx)| {
                            weight(ci, ky, kx) * x(ci, (u - ky as isize) / 2, (v - kx as isize) / 2)
                        })
                        .sum()
                };
                for i in 0..out_height as isize {
                    for j in 0..out_width as isize {
                        let convolved: f64 = if up {
                            filtered(i, j, transposed)
                        } else {
                            let half = kernel as isize / 2;
                            cells()
                                .map(|(ci, ky, kx)| {
                                    weight(ci, ky, kx)
                                        * x(ci, i + ky as isize - half, j + kx as isize - half)
                                })
                                .sum()
                        };
                        let pixel = i as usize * out_width + j as usize;
                        y.push(self.finish(convolved * demodulation, n, co, pixel));
                    }
                }
            }
        }
        y
    }

    /// Noise, bias, activation and clamp for one value of image `n` and channel `co`.
    fn finish(&self, value: f64, n: usize, co: usize, pixel: usize) -> f64 {
        let [height, width] = self.conv.output_size();
        let noise = self.noise.as_ref().map_or(0.0, |noise| {
            // One map for all images, or one per image.
            let maps = noise.len() / (height * width);
            noise[(n % maps) * height * width + pixel]
        });
        let bias = self.bias.as_ref().map_or(0.0, |bias| bias[co]);
        let value = value + noise * self.strength + bias;
        let value = match self.conv.activation {
            Activation::Linear => value,
            Activation::LeakyRelu => value.max(0.2 * value) * 2f64.sqrt(),
            Activation::Relu6 => value.clamp(0.0, 6.0),
        };
        let clamp = self.conv.clamp.map_or(f64::INFINITY, f64::from);
        value.clamp(-clamp, clamp)
    }

    /// Calls `call` with the operands in f32.
    fn with_inputs<T>(&self, call: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let [x, weight] = [&self.x, &self.weight].map(|values| single(values));
        let [style, noise, bias] =
            [&self.style, &self.noise, &self.bias].map(|values| values.as_deref().map(single));
        call(&Inputs {
            x: &x,
            weight: &weight,
            style: style.as_deref(),
            noise: noise.as_ref().map(|map| Noise {
                map,
                strength: self.strength as f32,
            }),
            bias: bias.as_deref(),
        })
    }

    fn forward(&self, isa: Isa) -> Vec<f32> {
        let [height, width] = self.conv.output_size();
        let mut y = vec![f32::NAN; self.conv.batch * self.conv.out_channels * height * width];
        self.with_inputs(|inputs| self.conv.forward(isa, inputs, &mut y));
        y
    }

    /// The same with blocked features.
    fn forward_in_blocks(&self, isa: Isa) -> Vec<f32> {
        let conv = self.conv;
        let x_shape = [conv.batch, conv.in_channels, conv.height * conv.width];
        let y_shape = [
            conv.batch,
            conv.out_channels,
            conv.output_size().iter().product(),
        ];
        let mut x = vec![f32::NAN; blocked_len(x_shape)];
        planes_to_blocks(isa, x_shape, &single(&self.x), &mut x);
        let weights = conv.prepare_weights(isa, &single(&self.weight));
        let mut y = vec![f32::NAN; y_shape.iter().product()];
        self.with_inputs(|inputs| {
            let inputs = Inputs { x: &x, ..*inputs };
            if conv.algorithm(isa) == Algorithm::Pointwise {
                return conv.forward_colours(&weights, &inputs, &mut y);
            }
            let mut blocks = vec![f32::NAN; blocked_len(y_shape)];
            conv.forward_blocked(&weights, &inputs, &mut blocks);
            assert!(blocks.iter().all(|value| value.is_finite()));
            blocks_to_planes(isa, y_shape, &blocks, &mut y);
        });
        y
    }

    fn backward(&self, isa: Isa, y: &[f32], grad_y: &[f32]) -> AllGradients {
        let mut all = AllGradients {
            x: vec![f32::NAN; self.x.len()],
            weight: vec![f32::NAN; self.weight.len()],
            style: vec![f32::NAN; self.conv.batch * self.conv.in_channels],
            bias: vec![f32::NAN; self.conv.out_channels],
            strength: f32::NAN,
        };
        let gradients = Gradients {
            x: Some(&mut all.x),
            weight: Some(&mut all.weight),
            style: Some(&mut all.style),
            bias: Some(&mut all.bias),
            noise_strength: Some(&mut all.strength),
        };
        self.with_inputs(|inputs| self.conv.backward(isa, inputs, y, grad_y, gradients));
        all
    }
}

#[derive(Debug, Clone, PartialEq)]
struct AllGradients {
    x: Vec<f32>,
    weight: Vec<f32>,
    style: Vec<f32>,
    bias: Vec<f32>,
    strength: f32,
}

/// Every path: each instruction set with each algorithm.
fn paths() -> impl Iterator<Item = Isa> {
    let algorithms = [Algorithm::Direct, Algorithm::Winograd, Algorithm::Pointwise];
    let sets = Isa::available().into_iter();
    sets.flat_map(move |isa| algorithms.map(|algorithm| isa.forcing(algorithm)))
}

/// Largest error of outputs relative to their range. Winograd's transforms add numbers that are
/// larger than the result.
const TOLERANCE: f64 = 1e-4;

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * f64::from(*b)).sum()
}

/// `len` numbers that f32 represents exactly, of about unit variance.
fn values(seed: &mut u64, len: usize) -> Vec<f64> {
    let mut next = || {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f64 / (1 << 23) as f64 - 1.0
    };
    (0..len).map(|_| f64::from((1.7 * next()) as f32)).collect()
}

/// Like [`values`], but none near zero, where demodulation would amplify rounding errors.
fn factors(seed: &mut u64, len: usize) -> Vec<f64> {
    let values = values(seed, len).into_iter();
    values
        .map(|value| value + 0.5 * value.signum())
        .map(|value| f64::from(value as f32))
        .collect()
}

fn case(
    conv: StyledConv,
    [styled, noisy, noise_per_image, biased]: [bool; 4],
    mut seed: u64,
) -> Case {
    let seed = &mut seed;
    let noise_len =
        conv.output_size().iter().product::<usize>() * if noise_per_image { conv.batch } else { 1 };
    Case {
        x: values(
            seed,
            conv.batch * conv.in_channels * conv.height * conv.width,
        ),
        weight: factors(
            seed,
            conv.out_channels * conv.in_channels * conv.kernel * conv.kernel,
        ),
        style: styled.then(|| factors(seed, conv.batch * conv.in_channels)),
        noise: noisy.then(|| values(seed, noise_len)),
        strength: 0.5,
        bias: biased.then(|| values(seed, conv.out_channels)),
        conv,
    }
}

prop_compose! {
    fn any_case()(
        batch in 1usize..4, in_channels in 1usize..18,
        out_channels in prop_oneof![1usize..18, 1usize..5], height in 1usize..11,
        width in prop_oneof![4 => 1usize..20, 1 => Just(32usize), 1 => Just(150usize)],
        form in prop_oneof![Just((1, false)), Just((3, false)), Just((3, true))],
        demodulate: bool, leaky: bool, clamp in prop::option::of(2.0f32..6.0),
        operands: [bool; 4], seed: u64,
    ) -> Case {
        let (kernel, up) = form;
        let activation = if leaky { Activation::LeakyRelu } else { Activation::Linear };
        let conv = StyledConv {
            batch, in_channels, out_channels, height, width, kernel, up, demodulate, activation,
            clamp,
        };
        case(conv, operands, seed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(40)
    })]

    #[test]
    fn forward_matches_the_definition(mut case in any_case(), relu6: bool) {
        if relu6 {
            case.conv.activation = Activation::Relu6;
        }
        let expected = case.reference();
        let range = expected.iter().fold(1.0, |range: f64, value| range.max(value.abs()));
        for isa in paths() {
            let y = case.forward(isa);
            for (i, (value, expected)) in y.iter().zip(&expected).enumerate() {
                prop_assert!(
                    (f64::from(*value) - expected).abs() < TOLERANCE * range,
                    "{isa:?} {i}: {value} is not {expected}"
                );
            }
        }
    }

    /// Along a random direction in the space of all operands, the change of the f64 reference
    /// matches the gradients.
    #[test]
    fn gradients_match_the_slopes_of_the_definition(case in any_case(), direction_seed: u64) {
        let seed = &mut direction_seed.clone();
        let y = case.reference();
        let grad_y = single(&values(seed, y.len()));
        let step = 1e-6;
        let noiseless = case.noise.is_none();
        for operand in 0..5 {
            let mut moved = [case.clone(), case.clone()];
            let lengths = [
                case.x.len(), case.weight.len(), case.conv.batch * case.conv.in_channels,
                case.conv.out_channels, 1,
            ];
            let direction = values(seed, lengths[operand]);
            for (case, sign) in moved.iter_mut().zip([-step, step]) {
                let target: &mut [f64] = match operand {
                    0 => &mut case.x,
                    1 => &mut case.weight,
                    2 => case.style.get_or_insert_with(|| vec![1.0; direction.len()]),
                    3 => case.bias.get_or_insert_with(|| vec![0.0; direction.len()]),
                    _ => std::slice::from_mut(&mut case.strength),
                };
                for (value, direction) in target.iter_mut().zip(&direction) {
                    *value += sign * direction;
                }
            }
            let [before, after] = moved.map(|case| case.reference());
            // There is no slope across a kink of the activation or the clamp.
            let kinked = |value: f64| {
                let below_clamp = case.conv.clamp.map(|clamp| f64::from(clamp) - value.abs());
                value.abs() < 1e-4 || below_clamp.is_some_and(|x| 0.0 < x && x < 1e-4)
            };
            prop_assume!(!y.iter().any(|value| kinked(*value)));
            let expected = (dot(&after, &grad_y) - dot(&before, &grad_y)) / (2.0 * step);
            // Demodulation cancels most of the slope along the weights, so rounding errors are
            // relative to the sum of absolute terms.
            let whole: f64 = y.iter().zip(&grad_y).map(|(y, g)| (y * f64::from(*g)).abs()).sum();
            let slopes = after.iter().zip(&before).map(|(a, b)| (a - b) / (2.0 * step));
            let terms = slopes.zip(&grad_y).map(|(slope, g)| (slope * f64::from(*g)).abs());
            let scale = 1.0 + whole + terms.sum::<f64>();
            for isa in paths() {
                let gradients = case.backward(isa, &case.forward(isa), &grad_y);
                let strength = [gradients.strength];
                let gradient: &[f32] = [
                    &gradients.x[..], &gradients.weight, &gradients.style, &gradients.bias,
                    &strength,
                ][operand];
                let found = if operand == 4 && noiseless { 0.0 } else { dot(&direction, gradient) };
                prop_assert!(
                    (found - expected).abs() < TOLERANCE * scale,
                    "{isa:?} operand {operand}: {found} is not {expected}"
                );
            }
        }
    }
}

/// Results are bitwise independent of the number of threads, at a size with work for several.
#[test]
fn threads_do_not_change_results() {
    for (up, size) in [(false, 32), (true, 16), (false, 5)] {
        let conv = StyledConv {
            batch: 5,
            in_channels: 20,
            out_channels: 18,
            height: size,
            width: size,
            kernel: 3,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: Some(256.0),
        };
        let case = case(conv, [true; 4], 1);
        let bf16 = paths().filter_map(Isa::bf16);
        for isa in paths().chain(bf16) {
            let results = [1, 2, 3].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .expect("the thread pool starts");
                pool.install(|| {
                    let y = case.forward(isa);
                    let gradients = case.backward(isa, &y, &y);
                    (y, gradients)
                })
            });
            assert!(
                results[0] == results[1] && results[0] == results[2],
                "{isa:?} {conv:?}"
            );
        }
    }
}

/// At sizes where the work is divided, outputs and gradients match the direct algorithm.
#[test]
fn algorithms_agree() {
    for (batch, channels, size, kernel, up) in [
        (1, [3, 5], [68, 260], 3, false),
        (1, [3, 5], [68, 260], 3, true),
        (9, [37, 50], [11, 13], 3, false),
        (9, [37, 50], [11, 13], 3, true),
        (2, [20, 3], [68, 260], 1, false),
        (20, [16, 33], [4, 6], 3, false),
        (20, [16, 33], [4, 6], 3, true),
    ] {
        let conv = StyledConv {
            batch,
            in_channels: channels[0],
            out_channels: channels[1],
            height: size[0],
            width: size[1],
            kernel,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: None,
        };
        let case = case(conv, [true; 4], 2);
        let y = case.forward(Isa::available()[0].forcing(Algorithm::Direct));
        let grad_y = single(&values(&mut 3, y.len()));
        let outcome = |isa| {
            let gradients = case.backward(isa, &y, &grad_y);
            [
                case.forward(isa),
                gradients.x,
                gradients.weight,
                gradients.style,
                gradients.bias,
                vec![gradients.strength],
            ]
        };
        let expected = outcome(Isa::available()[0].forcing(Algorithm::Direct));
        for isa in paths() {
            for (index, (found, expected)) in outcome(isa).iter().zip(&expected).enumerate() {
                let range = expected
                    .iter()
                    .fold(0.0, |range: f32, value| range.max(value.abs()));
                let error = found
                    .iter()
                    .zip(expected)
                    .fold(0.0, |error: f32, (a, b)| error.max((a - b).abs()));
                assert!(
                    error < TOLERANCE as f32 * range,
                    "{isa:?} {conv:?}: operand {index} differs by {error} of {range}"
                );
            }
        }
    }
}

/// A product in bf16 has two correct digits, so the error of sums is a few percent of their usual
/// size.
#[test]
fn bf16_is_near_f32() {
    for (in_channels, out_channels, size, up) in [
        (20, 18, [32, 32], false),
        (20, 18, [16, 19], true),
        (64, 33, [5, 7], false),
        (33, 64, [5, 7], true),
    ] {
        let conv = StyledConv {
            batch: 2,
            in_channels,
            out_channels,
            height: size[0],
            width: size[1],
            kernel: 3,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: None,
        };
        let case = case(conv, [true; 4], 5);
        for isa in paths() {
            let Some(bf16) = isa.bf16() else { continue };
            let [exact, rounded] = [case.forward(isa), case.forward(bf16)];
            let errors = exact.iter().zip(&rounded).map(|(a, b)| (a - b).powi(2));
            let error = (errors.sum::<f32>() / exact.len() as f32).sqrt();
            let usual = exact.iter().map(|y| y.powi(2)).sum::<f32>() / exact.len() as f32;
            assert!(error < 0.03 * usual.sqrt(), "{isa:?} {conv:?}: {error}");
        }
    }
}

/// Both passes of all algorithms, and blocks, on shapes small enough for Miri.
#[test]
fn portable_path_on_small_shapes() {
    let [batch, height] = if cfg!(miri) { [1, 1] } else { [2, 3] };
    for (kernel, up, channels) in [(3, false, [1, 17]), (3, true, [2, 1]), (1, false, [2, 3])] {
        let conv = StyledConv {
            batch,
            in_channels: channels[0],
            out_channels: channels[1],
            height,
            width: 5,
            kernel,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: Some(1.0),
        };
        let case = case(conv, [true; 4], 6);
        let expected = case.reference();
        for algorithm in [Algorithm::Direct, Algorithm::Winograd, Algorithm::Pointwise] {
            let isa = Isa::available()[0].forcing(algorithm);
            if conv.algorithm(isa) != algorithm {
                continue;
            }
            let y = case.forward(isa);
            let gradients = case.backward(isa, &y, &y);
            assert!(gradients.x.iter().all(|value| value.is_finite()));
            assert!(case.forward_in_blocks(isa) == y);
            for (value, expected) in y.iter().zip(&expected) {
                assert!((f64::from(*value) - expected).abs() < TOLERANCE);
            }
        }
    }
}

/// Prepared weights work for every batch size with identical bits.
#[test]
fn prepared_weights_give_the_same_bits() {
    for up in [false, true] {
        let conv = StyledConv {
            batch: 3,
            in_channels: 20,
            out_channels: 18,
            height: 9,
            width: 7,
            kernel: 3,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: None,
        };
        let case = case(conv, [true; 4], 4);
        for isa in paths() {
            let single = StyledConv { batch: 1, ..conv };
            let prepared = single.prepare_weights(isa, &self::single(&case.weight));
            let mut y = vec![f32::NAN; case.forward(isa).len()];
            case.with_inputs(|inputs| {
                let inputs = Inputs {
                    weight: &[],
                    ..*inputs
                };
                conv.forward_prepared(&prepared, &inputs, &mut y);
            });
            assert!(y == case.forward(isa), "{isa:?} {conv:?}");
        }
    }
}

/// Blocked features give the same bits as planes in every algorithm, including colours.
#[test]
fn blocked_features_give_the_same_bits() {
    for (kernel, up, channels, size) in [
        (3, false, [20, 18], [9, 7]),
        (3, true, [20, 50], [9, 7]),
        (3, true, [3, 5], [40, 150]),
        (3, false, [3, 5], [40, 260]),
        (1, false, [37, 3], [67, 41]),
    ] {
        let conv = StyledConv {
            batch: 2,
            in_channels: channels[0],
            out_channels: channels[1],
            height: size[0],
            width: size[1],
            kernel,
            up,
            demodulate: true,
            activation: Activation::LeakyRelu,
            clamp: Some(4.0),
        };
        let case = case(conv, [true; 4], 7);
        for isa in paths().chain(paths().filter_map(Isa::bf16)) {
            assert!(
                case.forward_in_blocks(isa) == case.forward(isa),
                "{isa:?} {conv:?}"
            );
        }
    }
}
