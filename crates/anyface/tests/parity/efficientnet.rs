//! Parity with PyTorch on random weights (`tools/parity/efficientnet.py`), and with timm on the
//! released weights.

use std::path::{Path, PathBuf};

use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert, open_efficientnet};
use burn::tensor::{Device, Tensor};

use crate::fixture::{Fixture, fixture};

const TOLERANCE: f32 = 1e-4;

const TAPS: [&str; 4] = ["f4", "f8", "f16", "f32"];

/// Compares the taps and the gradient of Σ tap · linspace(−1, 1, n) with respect to the image.
fn check(weights: &Path, expected: &Fixture) {
    let device = Device::flex().autodiff();
    let network = open_efficientnet(weights, &device).unwrap();
    let image = expected.get::<4>("image").into_data();
    let image = Tensor::<4>::from_data(image, &device).require_grad();
    let taps = network.taps(image.clone());
    for (name, tap) in TAPS.iter().zip(&taps) {
        expected.check(name, tap.clone().inner(), TOLERANCE);
    }
    let sums = taps.map(|tap| (tap.clone() * ramp(&tap)).sum());
    let loss = sums.into_iter().reduce(|a, b| a + b).unwrap();
    let gradient = image.grad(&loss.backward()).unwrap();
    expected.check("grad", gradient, TOLERANCE);
}

/// `linspace(−1, 1, n)` in the shape of `tap`.
fn ramp(tap: &Tensor<4>) -> Tensor<4> {
    let count = tap.shape().num_elements();
    let step = 2.0 / (count - 1) as f32;
    let values: Vec<f32> = (0..count).map(|i| i as f32 * step - 1.0).collect();
    Tensor::<1>::from_data(values.as_slice(), &tap.device()).reshape(tap.dims())
}

#[test]
fn both_public_layouts_and_ours_equal_the_reference() {
    let expected = Fixture::open(&fixture("efficientnet_lite0.io.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "efficientnet_lite0.pth",
        "efficientnet_lite0_timm.safetensors",
    ] {
        let path = fixture("checkpoints").join(name);
        check(&path, &expected);

        let converted = convert(&Checkpoint::open(&path).unwrap()).unwrap();
        assert_eq!(converted.kind, Kind::EfficientNetLite0);
        let left_out = converted.left_out.iter().map(|part| part.name.as_str());
        assert!(left_out.clone().any(|part| part == "*.num_batches_tracked"));
        assert_eq!(left_out.count(), 4, "three parts of the head and a counter");
        let ours = folder.path().join("lite0.safetensors");
        converted.save(&ours).unwrap();
        check(&ours, &expected);
    }
}

#[test]
fn weights_get_no_gradient() {
    let device = Device::flex().autodiff();
    let path = fixture("checkpoints/efficientnet_lite0.pth");
    let network = open_efficientnet(&path, &device).unwrap();
    let taps = network.taps(Tensor::ones([1, 3, 32, 32], &device));
    assert!(taps.iter().all(|tap| !tap.is_require_grad()));
}

#[test]
fn another_efficientnet_is_refused_by_name() {
    let file =
        Checkpoint::open(&fixture("checkpoints/efficientnet_lite0_timm.safetensors")).unwrap();
    let mut tensors = file.tensors.clone();
    let excitation = tensors["classifier.bias"].clone();
    tensors.insert("blocks.1.0.se.conv_reduce.bias".to_owned(), excitation);
    let error = convert(&file.with_tensors(tensors))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`blocks.1.0.se.conv_reduce.bias`"),
        "{error}"
    );
}

/// The path in an environment variable.
fn path_from(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("set {variable}")).into()
}

#[test]
#[ignore = "needs released weights: ANYFACE_LITE0 is their file, ANYFACE_LITE0_IO is timm's output"]
fn the_released_weights_equal_the_reference() {
    let expected = Fixture::open(&path_from("ANYFACE_LITE0_IO"));
    check(&path_from("ANYFACE_LITE0"), &expected);
}
