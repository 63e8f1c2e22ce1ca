//! Parity of both towers with openai/CLIP and transformers on random weights; see
//! `tests/fixtures/clip/README.md` for how they were made.

use anyface_checkpoint::Checkpoint;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;

use super::transformer::Activation;
use super::*;
use crate::convert::convert;
use crate::weights::load_module_bytes;

const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/clip/tiny.safetensors");
const EXPECTED: &[u8] = include_bytes!("../../tests/fixtures/clip/tiny.io.safetensors");

/// A safetensors file loaded to a device.
struct Fixture<'a> {
    file: SafeTensors<'a>,
    device: Device,
}

impl<'a> Fixture<'a> {
    fn new(bytes: &'a [u8], device: &Device) -> Self {
        Self {
            file: SafeTensors::deserialize(bytes).unwrap(),
            device: device.clone(),
        }
    }

    fn floats<const D: usize>(&self, name: &str) -> Tensor<D> {
        let view = self.file.tensor(name).unwrap();
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
        // A scalar becomes a tensor of one element.
        let shape = if view.shape().is_empty() {
            &[1]
        } else {
            view.shape()
        };
        Tensor::from_data(TensorData::new(values, shape.to_vec()), &self.device)
    }

    fn ints<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        let view = self.file.tensor(name).unwrap();
        let values: Vec<i64> = bytemuck::pod_collect_to_vec(view.data());
        Tensor::from_data(TensorData::new(values, view.shape().to_vec()), &self.device)
    }

    fn text_tower(&self, config: &TextTowerConfig) -> TextTower {
        let others = ["visual.", "io.", "logit_scale"];
        let own = |key: &str| !others.iter().any(|prefix| key.starts_with(prefix));
        self.load(config.init(&self.device), |key| own(key).then_some(key))
    }

    fn image_tower(&self, config: &VisionTransformerConfig) -> VisionTransformer {
        self.load(config.init(&self.device), |key| key.strip_prefix("visual."))
    }

    /// Loads the tensors to which `rename` gives a name.
    fn load<M: Module>(&self, module: M, rename: impl Fn(&str) -> Option<&str>) -> M {
        let tensors = self
            .file
            .iter()
            .filter_map(|(key, view)| Some((rename(key)?.to_owned(), view)));
        let bytes = safetensors::serialize(tensors, None).unwrap();
        load_module_bytes(module, &bytes, "fixture").unwrap()
    }
}

fn tiny_text_tower(device: &Device) -> TextTower {
    Fixture::new(WEIGHTS, device).text_tower(&TextTowerConfig::new(256, 77, 128, 1, 2, 32))
}

fn tiny_image_tower(device: &Device) -> VisionTransformer {
    Fixture::new(WEIGHTS, device).image_tower(&VisionTransformerConfig::new(32, 8, 64, 2, 1, 32))
}

/// The texts of the fixture, truncated to the longest.
fn tokens(device: &Device) -> Tokens {
    const END: i64 = 255;
    let ids = Fixture::new(EXPECTED, device).ints::<2>("ids");
    let rows = ids.try_to_vec_as::<i64>().unwrap();
    let ends = rows
        .chunks(77)
        .map(|row| row.iter().position(|&id| id == END).unwrap() as i64);
    let eot: Vec<i64> = ends.collect();
    let length = *eot.iter().max().unwrap() as usize + 1;
    Tokens {
        ids: ids.narrow(1, 0, length),
        eot: Tensor::from_data(eot.as_slice(), device),
    }
}

/// Fails if the largest difference exceeds `tolerance` times the largest expected value.
fn assert_close<const D: usize>(name: &str, found: Tensor<D>, expected: Tensor<D>, tolerance: f32) {
    let scale: f32 = expected.clone().abs().max().into_scalar();
    let error: f32 = (found - expected).abs().max().into_scalar();
    let relative = error / scale;
    assert!(relative <= tolerance, "{name}: relative error {relative:e}");
}

#[test]
fn image_tower_equals_the_reference_at_every_tap() {
    let device = Device::flex();
    let expected = Fixture::new(EXPECTED, &device);
    let tower = tiny_image_tower(&device);
    let mut x = tower.embed(expected.floats("pixels"));
    assert_close(
        "visual.ln_pre",
        x.clone(),
        expected.floats("visual.ln_pre"),
        1e-5,
    );
    for (i, block) in tower.transformer.resblocks.iter().enumerate() {
        x = block.forward(x, None);
        let name = format!("visual.block{i}");
        assert_close(&name, x.clone(), expected.floats(&name), 1e-5);
    }
    let features = tower.forward(expected.floats("pixels"));
    assert_close(
        "image_features",
        features,
        expected.floats("image_features"),
        1e-5,
    );
}

