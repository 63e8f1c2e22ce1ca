//! Tests the GAN stage on a few small photographs.

use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::inversion::ResidualEncoderConfig;
use anyface::stylegan2::GeneratorConfig;
use anyface_train::stage::gan;
use burn::tensor::Device;
use image::RgbImage;

const CONFIG: &str = r#"
bundle = "OUT/NAME/bundle"
features = "FIXTURES/checkpoints/efficientnet_lite0.pth"
recognizer = "FIXTURES/checkpoints/mobilefacenet.param"

[run]
out = "OUT/NAME"
seed = 1
steps = 4
optimizer = "muon"
learning_rate = 1e-3
adam_learning_rate = 1e-4
final_fraction = 1.0
ema_kimg = 0.1
checkpoint_every = 2
sample_every = 4
log_every = 1

[[run.group]]
path = "discriminators."
optimizer = "adam"
learning_rate = 2e-4
betas = [0.0, 0.99]

[images]
folders = ["OUT/images"]
size = 32
crop = [4, 0, 32, 32]
held_out = 4

[model]
w_dim = 16
channels = [8, 8, 8, 8]
encoder_channels = [4, 4, 8]

[views]
face = [0.1, 0.2, 0.9, 1.0]
shift = 2

[learning]
batch = 4
reconstructed = 2
autoencoder_images = 4
adversarial_weight = 0.5
measured = 6
"#;

/// Writes the configuration of the run `name`.
fn write_config(folder: &Path, name: &str, text: &str) -> PathBuf {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../anyface/tests/fixtures");
    let text = text
        .replace("OUT", &folder.display().to_string())
        .replace("NAME", name)
        .replace("FIXTURES", fixtures);
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, text).expect("written");
    path
}

fn photographs(folder: &Path) {
    std::fs::create_dir(folder.join("images")).expect("a folder");
    for i in 0..24u8 {
        let picture = RgbImage::from_fn(80, 64, |x, y| [x as u8 * 3, y as u8 * 4, i * 10].into());
        let path = folder.join(format!("images/{i:02}.png"));
        picture.save(path).expect("written");
    }
}

/// The generator weights that a run put into its bundle.
fn weights(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name).join("bundle/generator.safetensors");
    std::fs::read(path).expect("weights")
}

#[test]
fn a_resumed_run_ends_with_the_same_weights() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let device = Device::flex();
    let whole = write_config(folder, "whole", CONFIG);
    gan::run(&whole, &device, false).expect("a trained generator");

    let half = CONFIG.replace("steps = 4\noptimizer", "steps = 2\noptimizer");
    gan::run(&write_config(folder, "parts", &half), &device, false).expect("the first half");
    gan::run(&write_config(folder, "parts", CONFIG), &device, true).expect("the second half");
    assert!(
        weights(folder, "whole") == weights(folder, "parts"),
        "the weights differ"
    );

    let log = std::fs::read_to_string(folder.join("whole/log.jsonl")).expect("a log");
    for measure in [
        "loss/perceptual",
        "loss/discriminator",
        "held_out/frechet_over_halves",
        "held_out/spread",
        "held_out/psnr",
    ] {
        assert!(log.contains(measure), "{measure} in {log}");
    }
    assert!(folder.join("whole/samples/00000004.png").is_file());
    let bundle = Bundle::folder(&folder.join("whole/bundle"));
    let sizes: GeneratorConfig = bundle.section("generator").expect("its sizes");
    bundle
        .network("generator", sizes.init(&device))
        .expect("its weights");
    let sizes: ResidualEncoderConfig = bundle.section("residual_encoder").expect("its sizes");
    bundle
        .network("residual_encoder", sizes.init(&device))
        .expect("its weights");
}

#[test]
fn a_generator_grows_by_a_block() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let device = Device::flex();
    gan::run(&write_config(folder, "small", CONFIG), &device, false).expect("a generator");
    let start = format!("start = \"{}\"\n[views]", folder.join("small").display());
    let large = CONFIG
        .replace("[8, 8, 8, 8]", "[8, 8, 8, 8, 4]")
        .replace("size = 32", "size = 64")
        .replace("crop = [4, 0, 32, 32]", "crop = [8, 0, 64, 64]")
        .replace("[views]", &start);
    gan::run(&write_config(folder, "large", &large), &device, false).expect("a larger generator");
    let log = std::fs::read_to_string(folder.join("large/log.jsonl")).expect("a log");
    let first = log.lines().next().expect("a line");
    assert!(
        first.contains("loss/discriminator"),
        "the discriminators start at the first step: {first}"
    );
}

#[test]
fn inconsistent_settings_give_one_line_errors() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    let error = |text: &str| {
        let path = write_config(folder, "bad", text);
        let error = gan::run(&path, &Device::flex(), false).expect_err("a bad configuration");
        error.to_string()
    };
    for (from, to, named) in [
        ("size = 32", "size = 64", "`size` is 64"),
        ("reconstructed = 2", "reconstructed = 4", "`reconstructed`"),
        ("[4, 4, 8]", "[4, 4, 8, 8, 8]", "`encoder_channels`"),
        ("held_out = 4", "held_out = 1", "`held_out`"),
        ("face = [0.1", "face = [0.95", "`face`"),
    ] {
        let message = error(&CONFIG.replace(from, to));
        assert!(message.contains(named), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
