//! Parity with richzhang/PerceptualSimilarity.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};

use crate::fixture::{Fixture, fixture};
use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert};
use anyface::lpips::{FeatureNetwork, Lpips, LpipsHeads};

#[test]
fn the_head_equals_the_reference() {
    let file = Checkpoint::open(&fixture("lpips_head.safetensors")).unwrap();
    let mut weights = file.tensors.clone();
    weights.retain(|name, _| name.starts_with("lin"));
    let network = convert(&file.with_tensors(weights))
        .unwrap()
        .networks
        .remove(0);
    let expected = Fixture::open(&fixture("lpips_head.safetensors"));
    let heads = network
        .load(LpipsHeads::new(FeatureNetwork::AlexNet, &expected.device))
        .unwrap();
    let features = |side: &str| {
        (0..5)
            .map(|k| expected.get(&format!("{side}.{k}")))
            .collect()
    };
    let found = heads.forward(features("feat0"), features("feat1"));
    expected.check("lpips", found, 1e-6);
}

/// A file that may not be in the repository, in the folder `ANYFACE_SHARED`.
fn shared(name: &str) -> PathBuf {
    let folder = std::env::var_os("ANYFACE_SHARED").expect("ANYFACE_SHARED must be a folder");
    PathBuf::from(folder).join(name)
}

#[test]
#[ignore = "needs released weights: ANYFACE_SHARED is a folder with weights/lpips and fixtures"]
fn alexnet_with_the_released_weights_equals_the_reference() {
    let features = shared("fixtures/lpips_alexnet_random.safetensors");
    let io = shared("fixtures/lpips_alexnet_random.io.safetensors");
    let heads = shared("weights/lpips/alex.pth");
    let device = Device::flex();
    let network = |path, kind| {
        let mut converted = convert(&Checkpoint::open(path).unwrap()).unwrap();
        assert_eq!(converted.kind, kind);
        converted.networks.remove(0)
    };
    let lpips = Lpips {
        features: network(&features, Kind::Torchvision)
            .load(FeatureNetwork::AlexNet.init(&device))
            .unwrap(),
        heads: network(&heads, Kind::LpipsHeads)
            .load(LpipsHeads::new(FeatureNetwork::AlexNet, &device))
            .unwrap(),
    };
    let expected = Fixture::open(&io);
    let features = lpips.features.forward(expected.get("in0"));
    expected.check("feat0.0.first8", features[0].clone().narrow(1, 0, 8), 2e-5);
    expected.check("feat0.4", features[4].clone(), 2e-5);
    let found = lpips.forward(expected.get("in0"), expected.get("in1"));
    expected.check("lpips", found, 2e-5);
}

#[test]
#[ignore = "needs released weights: ANYFACE_SHARED is a folder with weights/lpips"]
fn the_released_weights_of_vgg_fit_and_those_of_squeezenet_are_refused() {
    let vgg = shared("weights/lpips/vgg.pth");
    let squeeze = shared("weights/lpips/squeeze.pth");
    let converted = convert(&Checkpoint::open(&vgg).unwrap()).unwrap();
    let sums = converted.networks[0]
        .tensors
        .values()
        .map(|lin| lin.to_f32().unwrap().iter().sum::<f32>());
    // Values of the released file.
    for (found, expected) in sums.zip([6.926, 8.8583, 17.515, 51.5213, 47.0349]) {
        assert!((found - expected).abs() < 1e-3, "{found} {expected}");
    }
    let error = convert(&Checkpoint::open(&squeeze).unwrap()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs the features of AlexNet or VGG-16"),
        "{error}"
    );
}

#[test]
fn equal_pictures_have_distance_zero_and_a_finite_gradient() {
    let device = Device::flex().autodiff();
    let lpips = Lpips {
        features: FeatureNetwork::AlexNet.init(&device),
        heads: LpipsHeads::new(FeatureNetwork::AlexNet, &device),
    };
    let a = Tensor::<4>::zeros([1, 3, 64, 64], &device).require_grad();
    let distance = lpips.forward(a.clone(), a.clone().detach());
    let gradient = a.grad(&distance.backward()).unwrap().into_data();
    let values = gradient.try_to_vec::<f32>().unwrap();
    assert!(values.iter().all(|value| value.is_finite()));
}
