//! Parity of the blocks with omertov/encoder4editing, and of MobileFaceNet with ncnn (`tools/parity/mobilefacenet.py`), on
//! random weights.

use burn::tensor::{Tensor, TensorData};

use super::*;
use crate::parity::{Fixture, fixture};
use crate::weights::convert::ir_se_unit_name;
use crate::weights::{Checkpoint, Kind, convert};

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
fn stages_halve_the_side_and_features_have_length_one() {
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

#[test]
fn mobilefacenet_equals_its_graph_in_ncnn() {
    let file = Checkpoint::open(&fixture("checkpoints/mobilefacenet.param")).unwrap();
    let converted = convert(&file).unwrap();
    assert_eq!(converted.kind, Kind::MobileFaceNet);
    let network = &converted.networks[0];
    let config: MobileFaceNetConfig = serde_json::from_value(network.config.clone()).unwrap();
    let expected = Fixture::open(&fixture("mobilefacenet.io.safetensors"));
    let mobilefacenet = network.load(config.init(&expected.device)).unwrap();
    let pixels: Vec<f32> = expected.bytes("input").into_iter().map(f32::from).collect();
    let faces = TensorData::new(pixels, [2, 3, 112, 112]);
    let features = mobilefacenet.forward(Tensor::from_data(faces, &expected.device));
    expected.check("features", features, TOLERANCE);
}
