//! Benchmarks every convolution of two generators, in operations per second (1 Gitem/s is 1
//! GFLOP/s): the built-in one (128², batch 16), and StyleGAN2's config F (1024², batch 1) with
//! prepared weights. Run with `cargo bench -p anyface-kernels [-- filter]`.

use std::fmt;

use anyface_kernels::{
    Activation, Gradients, Inputs, Isa, Noise, StyledConv, blocked_len, planes_to_blocks, scratch,
};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// A layer; `size` is the side of its input.
#[derive(Clone, Copy)]
struct Layer {
    batch: usize,
    channels: [usize; 2],
    size: usize,
    form: Form,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Plain,
    Up,
    Rgb,
}

/// `in→out@output size`, and the kind of layer.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [inputs, outputs] = self.channels;
        let kind = match self.form {
            Form::Plain => "",
            Form::Up => " up",
            Form::Rgb => " rgb",
        };
        let size = self.conv().output_size()[0];
        write!(f, "{inputs}→{outputs}@{size}{kind}")
    }
}

/// All layers of a generator with these channels at 4², 8², ….
fn layers(batch: usize, channels: &[usize]) -> Vec<Layer> {
    let layer = |channels, size, form| Layer {
        batch,
        channels,
        size,
        form,
    };
    let mut layers = Vec::new();
    for (level, &outputs) in channels.iter().enumerate() {
        let size = 4 << level;
        if level > 0 {
            layers.push(layer([channels[level - 1], outputs], size / 2, Form::Up));
        }
        layers.push(layer([outputs; 2], size, Form::Plain));
        layers.push(layer([outputs, 3], size, Form::Rgb));
    }
    layers
}

fn built_in() -> Vec<Layer> {
    layers(16, &[256, 256, 256, 128, 64, 32])
}

fn config_f() -> Vec<Layer> {
    layers(1, &[512, 512, 512, 512, 512, 256, 128, 64, 32])
}

impl Layer {
    fn conv(&self) -> StyledConv {
        let rgb = self.form == Form::Rgb;
        StyledConv {
            batch: self.batch,
            in_channels: self.channels[0],
            out_channels: self.channels[1],
            height: self.size,
            width: self.size,
            kernel: if rgb { 1 } else { 3 },
            up: self.form == Form::Up,
            demodulate: !rgb,
            activation: if rgb {
                Activation::Linear
            } else {
                Activation::LeakyRelu
            },
            clamp: None,
        }
    }
}

/// A layer with its inputs and output.
struct Case {
    conv: StyledConv,
    x: Vec<f32>,
    weight: Vec<f32>,
    style: Vec<f32>,
    noise: Vec<f32>,
    bias: Vec<f32>,
    y: Vec<f32>,
}

/// Arbitrary numbers around zero.
fn values(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}

impl Case {
    fn new(layer: Layer) -> Case {
        let conv = layer.conv();
        let output = conv.output_size().iter().product::<usize>();
        let pairs = conv.in_channels * conv.out_channels;
        Case {
            x: values(conv.batch * conv.in_channels * conv.height * conv.width),
            weight: values(pairs * conv.kernel * conv.kernel),
            style: values(conv.batch * conv.in_channels),
            noise: values(output),
            bias: values(conv.out_channels),
            y: vec![0.0; conv.batch * conv.out_channels * output],
            conv,
        }
    }

    /// The convolution, its inputs and its output buffer.
    fn parts(&mut self) -> (StyledConv, Inputs<'_>, &mut [f32]) {
        let inputs = Inputs {
            x: &self.x,
            weight: &self.weight,
            style: Some(&self.style),
            noise: Some(Noise {
                map: &self.noise,
                strength: 0.1,
            }),
            bias: Some(&self.bias),
        };
        (self.conv, inputs, &mut self.y)
    }
}

#[divan::bench(args = built_in(), min_time = 0.3)]
fn forward(bencher: Bencher<'_, '_>, layer: Layer) {
    let mut case = Case::new(layer);
    let (conv, inputs, y) = case.parts();
    bencher
        .counter(ItemsCount::new(conv.flops()))
        .bench_local(|| conv.forward(Isa::detect(), &inputs, y));
}

#[divan::bench(args = config_f(), min_time = 0.3)]
fn prepared(bencher: Bencher<'_, '_>, layer: Layer) {
    time_prepared(bencher, layer, Isa::detect());
}

/// In f32 where the CPU does not support bf16.
#[divan::bench(args = config_f(), min_time = 0.3)]
fn prepared_bf16(bencher: Bencher<'_, '_>, layer: Layer) {
    let isa = Isa::detect();
    time_prepared(bencher, layer, isa.bf16().unwrap_or(isa));
}

/// Times a prepared layer with features in blocks, in buffers from the scratch pool.
fn time_prepared(bencher: Bencher<'_, '_>, layer: Layer, isa: Isa) {
    let mut case = Case::new(layer);
    let (conv, inputs, colours) = case.parts();
    let weights = conv.prepare_weights(isa, inputs.weight);
    let x_shape = [conv.batch, conv.in_channels, conv.height * conv.width];
    let y_shape = [
        conv.batch,
        conv.out_channels,
        conv.output_size().iter().product(),
    ];
    let [mut x, mut y] = [x_shape, y_shape].map(|shape| scratch(blocked_len(shape)));
    planes_to_blocks(isa, x_shape, inputs.x, &mut x);
    let inputs = Inputs { x: &x, ..inputs };
    let bencher = bencher.counter(ItemsCount::new(conv.flops()));
    match layer.form {
        Form::Rgb => bencher.bench_local(|| conv.forward_colours(&weights, &inputs, colours)),
        _ => bencher.bench_local(|| conv.forward_blocked(&weights, &inputs, &mut y)),
    }
}

#[divan::bench(args = built_in().into_iter().chain(config_f()), min_time = 0.3)]
fn backward(bencher: Bencher<'_, '_>, layer: Layer) {
    let mut case = Case::new(layer);
    let mut grad_x = case.x.clone();
    let mut grad_weight = case.weight.clone();
    let mut grad_style = case.style.clone();
    let mut grad_bias = case.bias.clone();
    let mut grad_strength = 0.0;
    let (conv, inputs, y) = case.parts();
    conv.forward(Isa::detect(), &inputs, y);
    let grad_y = values(y.len());
    bencher
        .counter(ItemsCount::new(2 * conv.flops()))
        .bench_local(|| {
            let gradients = Gradients {
                x: Some(&mut grad_x),
                weight: Some(&mut grad_weight),
                style: Some(&mut grad_style),
                bias: Some(&mut grad_bias),
                noise_strength: Some(&mut grad_strength),
            };
            conv.backward(Isa::detect(), &inputs, y, &grad_y, gradients);
        });
}
