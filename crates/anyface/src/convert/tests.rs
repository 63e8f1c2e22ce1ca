//! Conversions of files written by the reference implementations (`tools/parity/checkpoints.py`).
//! The expected weights are those of the networks' own parity tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyface_checkpoint::Bytes;
use burn::tensor::Device;
use serde_json::json;

use super::stylegan2::{Naming, export};
use super::*;
use crate::clip::{TextTowerConfig, VisionTransformerConfig};
use crate::identity::{ArcFaceConfig, IrSeConfig};
use crate::inversion::{EncoderConfig, Method};

mod variants;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap()
}

fn converted(name: &str) -> Converted {
    convert(&open(&format!("checkpoints/{name}"))).unwrap()
}

/// The only network of a file, and its sizes.
fn generator(name: &str) -> (GeneratorConfig, Network) {
    let mut converted = converted(name);
    assert_eq!(converted.networks.len(), 1);
    let network = converted.networks.remove(0);
    assert_eq!(network.name, "generator");
    let config = serde_json::from_value(network.config.clone()).unwrap();
    (config, network)
}

fn assert_equal(found: &BTreeMap<String, StoredTensor>, expected: &BTreeMap<String, StoredTensor>) {
    let names = |tensors: &BTreeMap<String, StoredTensor>| -> Vec<String> {
        tensors.keys().cloned().collect()
    };
    assert_eq!(names(found), names(expected));
    for (name, tensor) in expected {
        assert!(
            found[name] == *tensor,
            "{name}: {:?} {tensor:?}",
            found[name]
        );
    }
}

/// Values as f32, so that a scalar equals a tensor of one element.
fn values(tensors: &BTreeMap<String, StoredTensor>) -> BTreeMap<&str, Vec<f32>> {
    let floats = |tensor: &StoredTensor| tensor.to_f32().unwrap();
    tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), floats(tensor)))
        .collect()
}

#[test]
fn nvidias_pickles_give_the_generators_of_the_parity_tests() {
    let skip = GeneratorConfig::new(64, 64, vec![48, 48, 48, 32, 16]);
    let clamped =
        GeneratorConfig::new(40, 32, vec![24, 24, 24, 16, 8]).with_conv_clamp(Some(256.0));
    for (file, expected_config, weights) in [
        ("nvidia_skip_p3.pkl", skip, "nvidia_skip"),
        (
            "nvidia_skip_clamp256_p4.pkl",
            clamped,
            "nvidia_skip_clamp256",
        ),
    ] {
        let (config, network) = generator(file);
        assert_eq!(config, expected_config);
        let expected = open(&format!("stylegan2/{weights}.safetensors"));
        assert!(
            values(&network.tensors) == values(&expected.tensors),
            "{file}"
        );
        network.load(config.init(&Device::flex())).unwrap();
    }
    let left_out = converted("nvidia_skip_clamp256_p4.pkl").left_out;
    assert!(left_out.iter().any(|part| part.name == "D.*"));
}

#[test]
fn rosinalitys_files_give_the_same_generator_as_nvidias() {
    let (expected_config, expected) = generator("nvidia_skip_p3.pkl");
    for (file, container) in [
        ("rosinality_zip.pt", "torch zip"),
        ("rosinality_legacy.pt", "torch legacy"),
    ] {
        let (config, network) = generator(file);
        assert_eq!(config, expected_config);
        assert!(
            values(&network.tensors) == values(&expected.tensors),
            "{file}"
        );
        let checkpoint = open(&format!("checkpoints/{file}"));
        assert_eq!(checkpoint.container.to_string(), container);
    }
}

#[test]
fn nvidia_to_rosinality_and_back_keeps_every_bit() {
    let pickle = open("checkpoints/nvidia_skip_p3.pkl");
    let (config, network) = generator("nvidia_skip_p3.pkl");
    let rosinality = export(&config, &network.tensors, Naming::Rosinality).unwrap();
    assert_equal(&rosinality, &open("checkpoints/rosinality_zip.pt").tensors);

    let bytes = safetensors::serialize(&rosinality, None).unwrap();
    let file = Checkpoint::from_bytes(Bytes::from(bytes), "file").unwrap();
    let back = convert(&file).unwrap().networks.remove(0);
    let nvidia = export(&config, &back.tensors, Naming::Nvidia).unwrap();
    let mut original = pickle.tensors;
    original.retain(|name, _| name.starts_with("G_ema."));
    assert_equal(&nvidia, &original);
}

