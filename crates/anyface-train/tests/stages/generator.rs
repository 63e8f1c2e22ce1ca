//! Tests the generator stage on a few small portraits.

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::stylegan2::GeneratorConfig;
use anyface_train::TrainError;
use anyface_train::stage::generator;
use burn::tensor::Device;

const CONFIG: &str = r#"
bundle = "OUT/bundle"

[run]
out = "OUT/run"
seed = 1
steps = 40
learning_rate = 5e-3
checkpoint_every = 40
sample_every = 40
log_every = 20

[portraits]
cache = "OUT/cache"
count = 20
size = 32
seed = 1

[model]
w_dim = 16
channels = [16, 16, 16, 16]
mapping_layers = 2
lr_multiplier = 1.0

[learning]
batch = 4
mixing = 0.5
mixing_layer = 2
held_out = 4
pyramid_levels = 2
"#;

fn write_config(directory: &Path, text: &str) -> std::path::PathBuf {
    let path = directory.join("generator.toml");
    let text = text.replace("OUT", &directory.display().to_string());
    std::fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_tiny_generator_learns() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = write_config(directory.path(), CONFIG);
    let device = Device::flex();
    generator::run(&config, &device, false).expect("a trained generator");

    let log = std::fs::read_to_string(directory.path().join("run/log.jsonl")).expect("a log");
    let losses: Vec<f64> = log
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["loss/l1"].as_f64()
        })
        .collect();
    assert!(
        losses.len() == 2 && losses[1] < 0.8 * losses[0],
        "{losses:?}"
    );
    let bundle = Bundle::folder(&directory.path().join("bundle"));
    let config: GeneratorConfig = bundle.section("generator").expect("its sizes");
    let generator = bundle
        .network("generator", config.init(&device))
        .expect("its weights");
    let w_avg: Vec<f32> = generator.mapping.w_avg.to_data().iter().collect();
    assert!(w_avg.iter().any(|&w| w != 0.0), "the mean latent is set");
    let sample = image::open(directory.path().join("run/samples/00000040.png")).expect("a picture");
    assert!(sample.width() > 4 * 32);
}

#[test]
fn inconsistent_sizes_are_errors() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = CONFIG.replace("size = 32", "size = 64");
    let config = write_config(directory.path(), &text);
    let error = generator::run(&config, &Device::flex(), false).expect_err("different sizes");
    assert!(matches!(error, TrainError::Config { .. }));
    assert!(error.to_string().contains("size"), "{error}");
    assert!(
        !directory.path().join("cache").exists(),
        "nothing was rendered"
    );
}

#[test]
fn numbers_out_of_range_give_one_line_errors() {
    let directory = tempfile::tempdir().expect("a directory");
    for (right, wrong, says) in [
        (
            "batch = 4",
            "batch = 0",
            "from 1 to 4096, not 0 (batch = 0)",
        ),
        ("batch = 4", "batch = 100000", "from 1 to 4096, not 100000"),
        ("size = 32", "size = 0", "from 4 to 1024, not 0 (size = 0)"),
        ("mixing = 0.5", "mixing = 20", "between 0 and 1, not 20"),
        ("count = 20", "count = 0", "at least 1, not 0"),
        (
            "channels = [16, 16, 16, 16]",
            "channels = []",
            "`channels` has 0 entries",
        ),
        (
            "pyramid_levels = 2",
            "pyramid_levels = 9",
            "`pyramid_levels` is 9",
        ),
    ] {
        assert!(CONFIG.contains(right), "{right}");
        let config = write_config(directory.path(), &CONFIG.replace(right, wrong));
        let error = generator::run(&config, &Device::flex(), false).expect_err(wrong);
        assert!(matches!(error, TrainError::Config { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(says), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    assert!(
        !directory.path().join("cache").exists(),
        "nothing was rendered"
    );
}
