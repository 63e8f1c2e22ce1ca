//! Runs of blocks compared with their definition in f64.

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

/// A convolution with its sizes.
struct Conv {
    weight: Vec<f32>,
    bias: Vec<f32>,
    kernel: usize,
    stride: usize,
    depthwise: bool,
    activated: bool,
}

impl Conv {
    fn new(
        [outputs, inputs, kernel, stride]: [usize; 4],
        depthwise: bool,
        activated: bool,
        seed: usize,
    ) -> Self {
        let fan_in = (if depthwise { 1 } else { inputs }) * kernel * kernel;
        let scale = (6.0 / fan_in as f32).sqrt();
        Self {
            weight: values(outputs * fan_in, seed, scale),
            bias: values(outputs, seed + 1, 0.5),
            kernel,
            stride,
            depthwise,
            activated,
        }
    }

    fn frozen(&self) -> FrozenConv<'_> {
        FrozenConv {
            weight: &self.weight,
            bias: &self.bias,
        }
    }
}

/// Features `[C, H, W]` of one image, with what the backward pass needs.
struct Layer {
    shape: [usize; 3],
    y: Vec<f64>,
    /// Whether a gradient passes, per value.
    passes: Vec<bool>,
    /// Indices of y and x, and the weight, of every product.
    products: Vec<(usize, usize, f64)>,
}

fn layer(conv: &Conv, [channels, height, width]: [usize; 3], x: &[f64]) -> Layer {
    let outputs = conv.bias.len();
    let out = [height, width].map(|size| size.div_ceil(conv.stride));
    let before =
        |size: usize, out: usize| ((out - 1) * conv.stride + conv.kernel).saturating_sub(size) / 2;
    let [top, left] = [before(height, out[0]), before(width, out[1])];
    let mut products = Vec::new();
    for (o, i, j) in (0..outputs)
        .flat_map(|o| (0..out[0]).flat_map(move |i| (0..out[1]).map(move |j| (o, i, j))))
    {
        let sources = if conv.depthwise {
            o..o + 1
        } else {
            0..channels
        };
        for (local, c) in sources.enumerate() {
            for place in 0..conv.kernel * conv.kernel {
                let row = (i * conv.stride + place / conv.kernel).wrapping_sub(top);
                let column = (j * conv.stride + place % conv.kernel).wrapping_sub(left);
                if row < height && column < width {
                    let of_one = if conv.depthwise { 1 } else { channels };
                    let weight =
                        conv.weight[(o * of_one + local) * conv.kernel * conv.kernel + place];
                    products.push((
                        (o * out[0] + i) * out[1] + j,
                        (c * height + row) * width + column,
                        f64::from(weight),
                    ));
                }
            }
        }
    }
    let mut y: Vec<f64> = (0..outputs * out[0] * out[1])
        .map(|i| f64::from(conv.bias[i / (out[0] * out[1])]))
        .collect();
    for &(to, from, weight) in &products {
        y[to] += x[from] * weight;
    }
    let passes = y
        .iter()
        .map(|&y| !conv.activated || (0.0 < y && y < 6.0))
        .collect();
    if conv.activated {
        y.iter_mut().for_each(|y| *y = y.clamp(0.0, 6.0));
    }
    Layer {
        shape: [outputs, out[0], out[1]],
        y,
        passes,
        products,
    }
}

impl Layer {
    fn backward(&self, grad_y: &[f64], inputs: usize) -> Vec<f64> {
        let mut grad_x = vec![0.0; inputs];
        for &(to, from, weight) in &self.products {
            if self.passes[to] {
                grad_x[from] += grad_y[to] * weight;
            }
        }
        grad_x
    }
}

/// Expand, depthwise and project convolutions of a block.
type Parts = (Option<Conv>, Conv, Conv);

fn block([inputs, outputs, expansion, kernel, stride]: [usize; 5], seed: usize) -> Parts {
    let inner = inputs * expansion;
    (
        (expansion > 1).then(|| Conv::new([inner, inputs, 1, 1], false, true, seed)),
        Conv::new([inner, inner, kernel, stride], true, true, seed + 2),
        Conv::new([outputs, inner, 1, 1], false, false, seed + 4),
    )
}