#[test]
fn e4e_has_the_keys_and_shapes_of_its_networks() {
    let converted = converted("e4e_layout.pt");
    assert_eq!(converted.kind, Kind::Encoder);
    let [encoder, generator] = converted.networks.as_slice() else {
        panic!("{} networks", converted.networks.len());
    };
    let config: EncoderConfig = serde_json::from_value(encoder.config.clone()).unwrap();
    assert_eq!(
        config,
        EncoderConfig::new(Method::E4e, 18, IrSeConfig::new())
    );
    let config: GeneratorConfig = serde_json::from_value(generator.config.clone()).unwrap();
    let channels = vec![512, 512, 512, 512, 512, 256, 128, 64, 32];
    assert_eq!(config, GeneratorConfig::new(512, 512, channels));
}

#[test]
fn ir_se50_has_the_keys_and_shapes_of_its_network() {
    let converted = converted("ir_se50_layout.pth");
    assert_eq!(converted.kind, Kind::IrSe50);
    let config: ArcFaceConfig =
        serde_json::from_value(converted.networks[0].config.clone()).unwrap();
    assert_eq!(config, ArcFaceConfig::new(IrSeConfig::new()));
}

/// Both towers in one map under OpenAI's names.
fn clip(networks: &[Network]) -> BTreeMap<String, StoredTensor> {
    let [image, text] = networks else {
        panic!("{} networks", networks.len());
    };
    assert_eq!((image.name, text.name), ("image_tower", "text_tower"));
    let image = image
        .tensors
        .iter()
        .map(|(name, tensor)| (format!("visual.{name}"), tensor.clone()));
    image.chain(text.tensors.clone()).collect()
}

fn tiny_clip() -> BTreeMap<String, StoredTensor> {
    let mut tensors = open("clip/tiny.safetensors").tensors;
    tensors.remove("logit_scale");
    tensors
}

/// Puts a file and a config into one folder.
fn beside(file: &str, config_name: &str, config: &Value) -> (tempfile::TempDir, Checkpoint) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::copy(fixture(file), &path).unwrap();
    fs::write(folder.path().join(config_name), config.to_string()).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    (folder, checkpoint)
}

#[test]
fn openais_archive_gives_the_towers_of_the_parity_test() {
    let converted = converted("clip_tiny_torchscript.pt");
    assert_eq!(converted.kind, Kind::ClipOpenai);
    assert_equal(&clip(&converted.networks), &tiny_clip());
    let image: VisionTransformerConfig =
        serde_json::from_value(converted.networks[0].config.clone()).unwrap();
    assert_eq!(image, VisionTransformerConfig::new(32, 8, 64, 2, 1, 32));
    let text: TextTowerConfig =
        serde_json::from_value(converted.networks[1].config.clone()).unwrap();
    assert_eq!(text, TextTowerConfig::new(256, 77, 128, 1, 2, 32));
    converted.networks[0]
        .load(image.init(&Device::flex()))
        .unwrap();
    converted.networks[1]
        .load(text.init(&Device::flex()))
        .unwrap();
}

#[test]
fn hugging_faces_names_give_the_same_towers() {
    let config = json!({"text_config": {}, "vision_config": {"num_attention_heads": 1}});
    let (_folder, checkpoint) = beside(
        "checkpoints/clip_tiny_hf.safetensors",
        "config.json",
        &config,
    );
    let converted = convert(&checkpoint).unwrap();
    assert_eq!(converted.kind, Kind::ClipHuggingFace);
    // Some tensors are stored in a wider type than OpenAI's, with the same values.
    assert!(values(&clip(&converted.networks)) == values(&tiny_clip()));

    let alone = convert(&open("checkpoints/clip_tiny_hf.safetensors")).unwrap_err();
    assert!(alone.to_string().contains("config.json"), "{alone}");
}

#[test]
fn open_clips_config_selects_the_activation() {
    for (quick, activation) in [(true, "QuickGelu"), (false, "Gelu")] {
        let config = json!({"model_cfg": {"quick_gelu": quick, "text_cfg": {"heads": 2}}});
        let (_folder, checkpoint) =
            beside("clip/tiny.safetensors", "open_clip_config.json", &config);
        let converted = convert(&checkpoint).unwrap();
        assert_equal(&clip(&converted.networks), &tiny_clip());
        assert_eq!(converted.networks[1].config["activation"], activation);
    }
}

