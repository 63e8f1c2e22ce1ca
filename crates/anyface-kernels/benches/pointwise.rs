//! Benchmarks 1×1 and depthwise convolutions with many channels on small planes, as in the
//! discriminators of projected GANs.

use anyface_kernels::{
    Activation, Depthwise, DepthwiseGradients, Isa, Pointwise, PointwiseGradients,
};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// In channels, out channels, side.
const SHAPES: [[usize; 3]; 6] = [
    [24, 64, 32],
    [64, 128, 32],
    [128, 128, 16],
    [256, 256, 8],
    [512, 512, 4],
    [320, 512, 4],
];

const BATCH: usize = 16;

fn conv([inputs, outputs, side]: [usize; 3]) -> Pointwise {
    Pointwise {
        batch: BATCH,
        in_channels: inputs,
        out_channels: outputs,
        pixels: side * side,
        activation: Activation::Linear,
    }
}

/// Multiplications and additions in a forward pass.
fn flops([inputs, outputs, side]: [usize; 3]) -> usize {
    2 * BATCH * inputs * outputs * side * side
}

#[divan::bench(args = SHAPES, sample_count = 20)]
fn forward(bencher: Bencher<'_, '_>, shape: [usize; 3]) {
    let [from, to, side] = shape;
    let (x, weight) = (vec![0.5; BATCH * from * side * side], vec![0.5; from * to]);
    let mut y = vec![0.0; BATCH * to * side * side];
    let conv = conv(shape);
    bencher
        .counter(ItemsCount::new(flops(shape)))
        .bench_local(|| conv.forward(Isa::detect(), &x, &weight, None, &mut y));
}

#[divan::bench(args = SHAPES, sample_count = 20)]
fn backward(bencher: Bencher<'_, '_>, shape: [usize; 3]) {
    let [from, to, side] = shape;
    let (x, weight) = (vec![0.5; BATCH * from * side * side], vec![0.5; from * to]);
    let y = vec![0.5; BATCH * to * side * side];
    let [mut grad_x, mut grad_weight] = [x.len(), weight.len()].map(|len| vec![0.0; len]);
    let conv = conv(shape);
    bencher
        .counter(ItemsCount::new(2 * flops(shape)))
        .bench_local(|| {
            let gradients = PointwiseGradients {
                x: Some(&mut grad_x),
                weight: Some(&mut grad_weight),
                bias: None,
            };
            conv.backward(Isa::detect(), &x, &weight, &y, &y, gradients);
        });
}

/// Channels, side.
const DEPTHWISE: [[usize; 2]; 4] = [[64, 32], [128, 16], [256, 8], [512, 4]];

fn depthwise([channels, side]: [usize; 2]) -> Depthwise {
    Depthwise {
        batch: BATCH,
        channels,
        height: side,
        width: side,
        kernel: 3,
        stride: 1,
        activation: Activation::Linear,
    }
}

#[divan::bench(args = DEPTHWISE, sample_count = 20)]
fn depthwise_forward(bencher: Bencher<'_, '_>, shape: [usize; 2]) {
    let [channels, side] = shape;
    let (x, weight) = (
        vec![0.5; BATCH * channels * side * side],
        vec![0.5; channels * 9],
    );
    let mut y = vec![0.0; x.len()];
    let conv = depthwise(shape);
    bencher.bench_local(|| conv.forward(Isa::detect(), &x, &weight, None, &mut y));
}

#[divan::bench(args = DEPTHWISE, sample_count = 20)]
fn depthwise_backward(bencher: Bencher<'_, '_>, shape: [usize; 2]) {
    let [channels, side] = shape;
    let (x, weight) = (
        vec![0.5; BATCH * channels * side * side],
        vec![0.5; channels * 9],
    );
    let [mut grad_x, mut grad_weight] = [x.len(), weight.len()].map(|len| vec![0.0; len]);
    let conv = depthwise(shape);
    bencher.bench_local(|| {
        let gradients = DepthwiseGradients {
            x: Some(&mut grad_x),
            weight: Some(&mut grad_weight),
            bias: None,
        };
        conv.backward(Isa::detect(), &x, &weight, &x, &x, gradients);
    });
}
