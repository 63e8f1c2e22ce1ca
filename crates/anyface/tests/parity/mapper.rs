//! Parity with the released AnyFace++ (`tools/parity/anyface_plus.py`).

use burn::tensor::Device;

use crate::fixture::{Fixture, fixture};
use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, Network, convert};
use anyface::mapper::{ImageMapConfig, Memory, MemoryConfig};

fn network(file: &str, kind: Kind) -> Network {
    let path = fixture("checkpoints").join(file);
    let mut converted = convert(&Checkpoint::open(&path).unwrap()).unwrap();
    assert_eq!(converted.kind, kind);
    converted.networks.remove(0)
}

fn config<T: serde::de::DeserializeOwned>(network: &Network) -> T {
    serde_json::from_value(network.config.clone()).unwrap()
}

fn memory(file: &str, device: &Device) -> Memory {
    let network = network(file, Kind::AnyfaceMemory);
    let config: MemoryConfig = config(&network);
    network.load(config.init(device)).unwrap()
}

#[test]
fn latents_equal_the_reference() {
    let expected = Fixture::open(&fixture("anyface_plus.io.safetensors"));
    let network = network("anyface_plus.pt", Kind::AnyfaceMapper);
    let config: ImageMapConfig = config(&network);
    let mapper = network.load(config.init(&expected.device)).unwrap();
    let memory = memory("anyface_plus_memory.pt", &expected.device);

    let answers = memory.forward(expected.get("features"));
    expected.check("answers", answers.clone(), 1e-6);
    expected.check("w_plus", mapper.forward(answers), 1e-5);
}

#[test]
fn banks_in_one_tensor_equal_those_in_a_list() {
    let expected = Fixture::open(&fixture("anyface_plus.io.safetensors"));
    let memory = memory("anyface_plus_memory_stacked.pt", &expected.device);
    let answers = memory.forward(expected.get("features"));
    expected.check("answers_stacked", answers, 1e-6);
}
