//! StyleGAN2 against stylegan2-ada-pytorch: two random networks, one of them clamped
//! (`tools/parity/stylegan2.py`), and two of other architectures (`tools/parity/files.py`).

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic, its helper functions too"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyface::convert::{Converted, Kind};
use anyface::stylegan2::{
    Architecture, Generator, GeneratorConfig, Noise, Precision, broadcast, truncate,
};
use anyface::weights::load_module;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;

/// Allowed `max |difference| / max |expected|` per kind of value; the reference's own rounding
/// error is near 1e-6.
const MAPPING: f32 = 1e-5;
const LAYER: f32 = 5e-6;
const IMAGE: f32 = 2e-5;
const GRADIENT: f32 = 2e-5;

#[test]
fn skip_network_matches() {
    Network::skip(&Device::flex()).check_forward();
}

#[test]
fn clamped_network_matches() {
    Network::clamped(&Device::flex()).check_forward();
}

#[test]
fn skip_network_matches_under_autodiff() {
    Network::skip(&Device::flex().autodiff()).check_forward();
}

#[test]
fn gradients_of_the_skip_network_match() {
    Network::skip(&Device::flex().autodiff()).check_gradients();
}

#[test]
fn gradients_of_the_clamped_network_match() {
    Network::clamped(&Device::flex().autodiff()).check_gradients();
}

/// Networks of NVIDIA's other architectures, from NVIDIA's own file format.
#[test]
fn resnet_and_orig_networks_match() {
    for (name, file, architecture) in [
        (
            "nvidia_resnet_clamp2",
            "nvidia_resnet_clamp2_p3.pkl",
            Architecture::Resnet,
        ),
        (
            "nvidia_orig",
            "nvidia_orig_state_dict.pt",
            Architecture::Orig,
        ),
    ] {
        let device = Device::flex();
        let path = fixture(&format!("../checkpoints/{file}"));
        let network = Converted::network(&path, Kind::Stylegan2Nvidia).unwrap();
        let config: GeneratorConfig = network.sizes().unwrap();
        assert_eq!(config.architecture(), architecture);
        let network = Network {
            name,
            generator: network.load(config.init(&device)).unwrap(),
            device,
        };
        let io = network.values("io");
        let Generator { mapping, synthesis } = &network.generator;
        let w_plus = broadcast(mapping.forward(io.get("z")), synthesis.num_ws());
        io.check("w", w_plus, MAPPING);
        let image = synthesis.forward(io.get("wp"), Noise::Const);
        io.check("image_wp_const", image.clone(), IMAGE);
        if architecture == Architecture::Resnet {
            network.check_blocks(&io);
        }

        let prepared = synthesis.clone().prepare(Precision::F32).unwrap();
        let same = prepared.forward(io.get("wp"), Noise::Const);
        assert_eq!(same.into_data(), image.into_data(), "{name}");
    }
}

struct Network {
    name: &'static str,
    generator: Generator,
    device: Device,
}

impl Network {
    fn skip(device: &Device) -> Self {
        let config = GeneratorConfig::new(64, 64, vec![48, 48, 48, 32, 16]);
        Self::load("nvidia_skip", &config, device)
    }

    fn clamped(device: &Device) -> Self {
        let config =
            GeneratorConfig::new(40, 32, vec![24, 24, 24, 16, 8]).with_conv_clamp(Some(256.0));
        Self::load("nvidia_skip_clamp256", &config, device)
    }

    fn load(name: &'static str, config: &GeneratorConfig, device: &Device) -> Self {
        let path = fixture(&format!("{name}.safetensors"));
        Self {
            name,
            generator: load_module(config.init(device), &path).unwrap(),
            device: device.clone(),
        }
    }

    fn values(&self, kind: &str) -> Expected {
        Expected::read(
            &fixture(&format!("{}.{kind}.safetensors", self.name)),
            &self.device,
        )
    }

    fn check_forward(&self) {
        let io = self.values("io");
        let Generator { mapping, synthesis } = &self.generator;
        let num_ws = synthesis.num_ws();

        let w_plus = broadcast(mapping.forward(io.get("z")), num_ws);
        io.check("w", w_plus.clone(), MAPPING);
        let w_avg = || mapping.w_avg.val();
        io.check(
            "w_psi0.7",
            truncate(w_plus.clone(), w_avg(), 0.7, None),
            MAPPING,
        );
        let truncated = truncate(w_plus, w_avg(), 0.7, Some(4));
        io.check("w_psi0.7_cut4", truncated.clone(), MAPPING);

        let w = || io.get("w");
        io.check("image_const", synthesis.forward(w(), Noise::Const), IMAGE);
        io.check("image_none", synthesis.forward(w(), Noise::None), IMAGE);
        io.check(
            "image_psi0.7_cut4_const",
            synthesis.forward(truncated, Noise::Const),
            IMAGE,
        );
        io.check(
            "image_wp_const",
            synthesis.forward(io.get("wp"), Noise::Const),
            IMAGE,
        );

        self.check_blocks(&io);
        self.check_layers(&io);
    }

