//! Parity of the blocks with omertov/encoder4editing on random weights.

use burn::tensor::{Device, Tensor, Tolerance};

use super::*;
use crate::convert::style_block_name;
use crate::identity::IrSeConfig;
use crate::parity::{Fixture, fixture};

const TOLERANCE: f32 = 1e-5;

#[test]
fn style_blocks_equal_the_reference() {
    let blocks = Fixture::open(&fixture("e4e_blocks.safetensors"));
    for side in [4, 16] {
        let case = format!("style{side}");
        let block = StyleBlock::new([24, 24, 24], side, &blocks.device);
        let block = blocks.load(block, &format!("{case}."), style_block_name);
        let found = block.forward(blocks.get(&format!("{case}:in0")));
        blocks.check(&format!("{case}:out"), found, TOLERANCE);
    }
}

#[test]
fn the_pyramid_equals_the_reference() {
    let blocks = Fixture::open(&fixture("e4e_blocks.safetensors"));
    let found = encoder::upsample_add(
        blocks.get("upsample_add:in0"),
        blocks.get("upsample_add:in1"),
    );
    blocks.check("upsample_add:out", found, TOLERANCE);
}

fn tiny_backbone() -> IrSeConfig {
    IrSeConfig::new()
        .with_channels([16, 16, 16, 16])
        .with_units([1, 1, 1, 1])
}

#[test]
fn offsets_are_added_to_the_first_layer() {
    let device = Device::flex();
    let config = EncoderConfig::new(Method::Psp, 10, tiny_backbone())
        .with_resolution(64)
        .with_style_width(16)
        .with_w_dim(16);
    let psp = config.init(&device);
    let images = Tensor::random([1, 3, 64, 64], burn::tensor::Distribution::Default, &device);
    let single = psp.forward(images.clone());
    assert_eq!(single.dims(), [1, 10, 16]);
    // The same weights, read as offsets.
    let e4e = psp.with_method(Method::E4e).forward(images);
    let first = single.clone().narrow(1, 0, 1);
    let expected = single.clone().narrow(1, 1, 9) + first.clone();
    e4e.clone()
        .narrow(1, 1, 9)
        .into_data()
        .assert_eq(&expected.into_data(), true);
    e4e.narrow(1, 0, 1)
        .into_data()
        .assert_eq(&first.into_data(), true);
}

#[test]
fn a_uniform_encoder_outputs_one_latent() {
    let device = Device::flex();
    let config = EncoderConfig::new(Method::RestyleE4e, 4, tiny_backbone())
        .with_resolution(32)
        .with_style_width(8)
        .with_w_dim(6);
    let encoder = config.init(&device);
    let images = Tensor::random([2, 3, 32, 32], burn::tensor::Distribution::Default, &device);
    let first = encoder.forward(images.clone()).narrow(1, 0, 1);
    let found = encoder
        .uniform(Tensor::full([6], 0.5, &device))
        .forward(images);
    let expected = (first + 0.5).repeat_dim(1, 4);
    found
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::default());
}