/// y and the gradient of x for one image.
fn reference(
    stem: Option<&Conv>,
    blocks: &[Parts],
    shape: [usize; 3],
    x: &[f32],
    grad_y: &[f32],
) -> [Vec<f64>; 2] {
    let mut y: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let mut shape = shape;
    // Layers per block, and whether the block is residual.
    let mut done: Vec<(Vec<(Layer, usize)>, bool)> = Vec::new();
    let stages =
        stem.map(|stem| vec![stem])
            .into_iter()
            .chain(blocks.iter().map(|(expand, depthwise, project)| {
                expand.iter().chain([depthwise, project]).collect()
            }));
    for (number, convs) in stages.enumerate() {
        let (input, before) = (y.clone(), shape);
        let mut layers = Vec::new();
        for conv in convs {
            let layer = layer(conv, shape, &y);
            let inputs = y.len();
            (y, shape) = (layer.y.clone(), layer.shape);
            layers.push((layer, inputs));
        }
        let is_block = stem.is_none() || number > 0;
        let is_residual = is_block && shape == before;
        if is_residual {
            y.iter_mut().zip(&input).for_each(|(y, x)| *y += x);
        }
        done.push((layers, is_residual));
    }
    let mut grad: Vec<f64> = grad_y.iter().copied().map(f64::from).collect();
    for (layers, is_residual) in done.iter().rev() {
        let outer = grad.clone();
        for (layer, inputs) in layers.iter().rev() {
            grad = layer.backward(&grad, *inputs);
        }
        if *is_residual {
            grad.iter_mut()
                .zip(&outer)
                .for_each(|(grad, outer)| *grad += outer);
        }
    }
    [y, grad]
}

fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    let scale = expected
        .iter()
        .fold(0.0_f64, |all, value| all.max(value.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= 1e-4 * scale, "{what} {index}: {found} {expected}");
    }
}

/// Results of a run: y without masks, y with masks, and the gradient of x.
fn run(
    isa: Isa,
    blocks: &FrozenBlocks,
    shape: [usize; 4],
    x: &[f32],
    grad_y: &[f32],
) -> [Vec<f32>; 3] {
    let [mut plain, mut y] = [(); 2].map(|()| vec![f32::NAN; grad_y.len()]);
    blocks.forward(isa, shape, x, &mut plain);
    let bits = blocks.forward_noting(isa, shape, x, &mut y);
    let mut grad_x = vec![f32::NAN; x.len()];
    blocks.backward(isa, shape, &bits, grad_y, &mut grad_x);
    [plain, y, grad_x]
}

fn check(stem: Option<Conv>, parts: &[Parts], shape: [usize; 4]) {
    let blocks: Vec<_> = parts
        .iter()
        .map(|(expand, depthwise, project)| InvertedResidual {
            expand: expand.as_ref().map(Conv::frozen),
            depthwise: depthwise.frozen(),
            stride: depthwise.stride,
            project: project.frozen(),
        })
        .collect();
    let frozen = FrozenBlocks::new(stem.as_ref().map(Conv::frozen), &blocks);
    let [batch, channels, height, width] = shape;
    let x = values(shape.iter().product(), 90, 1.5);
    let outputs: usize = frozen.output_shape(shape).iter().product();
    let grad_y = values(outputs, 91, 1.0);
    let [mut y, mut grad_x] = [Vec::new(), Vec::new()];
    for (x, grad_y) in x
        .chunks(x.len() / batch)
        .zip(grad_y.chunks(outputs / batch))
    {
        let [image, gradient] =
            reference(stem.as_ref(), parts, [channels, height, width], x, grad_y);
        y.extend(image);
        grad_x.extend(gradient);
    }
    for isa in Isa::available() {
        let [plain, noting, gradient] = run(isa, &frozen, shape, &x, &grad_y);
        assert!(plain == noting, "{}: recording masks changed y", isa.name());
        assert_near(&plain, &y, &format!("{} y", isa.name()));
        assert_near(&gradient, &grad_x, &format!("{} gradient", isa.name()));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .unwrap();
    let isa = Isa::detect();
    let parallel = pool.install(|| run(isa, &frozen, shape, &x, &grad_y));
    assert!(
        parallel == run(isa, &frozen, shape, &x, &grad_y),
        "the number of threads changed the result"
    );
}

#[test]
fn a_stem_and_narrow_blocks() {
    let stem = Conv::new([20, 3, 3, 2], false, true, 7);
    let blocks = [
        block([20, 9, 1, 3, 1], 10),
        block([9, 5, 3, 3, 2], 20),
        block([5, 5, 6, 5, 1], 30),
    ];
    check(Some(stem), &blocks, [3, 3, 12, 20]);
}

#[test]
fn groups_of_small_images() {
    let blocks = [
        block([24, 40, 4, 5, 2], 10),
        block([40, 40, 2, 3, 1], 20),
        block([40, 17, 2, 3, 2], 30),
    ];
    check(None, &blocks, [5, 24, 14, 9]);
}

#[test]
fn single_blocks() {
    for [kernel, stride] in [[3, 1], [3, 2], [5, 1], [5, 2]] {
        check(
            None,
            &[block([32, 32, 1, kernel, stride], 40)],
            [2, 32, 7, 10],
        );
        check(
            None,
            &[block([16, 16, 6, kernel, stride], 50)],
            [1, 16, 32, 28],
        );
    }
}
