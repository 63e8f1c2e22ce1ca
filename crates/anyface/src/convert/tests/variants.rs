//! Files of known networks in the variants that training, forks and tools produce.

use half::{bf16, f16};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use safetensors::Dtype;

use super::*;
use crate::stylegan2::{Architecture, Generator};

fn rosinality() -> BTreeMap<String, StoredTensor> {
    open("checkpoints/rosinality_zip.pt").tensors
}

/// The same values, rounded to another type.
fn cast(tensor: &StoredTensor, dtype: Dtype) -> StoredTensor {
    let values = tensor.to_f32().unwrap().into_iter();
    let bytes: Vec<u8> = match dtype {
        Dtype::F16 => values
            .flat_map(|v| f16::from_f32(v).to_le_bytes())
            .collect(),
        Dtype::BF16 => values
            .flat_map(|v| bf16::from_f32(v).to_le_bytes())
            .collect(),
        Dtype::F64 => values.flat_map(|v| f64::from(v).to_le_bytes()).collect(),
        other => panic!("{other}"),
    };
    StoredTensor::contiguous(dtype, tensor.shape().to_vec(), &bytes.into()).unwrap()
}

/// The generator among tensors, and the notes about filled-in data.
fn converted_from(tensors: &BTreeMap<String, StoredTensor>) -> (Network, Vec<String>) {
    let mut converted = convert(&saved(tensors)).unwrap();
    assert_eq!(converted.networks.len(), 1);
    (converted.networks.remove(0), converted.notes)
}

fn loaded(network: &Network) -> Generator {
    let config: GeneratorConfig = network.sizes().unwrap();
    network.load(config.init(&Device::flex())).unwrap()
}

fn without(tensors: &mut BTreeMap<String, StoredTensor>, prefix: &str) {
    let count = tensors.len();
    tensors.retain(|name, _| !name.starts_with(prefix));
    assert!(tensors.len() < count, "{prefix}");
}

#[test]
fn rosinalitys_files_in_any_float_are_read() {
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F64] {
        let tensors = rosinality();
        let tensors = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), cast(tensor, dtype)));
        let (network, notes) = converted_from(&tensors.collect());
        assert_eq!(notes, [""; 0]);
        assert_eq!(network.tensors["synthesis.input"].dtype(), dtype);
        loaded(&network);
    }
}

#[test]
fn a_missing_mean_of_w_is_computed_with_the_mapping_network() {
    let mut tensors = rosinality();
    tensors.remove("latent_avg");
    let (network, notes) = converted_from(&tensors);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("the file has no latent_avg"),
        "{notes:?}"
    );
    assert_eq!(
        network.tensors["mapping.w_avg"],
        converted_from(&tensors).0.tensors["mapping.w_avg"]
    );

    // Compares with the mean of other latents, within their standard error.
    let generator = loaded(&network);
    let rng = ChaCha8Rng::seed_from_u64(7);
    let z: Vec<f32> = StandardNormal.sample_iter(rng).take(4000 * 64).collect();
    let z = burn::tensor::TensorData::new(z, [4000, 64]);
    let w = generator
        .mapping
        .forward(burn::tensor::Tensor::from_data(z, &Device::flex()));
    let (variance, mean) = w.var_mean(0);
    let error = (1.0_f64 / 4000.0 + 1.0 / 10_000.0).sqrt();
    let distance = (mean.squeeze_dim::<1>(0) - generator.mapping.w_avg.val()).abs();
    let largest: f32 = (distance / (variance.squeeze_dim::<1>(0).sqrt() * error))
        .max()
        .into_scalar();
    assert!(largest < 6.0, "{largest} standard errors");
}

