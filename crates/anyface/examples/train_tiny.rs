//! Trains a small StyleGAN2 generator on 16 portraits with burn's optimiser. After about a minute
//! it draws each portrait from its code. Every network of the library is trained like this.
//!
//! ```sh
//! cargo run --release -p anyface --example train_tiny -- tiny.png
//! ```
//!
//! The upper row of the picture shows the portraits, the lower row the network's output.
//! `anyface train` adds data loading, checkpoints, an average of the weights, evaluation and
//! samples.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::Path;

use anyface::Device;
use anyface::image::{contact_sheet, save_png, to_rgb, to_tensor};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast};
use anyface_portraits::{CODE_DIM, Face, latent, render};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const PORTRAITS: usize = 16;
const STEPS: usize = 300;
const LEARNING_RATE: f64 = 4e-3;

fn main() -> Result<(), anyface::Error> {
    let output = std::env::args().nth(1).unwrap_or("tiny.png".into());
    let device = Device::flex().autodiff();

    // Data: portraits of 32² pixels and their codes.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let faces: Vec<Face> = (0..PORTRAITS)
        .map(|_| Face::from_latent(&latent::sample(&mut rng)))
        .collect();
    let portraits: Vec<_> = faces.iter().map(|face| render(face, 32)).collect();
    let targets = to_tensor(&portraits.iter().collect::<Vec<_>>(), &device);
    let codes: Vec<f32> = faces.iter().flat_map(Face::code).collect();
    let codes = TensorData::new(codes, [PORTRAITS, CODE_DIM]);
    let codes = Tensor::<2>::from_data(codes, &device);

    // Network: feature channels at 4², 8², 16² and 32².
    device.seed(1);
    let mut generator = GeneratorConfig::new(CODE_DIM, 64, vec![64, 64, 32, 32])
        .with_mapping_layers(1)
        .with_lr_multiplier(1.0)
        .with_normalize_z(false)
        .init(&device);

    let mut optimizer = AdamConfig::new().init();
    for step in 0..STEPS {
        let images = draw(&generator, codes.clone());
        let loss = (images - targets.clone()).abs().mean();
        if step % 50 == 0 {
            println!("step {step}  l1 {:.3}", loss.clone().into_scalar::<f32>());
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &generator);
        generator = optimizer.step(LEARNING_RATE, generator, gradients);
    }

    let drawn = to_rgb(draw(&generator, codes));
    let rows = [portraits, drawn].concat();
    save_png(&contact_sheet(&rows, PORTRAITS), Path::new(&output))
}

/// Generates images `[N, 3, 32, 32]` for codes `[N, Z]`.
fn draw(generator: &Generator, codes: Tensor<2>) -> Tensor<4> {
    let w = generator.mapping.forward(codes);
    let w_plus = broadcast(w, generator.synthesis.num_ws());
    generator.synthesis.forward(w_plus, Noise::None)
}
