//! Parity of YuNet with ONNX Runtime (`tools/parity/yunet.py`) on random weights.

use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert};
use anyface::yunet::YuNetConfig;

use crate::fixture::{Fixture, fixture};

const TOLERANCE: f32 = 1e-5;

#[test]
fn yunet_equals_its_graph_in_onnx_runtime() {
    let file = Checkpoint::open(&fixture("checkpoints/yunet.onnx")).unwrap();
    let converted = convert(&file).unwrap();
    assert_eq!(converted.kind, Kind::YuNet);
    let network = &converted.networks[0];
    let config: YuNetConfig = serde_json::from_value(network.config.clone()).unwrap();
    let expected = Fixture::open(&fixture("yunet.io.safetensors"));
    let yunet = network.load(config.init(&expected.device)).unwrap();
    for level in yunet.forward(expected.get("input")) {
        let name = |head: &str| format!("{head}_{}", level.stride);
        expected.check(&name("cls"), level.class, TOLERANCE);
        expected.check(&name("obj"), level.object, TOLERANCE);
        expected.check(&name("bbox"), level.bbox, TOLERANCE);
        expected.check(&name("kps"), level.points, TOLERANCE);
    }
}
