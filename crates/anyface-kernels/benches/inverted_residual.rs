//! Benchmarks EfficientNet-Lite0 up to 1/32 of the resolution on 16 images of 128 × 128, one run of
//! blocks per feature tap.

use anyface_kernels::{FrozenBlocks, FrozenConv, InvertedResidual, Isa};
use divan::Bencher;

fn main() {
    divan::main();
}

/// `[blocks, kernel, stride, expansion, in channels, out channels]` per stage.
const STAGES: [[usize; 6]; 7] = [
    [1, 3, 1, 1, 32, 16],
    [2, 3, 2, 6, 16, 24],
    [2, 5, 2, 6, 24, 40],
    [3, 3, 2, 6, 40, 80],
    [3, 5, 1, 6, 80, 112],
    [4, 5, 2, 6, 112, 192],
    [1, 3, 1, 6, 192, 320],
];

/// Stages of each run, and the shape of its input.
const RUNS: [(std::ops::Range<usize>, [usize; 4]); 4] = [
    (0..2, [16, 3, 128, 128]),
    (2..3, [16, 24, 32, 32]),
    (3..5, [16, 40, 16, 16]),
    (5..7, [16, 112, 8, 8]),
];

/// Weight and bias.
type Conv = [Vec<f32>; 2];

fn conv(outputs: usize, fan_in: usize) -> Conv {
    let scale = (6.0 / fan_in as f32).sqrt();
    let value =
        |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
    [
        (0..outputs * fan_in).map(|i| scale * value(i)).collect(),
        vec![0.0; outputs],
    ]
}

fn frozen([weight, bias]: &Conv) -> FrozenConv<'_> {
    FrozenConv { weight, bias }
}

fn run(index: usize) -> FrozenBlocks {
    let mut parts = Vec::new();
    for [blocks, kernel, stride, expansion, inputs, outputs] in &STAGES[RUNS[index].0.clone()] {
        for block in 0..*blocks {
            let inputs = if block == 0 { *inputs } else { *outputs };
            let inner = inputs * expansion;
            parts.push((
                (*expansion > 1).then(|| conv(inner, inputs)),
                conv(inner, kernel * kernel),
                if block == 0 { *stride } else { 1 },
                conv(*outputs, inner),
            ));
        }
    }
    let blocks: Vec<_> = parts
        .iter()
        .map(|(expand, depthwise, stride, project)| InvertedResidual {
            expand: expand.as_ref().map(frozen),
            depthwise: frozen(depthwise),
            stride: *stride,
            project: frozen(project),
        })
        .collect();
    let stem = (index == 0).then(|| conv(32, 27));
    FrozenBlocks::new(stem.as_ref().map(frozen), &blocks)
}

#[divan::bench(args = [0, 1, 2, 3], sample_count = 20)]
fn forward(bencher: Bencher<'_, '_>, index: usize) {
    let (blocks, shape) = (run(index), RUNS[index].1);
    let x = vec![0.5; shape.iter().product()];
    let mut y = vec![0.0; blocks.output_shape(shape).iter().product()];
    bencher.bench_local(|| blocks.forward(Isa::detect(), shape, &x, &mut y));
}

#[divan::bench(args = [0, 1, 2, 3], sample_count = 20)]
fn backward(bencher: Bencher<'_, '_>, index: usize) {
    let (blocks, shape) = (run(index), RUNS[index].1);
    let mut x = vec![0.5; shape.iter().product()];
    let mut y = vec![0.0; blocks.output_shape(shape).iter().product()];
    let bits = blocks.forward_noting(Isa::detect(), shape, &x, &mut y);
    bencher.bench_local(|| blocks.backward(Isa::detect(), shape, &bits, &y, &mut x));
}