#[test]
fn missing_noise_is_drawn_with_a_fixed_seed() {
    let mut tensors = rosinality();
    without(&mut tensors, "g_ema.noises.");
    let (network, notes) = converted_from(&tensors);
    assert_eq!(
        notes,
        ["the file has no constant noise: it was drawn with seed 0"]
    );
    let noise = |network: &Network| {
        let map = &network.tensors["synthesis.blocks.4.conv1.noise_const"];
        assert_eq!(map.shape(), [64, 64]);
        map.to_f32().unwrap()
    };
    let drawn = noise(&network);
    assert_eq!(drawn, noise(&converted_from(&tensors).0));
    let variance = drawn.iter().map(|v| v * v).sum::<f32>() / drawn.len() as f32;
    assert!((0.9..1.1).contains(&variance), "{variance}");
    loaded(&network);

    // A single missing map is an error.
    let mut tensors = rosinality();
    tensors.remove("g_ema.noises.noise_3");
    let error = convert(&saved(&tensors)).unwrap_err().to_string();
    assert_eq!(error, "file lacks the tensor `g_ema.noises.noise_3`");
}

#[test]
fn generators_are_found_under_any_prefix() {
    let (expected, _) = converted_from(&rosinality());
    for prefix in ["", "module.", "g_ema.module.", "state_dict.g_ema."] {
        let renamed = rosinality().into_iter().map(|(name, tensor)| {
            let name = match name.strip_prefix("g_ema.") {
                Some(name) => format!("{prefix}{name}"),
                None => name,
            };
            (name, tensor)
        });
        let tensors: BTreeMap<_, _> = renamed.collect();
        let file = saved(&tensors);
        assert_eq!(Kind::of(&file), Kind::Stylegan2Rosinality, "{prefix}");
        let (network, notes) = converted_from(&tensors);
        assert_eq!(notes, [""; 0]);
        assert_equal(&network.tensors, &expected.tensors);
    }
}

#[test]
fn the_ema_is_preferred_to_the_network_in_training() {
    let mut tensors = rosinality();
    for (name, tensor) in rosinality() {
        if let Some(name) = name.strip_prefix("g_ema.") {
            let zeros = vec![0.0; tensor.len()];
            let other = StoredTensor::from_f32(tensor.shape().to_vec(), &zeros);
            tensors.insert(format!("g.{name}"), other);
        }
    }
    tensors.insert(
        "ada_aug_p".to_owned(),
        StoredTensor::from_f32(vec![1], &[0.1]),
    );
    let converted = convert(&saved(&tensors)).unwrap();
    let (expected, _) = converted_from(&rosinality());
    assert_equal(&converted.networks[0].tensors, &expected.tensors);
    let left_out: Vec<&str> = converted
        .left_out
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(left_out, ["g_ema.*.kernel", "ada_aug_p.*", "g.*"]);
}

#[test]
fn class_conditional_generators_are_refused_under_rosinalitys_names() {
    let error = changed(|tensors| {
        let twice = StoredTensor::from_f32(vec![64, 128], &vec![0.0; 64 * 128]);
        tensors.insert("g_ema.style.1.weight".to_owned(), twice);
    });
    assert!(error.contains("class-conditional generators"), "{error}");
    assert!(error.contains("128") && error.contains("64"), "{error}");
}

#[test]
fn nvidias_state_dicts_are_read_without_their_pickle() {
    let pickle = open("checkpoints/nvidia_skip_p3.pkl");
    let (_, expected) = generator("nvidia_skip_p3.pkl");
    for prefix in ["", "module.", "G_ema."] {
        let tensors = pickle.tensors.iter().map(|(name, tensor)| {
            let name = name.strip_prefix("G_ema.").unwrap();
            (format!("{prefix}{name}"), tensor.clone())
        });
        let file = saved(&tensors.collect());
        assert_eq!(Kind::of(&file), Kind::Stylegan2Nvidia, "{prefix}");
        let converted = convert(&file).unwrap();
        assert_equal(&converted.networks[0].tensors, &expected.tensors);
        assert_eq!(converted.networks[0].config, expected.config);
        assert!(converted.notes[0].contains("conv_clamp"));
    }
}

#[test]
fn nvidias_other_architectures_are_detected_by_their_tensors() {
    for (file, architecture) in [
        ("nvidia_resnet_clamp2_p3.pkl", Architecture::Resnet),
        ("nvidia_orig_state_dict.pt", Architecture::Orig),
    ] {
        let (config, network) = generator(file);
        assert_eq!(config.architecture(), architecture);
        let refused = export(&config, &network.tensors, Naming::Rosinality).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("does not support the architecture"),
            "{refused}"
        );
        export(&config, &network.tensors, Naming::Nvidia).unwrap();
    }
}