#[test]
fn text_tower_equals_the_reference_at_every_tap() {
    let device = Device::flex();
    let expected = Fixture::new(EXPECTED, &device);
    let tower = tiny_text_tower(&device);
    let hidden = tower
        .transformer
        .forward(tower.embed(expected.ints("ids")), None);
    assert_close("text.block0", hidden, expected.floats("text.block0"), 1e-5);
    let features = tower.forward(tokens(&device));
    assert_close(
        "text_features",
        features,
        expected.floats("text_features"),
        1e-5,
    );
}

#[test]
fn gradient_of_the_clip_score_equals_the_reference() {
    let device = Device::flex().autodiff();
    let expected = Fixture::new(EXPECTED, &Device::flex());
    let pixels = Fixture::new(EXPECTED, &device)
        .floats::<4>("pixels")
        .require_grad();
    let text_features = tiny_text_tower(&device)
        .forward(tokens(&device))
        .narrow(0, 0, 3);
    let image_features = tiny_image_tower(&device).forward(pixels.clone());
    let loss = (-clip_score(image_features, text_features) + 1.0).mean();
    let gradients = loss.backward();
    assert_close("loss", loss.inner(), expected.floats("grad.loss"), 1e-5);
    let gradient = pixels.grad(&gradients).unwrap();
    assert_close(
        "grad.pixels",
        gradient,
        expected.floats("grad.pixels"),
        5e-5,
    );
}

#[test]
fn padding_does_not_change_bidirectional_text_features() {
    let device = Device::flex();
    let tower = TextTowerConfig::new(256, 77, 32, 2, 2, 8)
        .with_causal(false)
        .init(&device);
    let feature = |ids: &[i64]| {
        tower.forward(Tokens {
            ids: Tensor::from_data(TensorData::new(ids.to_vec(), [1, ids.len()]), &device),
            eot: Tensor::from_data([2], &device),
        })
    };
    let alone = feature(&[254, 7, 255]);
    assert_close("padded", feature(&[254, 7, 255, 0, 9]), alone.clone(), 1e-5);
    let other: f32 = (feature(&[254, 8, 255]) - alone).abs().max().into_scalar();
    assert!(other > 1e-3);
}

