//! Benchmarks the built-in generator, 128², on the CPU.

use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast};
use burn::tensor::{Device, Distribution, Tensor};
use divan::Bencher;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn generator(batch: usize, device: &Device) -> (Generator, Tensor<3>) {
    let config = GeneratorConfig::new(64, 256, vec![256, 256, 256, 128, 64, 32]);
    let w = Tensor::random([batch, 256], Distribution::Normal(0.0, 1.0), device);
    (config.init(device), broadcast(w, config.num_ws()))
}

#[divan::bench(args = [1, 4, 16], sample_count = 10)]
fn forward(bencher: Bencher<'_, '_>, batch: usize) {
    let (generator, w_plus) = generator(batch, &Device::flex());
    bencher.bench_local(|| {
        generator
            .synthesis
            .forward(w_plus.clone(), Noise::Const)
            .into_data()
    });
}

/// Computes gradients of all weights, as in training.
#[divan::bench(args = [4, 16], sample_count = 10)]
fn forward_and_backward(bencher: Bencher<'_, '_>, batch: usize) {
    let (generator, w_plus) = generator(batch, &Device::flex().autodiff());
    bencher.bench_local(|| {
        let image = generator.synthesis.forward(w_plus.clone(), Noise::Const);
        image.square().mean().backward()
    });
}