    fn check_blocks(&self, io: &Expected) {
        let w_plus: Tensor<3> = io.get("wp");
        let synthesis = &self.generator.synthesis;
        let mut x = synthesis
            .input
            .val()
            .unsqueeze::<4>()
            .repeat_dim(0, w_plus.dims()[0]);
        let mut image = None;
        for (level, resolution) in [4, 8, 16].into_iter().enumerate() {
            let (features, colours) =
                synthesis.blocks[level].forward(x, image, w_plus.clone(), level, &mut Noise::Const);
            io.check(&format!("b{resolution}.x"), features.clone(), IMAGE);
            if let Some(colours) = &colours {
                io.check(&format!("b{resolution}.img"), colours.clone(), IMAGE);
            }
            x = features;
            image = colours;
        }
    }

    fn check_layers(&self, io: &Expected) {
        let block = &self.generator.synthesis.blocks[2];
        for (name, conv) in [
            ("conv0", block.conv0.as_ref().unwrap()),
            ("conv1", &block.conv1),
        ] {
            let key = |part: &str| format!("layer.b16.{name}.{part}");
            io.check(&key("style"), conv.affine.forward(io.get(&key("w"))), LAYER);
            for (part, mut noise) in [("y_const", Noise::Const), ("y_none", Noise::None)] {
                let y = conv.forward(io.get(&key("x")), io.get(&key("w")), &mut noise);
                io.check(&key(part), y, LAYER);
            }
        }
        let torgb = block.torgb.as_ref().unwrap();
        let rgb = torgb.forward(io.get("layer.b16.torgb.x"), io.get("layer.b16.torgb.w"));
        io.check("layer.b16.torgb.y", rgb, LAYER);
    }

    fn check_gradients(&self) {
        let expected = self.values("grad");
        let w_plus = expected.get::<3>("wp").require_grad();
        let synthesis = &self.generator.synthesis;
        let loss = (synthesis.forward(w_plus.clone(), Noise::Const) * expected.get("grad.r")).sum();
        expected.check("grad.loss", loss.clone(), GRADIENT);
        let gradients = loss.backward();

        expected.check("grad.wp", w_plus.grad(&gradients).unwrap(), GRADIENT);
        macro_rules! check {
            ($($field:tt)+) => {{
                let gradient = synthesis.$($field)+.val().grad(&gradients).unwrap();
                let name = stringify!($($field)+)
                    .replace([' ', '\n'], "")
                    .replace("[", ".").replace("]", "").replace(".as_ref().unwrap()", "");
                expected.check(&format!("grad.synthesis.{name}"), gradient, GRADIENT);
            }};
        }
        check!(input);
        check!(blocks[2].conv0.as_ref().unwrap().weight);
        check!(blocks[2].conv0.as_ref().unwrap().bias);
        check!(blocks[2].conv0.as_ref().unwrap().noise_strength);
        check!(blocks[2].conv0.as_ref().unwrap().affine.weight);
        check!(blocks[2].conv0.as_ref().unwrap().affine.bias);
        check!(blocks[2].conv1.weight);
        check!(blocks[2].conv1.noise_strength);
        check!(blocks[4].torgb.as_ref().unwrap().weight);
        check!(blocks[4].torgb.as_ref().unwrap().bias);
        check!(blocks[4].torgb.as_ref().unwrap().affine.weight);
    }
}

/// Values computed by the reference, by name.
struct Expected {
    tensors: HashMap<String, TensorData>,
    device: Device,
}

impl Expected {
    fn read(path: &Path, device: &Device) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes)
            .unwrap()
            .iter()
            .map(|(name, view)| {
                let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
                (
                    name.to_owned(),
                    TensorData::new(values, view.shape().to_vec()),
                )
            })
            .collect();
        Self {
            tensors,
            device: device.clone(),
        }
    }

    fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        Tensor::from_data(self.tensors[name].clone(), &self.device)
    }

    fn check<const D: usize>(&self, name: &str, actual: Tensor<D>, tolerance: f32) {
        let expected = self.tensors[name].try_to_vec::<f32>().unwrap();
        let actual = actual.into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(actual.len(), expected.len(), "{name}");
        let largest =
            |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, |m: f32, v| m.max(v.abs()));
        let difference = largest(&mut actual.iter().zip(&expected).map(|(a, e)| a - e));
        let error = difference / largest(&mut expected.iter().copied());
        assert!(error <= tolerance, "{name}: {error:e} > {tolerance:e}");
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/stylegan2")
        .join(name)
}