#[test]
fn tensors_outside_nvidias_networks_are_left_out() {
    let mut file = open("checkpoints/nvidia_skip_p3.pkl");
    let count = 25_000_000_i64.to_le_bytes().to_vec().into();
    let count = StoredTensor::contiguous(Dtype::I64, Vec::new(), &count).unwrap();
    file.tensors.insert("progress.cur_nimg".to_owned(), count);
    let converted = convert(&file).unwrap();
    let (_, expected) = generator("nvidia_skip_p3.pkl");
    assert_equal(&converted.networks[0].tensors, &expected.tensors);
    let is_named = |part: &LeftOut| part.name == "progress.*";
    assert!(converted.left_out.iter().any(is_named));
}

#[test]
fn networks_of_tensorflow_and_stylegan3_are_named() {
    let error = convert(&open("checkpoints/tensorflow.pkl"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("a TensorFlow network"), "{error}");
    assert!(error.contains("legacy.py"), "{error}");
    for prefix in ["G_ema.", ""] {
        let names = [
            "mapping.w_avg",
            "synthesis.input.freqs",
            "synthesis.L0_36_1024.weight",
        ];
        let tensor = StoredTensor::from_f32(vec![2], &[0.0; 2]);
        let tensors = names.map(|name| (format!("{prefix}{name}"), tensor.clone()));
        let error = convert(&saved(&tensors.into())).unwrap_err().to_string();
        assert!(error.contains("StyleGAN3 is not supported"), "{error}");
    }
}

#[test]
fn an_encoder_without_options_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.pt");
    fs::copy(fixture("checkpoints/e4e_layout.pt"), &path).unwrap();
    let mut file = Checkpoint::open(&path).unwrap();
    let tensors = std::mem::take(&mut file.tensors);
    let renamed = tensors
        .into_iter()
        .filter_map(|(name, tensor)| match name.as_str() {
            "latent_avg" => Some(("dlatent_avg".to_owned(), tensor)),
            name => {
                let name = name.strip_prefix("state_dict.")?;
                name.starts_with("encoder.")
                    .then(|| (name.to_owned(), tensor))
            }
        });
    file.tensors = renamed.collect();
    file.metadata = Value::Null;
    assert_eq!(Kind::of(&file), Kind::Encoder);
    let error = convert(&file).unwrap_err().to_string();
    assert!(error.contains("opts.json is missing beside it"), "{error}");
    assert!(error.contains("Encoder4Editing"), "{error}");

    fs::write(
        folder.path().join("opts.json"),
        r#"{"encoder_type": "Encoder4Editing"}"#,
    )
    .unwrap();
    let converted = convert(&file).unwrap();
    assert_eq!(converted.networks.len(), 1);
    let config: EncoderConfig = converted.networks[0].sizes().unwrap();
    assert_eq!(
        config,
        EncoderConfig::new(Method::E4e, 18, IrSeConfig::new())
    );
}

#[test]
fn an_open_clip_checkpoint_without_config_asks_for_it() {
    let tensors = open("clip/tiny.safetensors").tensors.into_iter();
    let mut tensors: BTreeMap<_, _> = tensors
        .map(|(name, tensor)| (format!("state_dict.module.{name}"), tensor))
        .collect();
    let moment = StoredTensor::from_f32(vec![1], &[0.0]);
    tensors.insert("optimizer.state.0.exp_avg".to_owned(), moment);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("epoch_32.safetensors");
    fs::write(&path, safetensors::serialize(&tensors, None).unwrap()).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!(Kind::of(&file), Kind::ClipOpenai);
    let error = convert(&file).unwrap_err().to_string();
    assert!(
        error.contains("open_clip_config.json is missing beside it"),
        "{error}"
    );
    assert!(
        error.contains("model_cfg") && error.contains("quick_gelu"),
        "{error}"
    );

    let config = json!({"model_cfg": {"text_cfg": {"heads": 2}}});
    fs::write(
        folder.path().join("open_clip_config.json"),
        config.to_string(),
    )
    .unwrap();
    assert_equal(&clip(&convert(&file).unwrap().networks), &tiny_clip());
}
