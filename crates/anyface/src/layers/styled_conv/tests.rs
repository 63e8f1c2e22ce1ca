//! The kernels compared with the portable implementation, outputs and gradients.

use super::*;
use burn::tensor::{Device, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const NO_EXTRAS: Settings = Settings {
    up: false,
    demodulate: false,
    activation: Activation::Linear,
    clamp: None,
};

const SYNTHESIS: Settings = Settings {
    up: false,
    demodulate: true,
    activation: Activation::LeakyRelu,
    clamp: None,
};

/// Seeded operands that all require a gradient, with noise for `noise_maps` images. The noise is
/// positive, so that the gradient of its strength, a sum over all outputs, does not cancel.
fn operands(kernel: usize, up: bool, noise_maps: usize, device: &Device) -> Operands {
    let (n, c_in, c_out, side) = (3, 5, 7, 6);
    let side_out = if up { 2 * side } else { side };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    Operands {
        x: normal([n, c_in, side, side], &mut rng, device).require_grad(),
        weight: normal([c_out, c_in, kernel, kernel], &mut rng, device).require_grad(),
        style: Some(normal([n, c_in], &mut rng, device).require_grad()),
        noise: Some(ScaledNoise {
            map: normal([noise_maps, 1, side_out, side_out], &mut rng, device).abs(),
            strength: normal([1], &mut rng, device).require_grad(),
        }),
        bias: Some(normal([c_out], &mut rng, device).require_grad()),
    }
}

fn normal<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = StandardNormal
        .sample_iter(rng)
        .take(shape.iter().product())
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The output and the gradients of x, weight, style, noise strength and bias.
fn outcome(
    body: impl Fn(Operands, Settings) -> Tensor<4>,
    operands: &Operands,
    settings: Settings,
) -> Vec<Vec<f32>> {
    let y = body(operands.clone(), settings);
    // Any fixed positive weights that differ between outputs.
    let pull =
        Tensor::<1, burn::tensor::Int>::arange(0..y.shape().num_elements() as i64, &y.device());
    let pull = (pull.float().sin() + 2.0).reshape(y.dims());
    let loss = (y.clone() * pull).sum();
    let gradients = loss.backward();
    let mut values = vec![y.into_data().try_into_vec().unwrap()];
    let mut push =
        |gradient: burn::tensor::TensorData| values.push(gradient.try_into_vec().unwrap());
    push(operands.x.grad(&gradients).unwrap().into_data());
    push(operands.weight.grad(&gradients).unwrap().into_data());
    if let Some(style) = &operands.style {
        push(style.grad(&gradients).unwrap().into_data());
    }
    if let Some(noise) = &operands.noise {
        push(noise.strength.grad(&gradients).unwrap().into_data());
    }
    if let Some(bias) = &operands.bias {
        push(bias.grad(&gradients).unwrap().into_data());
    }
    values
}

fn assert_bodies_agree(operands: &Operands, settings: Settings) {
    let fast = outcome(styled_conv, operands, settings);
    let reference = outcome(portable::styled_conv, operands, settings);
    assert_eq!(fast.len(), reference.len());
    for (index, (fast, reference)) in fast.iter().zip(&reference).enumerate() {
        let largest = reference.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
        for (f, r) in fast.iter().zip(reference) {
            assert!(
                (f - r).abs() <= 1e-5 * largest,
                "value {index}: {f} against {r}"
            );
        }
    }
}

#[test]
fn synthesis_layers_agree() {
    let device = Device::flex().autodiff();
    for (up, noise_maps, clamp) in [
        (false, 1, None),
        (true, 3, None),
        (false, 3, Some(1.0)),
        (true, 1, Some(1.0)),
    ] {
        let settings = Settings {
            up,
            clamp,
            ..SYNTHESIS
        };
        assert_bodies_agree(&operands(3, up, noise_maps, &device), settings);
    }
}

#[test]
fn plain_convolutions_agree() {
    let device = Device::flex().autodiff();
    for kernel in [1, 3] {
        let operands = Operands {
            style: None,
            noise: None,
            ..operands(kernel, false, 1, &device)
        };
        assert_bodies_agree(&operands, NO_EXTRAS);
        assert_bodies_agree(
            &Operands {
                bias: None,
                ..operands
            },
            SYNTHESIS,
        );
    }
}

#[test]
fn strided_operands_agree() {
    let device = Device::flex().autodiff();
    let operands = operands(3, false, 1, &device);
    let swapped = |operands: Operands| Operands {
        x: operands.x.swap_dims(2, 3),
        weight: operands.weight.swap_dims(2, 3),
        ..operands
    };
    let fast = outcome(|o, s| styled_conv(swapped(o), s), &operands, SYNTHESIS);
    let reference = outcome(
        |o, s| portable::styled_conv(swapped(o), s),
        &operands,
        SYNTHESIS,
    );
    for (f, r) in fast.concat().iter().zip(reference.concat()) {
        assert!((f - r).abs() <= 1e-4 * r.abs().max(1.0), "{f} against {r}");
    }
}
