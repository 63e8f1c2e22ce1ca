//! Parity of the blocks with omertov/encoder4editing on random weights.

use burn::tensor::Tensor;

use super::*;
use crate::convert::ir_se_unit_name;
use crate::parity::{Fixture, fixture};

const TOLERANCE: f32 = 1e-5;

fn blocks() -> Fixture {
    Fixture::open(&fixture("e4e_blocks.safetensors"))
}

#[test]
fn units_equal_the_reference() {
    let blocks = blocks();
    for (case, inputs, outputs, stride) in [
        ("unit_stride2_proj", 24, 48, 2),
        ("unit_stride1_identity", 48, 48, 1),
        ("unit_stride2_identity", 32, 32, 2),
    ] {
        let unit = IrSeUnit::new(inputs, outputs, stride, &blocks.device);
        let unit = blocks.load(unit, &format!("{case}."), ir_se_unit_name);
        let found = unit.forward(blocks.get(&format!("{case}:in0")));
        blocks.check(&format!("{case}:out"), found, TOLERANCE);
    }
}

#[test]
fn squeeze_and_excitation_equals_the_reference() {
    let blocks = blocks();
    let se = SqueezeExcitation::new(48, &blocks.device);
    let se = blocks.load(se, "se.", |name| Some(name.to_owned()));
    blocks.check("se:out", se.forward(blocks.get("se:in0")), TOLERANCE);
}

#[test]
fn stages_halve_the_resolution_and_features_have_length_one() {
    let device = burn::tensor::Device::flex();
    let backbone = IrSeConfig::new()
        .with_channels([16, 16, 32, 32])
        .with_units([1, 2, 1, 1]);
    let network = ArcFaceConfig::new(backbone.clone())
        .with_embed_dim(8)
        .init(&device);
    let features = backbone
        .init(&device)
        .forward(Tensor::ones([1, 3, 32, 32], &device));
    assert_eq!(features.map(|x| x.dims()[2]), [16, 8, 4, 2]);

    let faces = crop_face(Tensor::random(
        [2, 3, 256, 256],
        burn::tensor::Distribution::Uniform(-1.0, 1.0),
        &device,
    ));
    let lengths = network.forward(faces).square().sum_dim(1).into_data();
    for length in lengths.try_to_vec::<f32>().unwrap() {
        assert!((length - 1.0).abs() < 1e-5);
    }
}
