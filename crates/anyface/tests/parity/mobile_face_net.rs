//! Parity of MobileFaceNet with ncnn (`tools/parity/mobilefacenet.py`) on random weights.

use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert};
use anyface::identity::MobileFaceNetConfig;
use burn::tensor::{Tensor, TensorData};

use crate::fixture::{Fixture, fixture};

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
    expected.check("features", features, 1e-5);
}
