//! Parity with torchvision's network with pytorch-fid's changes (`tools/parity/inception.py`).

use std::path::Path;

use crate::fixture::{Fixture, fixture};
use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert};
use anyface::inception::InceptionConfig;

#[test]
fn features_equal_the_reference() {
    check(
        &fixture("checkpoints/fid_inception.pth"),
        &fixture("fid_inception.io.safetensors"),
    );
}

/// Run `python tools/parity/inception.py FOLDER --full`, then this test with
/// `ANYFACE_PARITY=FOLDER`.
#[test]
#[ignore = "needs files of full size"]
fn features_of_full_size_equal_the_reference() {
    let folder = std::env::var_os("ANYFACE_PARITY").unwrap();
    let folder = Path::new(&folder);
    check(
        &folder.join("fid_inception.pth"),
        &folder.join("fid_inception.io.safetensors"),
    );
}

fn check(weights: &Path, io: &Path) {
    let mut converted = convert(&Checkpoint::open(weights).unwrap()).unwrap();
    assert_eq!(converted.kind, Kind::FidInception);
    assert!(converted.left_out.is_empty());
    let network = converted.networks.remove(0);
    let config: InceptionConfig = serde_json::from_value(network.config.clone()).unwrap();
    let expected = Fixture::open(io);
    let inception = network.load(config.init(&expected.device)).unwrap();

    let images = expected.get("images");
    let features = inception.features(images);
    expected.check("features", features.clone(), 1e-5);
    expected.check("logits", inception.logits(features), 1e-5);
}