/// The error for a file whose tensors were changed.
fn changed(change: impl FnOnce(&mut BTreeMap<String, StoredTensor>)) -> String {
    let mut tensors = open("checkpoints/rosinality_zip.pt").tensors;
    change(&mut tensors);
    convert(&saved(&tensors)).unwrap_err().to_string()
}

/// A safetensors file of these tensors.
fn saved(tensors: &BTreeMap<String, StoredTensor>) -> Checkpoint {
    let bytes = safetensors::serialize(tensors, None).unwrap();
    Checkpoint::from_bytes(bytes.into(), "file").unwrap()
}

#[test]
fn every_wrong_tensor_is_named() {
    let name = "g_ema.convs.0.conv.weight";
    let missing = changed(|tensors| {
        tensors.remove(name);
    });
    assert_eq!(missing, format!("file lacks the tensor `{name}`"));

    let extra = changed(|tensors| {
        tensors.insert(
            "g_ema.new".to_owned(),
            StoredTensor::from_f32(vec![1], &[0.0]),
        );
    });
    assert!(
        extra.contains("`g_ema.new` that the network does not have"),
        "{extra}"
    );

    let shape = changed(|tensors| {
        tensors.insert(name.to_owned(), StoredTensor::from_f32(vec![1], &[0.0]));
    });
    assert!(
        shape.contains(&format!(
            "`{name}` has shape [1], the network needs [48, 48, 3, 3]"
        )),
        "{shape}"
    );

    let not_finite = changed(|tensors| {
        let mut values = tensors["latent_avg"].to_f32().unwrap();
        values[7] = f32::NAN;
        tensors.insert(
            "latent_avg".to_owned(),
            StoredTensor::from_f32(vec![64], &values),
        );
    });
    assert_eq!(not_finite, "file: element 7 of `mapping.w_avg` is NaN");

    let filter = changed(|tensors| {
        tensors.insert(
            "g_ema.convs.0.conv.blur.kernel".to_owned(),
            StoredTensor::from_f32(vec![4, 4], &[0.25; 16]),
        );
    });
    assert!(filter.contains("not the filter [1, 3, 3, 1]"), "{filter}");
}

#[test]
fn files_of_no_model_are_tensors() {
    let converted = convert(&open(
        "../../../anyface-checkpoint/tests/fixtures/archive.pt",
    ))
    .unwrap();
    assert_eq!(converted.kind, Kind::Tensors);
    assert!(converted.networks.is_empty());
    assert!(converted.loose.contains_key("state_dict.whole"));

    let system = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.";
    let file = Checkpoint::from_bytes(Bytes::from_static(system), "file").unwrap();
    let message = convert(&file).unwrap_err().to_string();
    assert!(
        message.contains("a call of posix.system, never run"),
        "{message}"
    );
}

#[test]
fn nvidia_pickles_of_both_protocols_open() {
    let file = open("checkpoints/nvidia_skip_p3.pkl");
    assert_eq!(file.container, Container::Pickle);
    assert_eq!(file.tensors["G_ema.mapping.w_avg"].shape(), [64]);
    assert_eq!(
        file.tensors["G_ema.synthesis.b8.conv0.weight"].shape(),
        [48, 48, 3, 3]
    );
    assert_eq!(file.metadata["training_set_kwargs"]["resolution"], 64);
    assert_eq!(file.metadata["G_ema"]["class"], "Generator");
    assert_eq!(file.metadata["D"], Value::Null);

    let file = open("checkpoints/nvidia_skip_clamp256_p4.pkl");
    assert!(file.tensors.contains_key("D.b4.conv.weight"));
    assert_eq!(
        file.metadata["G_ema"]["synthesis"]["b8"]["conv0"]["conv_clamp"],
        256
    );
}

#[test]
fn torchscript_gives_the_tensors_of_its_modules() {
    let file = open("checkpoints/clip_tiny_torchscript.pt");
    assert_eq!(file.container, Container::TorchScript);
    assert_eq!(file.tensors["visual.conv1.weight"].shape(), [64, 3, 8, 8]);
    file.verify().unwrap();
}
