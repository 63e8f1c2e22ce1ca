//! Speed of every convolution of the built-in generator (128², batch 16), in operations a second
//! (1 Gitem/s is 1 GFLOP/s): `cargo bench -p anyface-kernels [-- filter]`.

use anyface_kernels::{Activation, Gradients, Inputs, Isa, Noise, StyledConv};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Named `in→out@height of the output`.
const LAYERS: [(&str, usize, usize, usize, bool); 11] = [
    ("256to256@4", 256, 256, 4, false),
    ("256to256@8up", 256, 256, 4, true),
    ("256to256@8", 256, 256, 8, false),
    ("256to256@16up", 256, 256, 8, true),
    ("256to256@16", 256, 256, 16, false),
    ("256to128@32up", 256, 128, 16, true),
    ("128to128@32", 128, 128, 32, false),
    ("128to64@64up", 128, 64, 32, true),
    ("64to64@64", 64, 64, 64, false),
    ("64to32@128up", 64, 32, 64, true),
    ("32to32@128", 32, 32, 128, false),
];

const NAMES: [&str; 12] = [
    LAYERS[0].0,
    LAYERS[1].0,
    LAYERS[2].0,
    LAYERS[3].0,
    LAYERS[4].0,
    LAYERS[5].0,
    LAYERS[6].0,
    LAYERS[7].0,
    LAYERS[8].0,
    LAYERS[9].0,
    LAYERS[10].0,
    "rgb@128",
];

struct Case {
    conv: StyledConv,
    x: Vec<f32>,
    weight: Vec<f32>,
    style: Vec<f32>,
    noise: Vec<f32>,
    bias: Vec<f32>,
    y: Vec<f32>,
}

/// Numbers around zero without a pattern.
fn values(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}

impl Case {
    fn new(name: &str) -> Case {
        let layer = LAYERS.iter().find(|layer| layer.0 == name);
        let (kernel, (_, in_channels, out_channels, size, up)) = match layer {
            Some(layer) => (3, *layer),
            None => (1, ("rgb", 32, 3, 128, false)),
        };
        let conv = StyledConv {
            batch: 16,
            in_channels,
            out_channels,
            height: size,
            width: size,
            kernel,
            up,
            demodulate: kernel == 3,
            activation: if kernel == 3 {
                Activation::LeakyRelu
            } else {
                Activation::Linear
            },
            clamp: None,
        };
        let output = conv.output_size().iter().product::<usize>();
        Case {
            conv,
            x: values(16 * in_channels * size * size),
            weight: values(out_channels * in_channels * kernel * kernel),
            style: values(16 * in_channels),
            noise: values(output),
            bias: values(out_channels),
            y: vec![0.0; 16 * out_channels * output],
        }
    }

    fn forward(&mut self) {
        let noise = Some(Noise {
            map: &self.noise,
            strength: 0.1,
        });
        let inputs = Inputs {
            x: &self.x,
            weight: &self.weight,
            style: Some(&self.style),
            noise,
            bias: Some(&self.bias),
        };
        self.conv.forward(Isa::detect(), &inputs, &mut self.y);
    }
}

#[divan::bench(args = NAMES, min_time = 0.3)]
fn forward(bencher: Bencher<'_, '_>, name: &str) {
    let mut case = Case::new(name);
    let flops = case.conv.flops();
    bencher
        .counter(ItemsCount::new(flops))
        .bench_local(|| case.forward());
}

#[divan::bench(args = NAMES, min_time = 0.3)]
fn backward(bencher: Bencher<'_, '_>, name: &str) {
    let mut case = Case::new(name);
    case.forward();
    let grad_y = values(case.y.len());
    let mut grad_x = case.x.clone();
    let mut grad_weight = case.weight.clone();
    let mut grad_style = case.style.clone();
    let mut grad_bias = case.bias.clone();
    let mut grad_strength = 0.0;
    let noise = Some(Noise {
        map: &case.noise,
        strength: 0.1,
    });
    let inputs = Inputs {
        x: &case.x,
        weight: &case.weight,
        style: Some(&case.style),
        noise,
        bias: Some(&case.bias),
    };
    bencher
        .counter(ItemsCount::new(2 * case.conv.flops()))
        .bench_local(|| {
            let gradients = Gradients {
                x: Some(&mut grad_x),
                weight: Some(&mut grad_weight),
                style: Some(&mut grad_style),
                bias: Some(&mut grad_bias),
                noise_strength: Some(&mut grad_strength),
            };
            case.conv
                .backward(Isa::detect(), &inputs, &case.y, &grad_y, gradients);
        });
}