/// Collects parameter names, in OpenAI's naming, with their shapes.
struct Keys {
    prefix: &'static str,
    path: Vec<String>,
    shapes: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Keys {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = format!("{}{}", self.prefix, self.path.join("."));
        self.shapes.push((key, param.lazy_shape().to_vec()));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

fn keys<M: Module>(prefix: &'static str, module: &M) -> Vec<(String, Vec<usize>)> {
    let mut keys = Keys {
        prefix,
        path: Vec::new(),
        shapes: Vec::new(),
    };
    module.visit(&mut keys);
    keys.shapes
}

/// Keys and shapes of OpenAI's ViT-B/32, without `logit_scale`.
fn vit_b_32_keys() -> Vec<(String, Vec<usize>)> {
    let mut keys: Vec<(String, Vec<usize>)> = Vec::new();
    for (prefix, width) in [("", 512), ("visual.", 768)] {
        for layer in 0..12 {
            for (name, shape) in [
                ("ln_1.weight", vec![width]),
                ("ln_1.bias", vec![width]),
                ("attn.in_proj_weight", vec![3 * width, width]),
                ("attn.in_proj_bias", vec![3 * width]),
                ("attn.out_proj.weight", vec![width, width]),
                ("attn.out_proj.bias", vec![width]),
                ("ln_2.weight", vec![width]),
                ("ln_2.bias", vec![width]),
                ("mlp.c_fc.weight", vec![4 * width, width]),
                ("mlp.c_fc.bias", vec![4 * width]),
                ("mlp.c_proj.weight", vec![width, 4 * width]),
                ("mlp.c_proj.bias", vec![width]),
            ] {
                keys.push((
                    format!("{prefix}transformer.resblocks.{layer}.{name}"),
                    shape,
                ));
            }
        }
    }
    for (name, shape) in [
        ("token_embedding.weight", vec![49408, 512]),
        ("positional_embedding", vec![77, 512]),
        ("ln_final.weight", vec![512]),
        ("ln_final.bias", vec![512]),
        ("text_projection", vec![512, 512]),
        ("visual.conv1.weight", vec![768, 3, 32, 32]),
        ("visual.class_embedding", vec![768]),
        ("visual.positional_embedding", vec![50, 768]),
        ("visual.ln_pre.weight", vec![768]),
        ("visual.ln_pre.bias", vec![768]),
        ("visual.ln_post.weight", vec![768]),
        ("visual.ln_post.bias", vec![768]),
        ("visual.proj", vec![768, 512]),
    ] {
        keys.push((name.to_owned(), shape));
    }
    keys
}

fn vit_b_32() -> (TextTowerConfig, VisionTransformerConfig) {
    (
        TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 512, 12, 8, 512),
        VisionTransformerConfig::new(224, 32, 768, 12, 12, 512),
    )
}

#[test]
fn vit_b_32_has_the_keys_and_shapes_of_its_checkpoint() {
    let device = Device::flex();
    let (text, image) = vit_b_32();
    let mut found = [
        keys("", &text.init(&device)),
        keys("visual.", &image.init(&device)),
    ]
    .concat();
    let mut expected = vit_b_32_keys();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn gelu_towers_of_several_heads_equal_transformers() {
    const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/clip/gelu.safetensors");
    let text = TextTowerConfig::new(60, 16, 32, 2, 4, 24).with_activation(Activation::Gelu);
    let image = VisionTransformerConfig::new(24, 8, 48, 2, 3, 24).with_activation(Activation::Gelu);
    assert_equals_transformers(FIXTURE, &text, &image);
}

#[test]
#[ignore = "needs 600 MB: python tools/parity/clip.py --full target/vit_b_32.safetensors"]
fn vit_b_32_equals_transformers() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/vit_b_32.safetensors"
    );
    let file = std::fs::read(path).unwrap();
    let (text, image) = vit_b_32();
    assert_equals_transformers(&file, &text, &image);
}

/// Compares both towers, on weights from `tools/parity/clip.py`, with the features in the same
/// file.
fn assert_equals_transformers(
    file: &[u8],
    text: &TextTowerConfig,
    image: &VisionTransformerConfig,
) {
    let fixture = Fixture::new(file, &Device::flex());
    let tokens = Tokens {
        ids: fixture.ints("io.ids"),
        eot: fixture.ints("io.eot"),
    };
    let features = fixture.text_tower(text).forward(tokens);
    let expected = fixture.floats("io.text_features");
    assert_close("text_features", features, expected, 1e-5);
    let pixels = fixture.floats("io.pixels");
    let features = fixture.image_tower(image).forward(pixels);
    let expected = fixture.floats("io.image_features");
    assert_close("image_features", features, expected, 1e-5);
}

#[test]
fn a_residual_tower_equals_open_clip() {
    const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/clip/resnet.safetensors");
    const EXPECTED: &[u8] = include_bytes!("../../tests/fixtures/clip/resnet.io.safetensors");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet.safetensors");
    std::fs::write(&path, WEIGHTS).unwrap();
    let config = r#"{"model_cfg": {"quick_gelu": true, "vision_cfg": {"width": 4}, "text_cfg": {"heads": 1}}}"#;
    std::fs::write(folder.path().join("open_clip_config.json"), config).unwrap();
    let networks = convert(&Checkpoint::open(&path).unwrap()).unwrap().networks;
    let config: ImageTowerConfig = serde_json::from_value(networks[0].config.clone()).unwrap();
    let sizes = ModifiedResNetConfig::new(64, [1, 2, 1, 1], 4, 2, 6);
    assert_eq!(config, ImageTowerConfig::ModifiedResNet(sizes));

    let device = Device::flex().autodiff();
    let tower = networks[0].load(config.init(&device)).unwrap();
    let expected = Fixture::new(EXPECTED, &device);
    let pixels = expected.floats::<4>("pixels").require_grad();
    let features = tower.forward(pixels.clone());
    let truth = expected.floats("image_features");
    assert_close("image_features", features.clone(), truth, 1e-5);
    let gradients = features.sum().backward();
    let gradient = Tensor::from_inner(pixels.grad(&gradients).unwrap());
    assert_close("gradient", gradient, expected.floats("gradient"), 1e-4);
}
