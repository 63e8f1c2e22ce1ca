//! The generator stage on a handful of tiny photographs.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyface::bundle::Bundle;
use anyface::bundle::ZDistribution;
use anyface::inversion::EncoderConfig;
use anyface::stylegan2::{GeneratorConfig, Noise};
use anyface_train::stage::adversarial;
use burn::tensor::{Device, Tensor};
use image::RgbImage;

const CONFIG: &str = r#"
bundle = "OUT/NAME/bundle"
recognizer = "FIXTURES/checkpoints/mobilefacenet.param"

[run]
out = "OUT/NAME"
seed = 1
steps = 4
learning_rate = 1e-3
final_fraction = 1.0
betas = [0.0, 0.99]
checkpoint_every = 2
sample_every = 4
log_every = 1

[[run.group]]
path = "discriminator."
learning_rate = 2e-4

[images]
folders = ["OUT/images"]
size = 32
crop = [4, 0, 32, 32]
held_out = 2

[model]
w_dim = 8
channels = [8, 8, 8, 8]
mapping_layers = 2

[learning]
batch = 4
mixing = 0.5
r1_gamma = 1.0
r1_every = 2
r1_sigma = 0.02
flips = true
augment = true
measured = 8
"#;

/// Fresh weights come from one generator of the process, so runs that are compared are alone.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the configuration of a run of that name.
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
        let picture = RgbImage::from_fn(40, 32, |x, y| [x as u8 * 6, y as u8 * 8, i * 10].into());
        let path = folder.join(format!("images/{i:02}.png"));
        picture.save(path).expect("written");
    }
}

/// A table of attributes beside these pictures, each of a person of its own.
fn labels(folder: &Path) {
    let rows = (0..24).map(|i| format!("{i:02}.png,{i},{}\n", i % 2));
    let table = format!("file,identity,Male\n{}", rows.collect::<String>());
    std::fs::write(folder.join("attributes.csv"), table).expect("written");
}

/// The generator that a run put into its bundle.
fn weights(folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name).join("bundle/generator.safetensors");
    std::fs::read(path).expect("weights")
}

#[test]
fn a_run_that_was_stopped_ends_as_one_that_was_not() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let device = Device::flex();
    let whole = write_config(folder, "whole", CONFIG);
    adversarial::run(&whole, &device, false).expect("a trained generator");

    let half = CONFIG.replace("steps = 4\nlearning", "steps = 2\nlearning");
    adversarial::run(&write_config(folder, "parts", &half), &device, false).expect("half of it");
    adversarial::run(&write_config(folder, "parts", CONFIG), &device, true).expect("the rest");
    assert!(
        weights(folder, "whole") == weights(folder, "parts"),
        "other weights"
    );

    let log = std::fs::read_to_string(folder.join("whole/log.jsonl")).expect("a log");
    for measure in [
        "loss/discriminator",
        "loss/r1",
        "held_out/frechet_mobilefacenet",
    ] {
        assert!(log.contains(measure), "{measure} in {log}");
    }
    let bundle = Bundle::folder(&folder.join("whole/bundle"));
    let sizes: GeneratorConfig = bundle.section("generator").expect("its sizes");
    bundle
        .network("generator", sizes.init(&device))
        .expect("its weights");
}

/// An encoder beside the generator.
const RECONSTRUCTION: &str = r"
[reconstruction]
channels = [4, 4, 4, 4]
units = [1, 1, 1, 1]
style_width = 4
photographs = 2
pyramid_levels = 2
picture_weight = 1.0
feature_weight = 1.0
identities = 1
identity_weight = 1.0
latent_weight = 1.0
";

#[test]
fn an_encoder_is_trained_beside_it_and_both_grow() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let device = Device::flex();
    let small = format!("{CONFIG}{RECONSTRUCTION}")
        .replace("augment = true", "augment = false")
        .replace("mapping_layers = 2\n", "");
    adversarial::run(&write_config(folder, "small", &small), &device, false).expect("a generator");
    let log = std::fs::read_to_string(folder.join("small/log.jsonl")).expect("a log");
    for measure in ["loss/identity", "loss/features", "held_out/psnr"] {
        assert!(log.contains(measure), "{measure} in {log}");
    }
    let bundle = Bundle::folder(&folder.join("small/bundle"));
    let sizes: EncoderConfig = bundle.section("inversion").expect("its sizes");
    bundle
        .network("inversion", sizes.init(&device))
        .expect("its weights");

    // At such a rate nothing moves, so the larger one draws what the smaller did.
    let large = small
        .replace("size = 32", "size = 64")
        .replace("[8, 8, 8, 8]", "[8, 8, 8, 8, 6]\nstart = \"OUT/small\"")
        .replace("learning_rate = 1e-3", "learning_rate = 1e-9")
        .replace("batch = 4", "batch = 4\nadversarial_weight = 0.0");
    adversarial::run(&write_config(folder, "large", &large), &device, false).expect("a larger one");
    let draw = |name: &str| {
        let bundle = Bundle::folder(&folder.join(name).join("bundle"));
        let sizes: GeneratorConfig = bundle.section("generator").expect("its sizes");
        let generator = bundle.network("generator", sizes.init(&device));
        let synthesis = generator.expect("its weights").synthesis;
        let w_plus = Tensor::ones([1, synthesis.num_ws(), 8], &device);
        synthesis.forward(w_plus, Noise::None)
    };
    let [small, large] = ["small", "large"].map(|name| draw(name).mean().into_scalar::<f32>());
    assert!(
        (small - large).abs() < 0.05 * small.abs(),
        "{small} and {large}"
    );
}

/// The mean of what the generator of a bundle draws of latents of 1, and of what its encoder finds in a grey picture.
fn drawn_and_found(bundle: &Path) -> [f32; 2] {
    let device = Device::flex();
    let bundle = Bundle::folder(bundle);
    let sizes: GeneratorConfig = bundle.section("generator").expect("its sizes");
    let generator = bundle.network("generator", sizes.init(&device));
    let generator = generator.expect("its weights");
    let w_plus = Tensor::ones([1, sizes.num_ws(), 8], &device);
    let drawn = generator.synthesis.forward(w_plus, Noise::None);
    let sizes: EncoderConfig = bundle.section("inversion").expect("its sizes");
    let encoder = bundle.network("inversion", sizes.init(&device));
    let found = encoder
        .expect("its weights")
        .forward(Tensor::zeros([1, 3, 32, 32], &device))
        + generator.mapping.w_avg.val().unsqueeze::<3>();
    [drawn.mean(), found.mean()].map(|mean| mean.into_scalar())
}

#[test]
fn a_bundle_is_gone_on_from_with_its_encoder() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let first = format!("{CONFIG}{RECONSTRUCTION}")
        .replace("augment = true", "augment = false")
        .replace("mapping_layers = 2\n", "");
    // At such a rate nothing moves.
    let again = first
        .replace("w_dim = 8", "w_dim = 8\nstart = \"OUT/first/bundle\"")
        .replace("learning_rate = 1e-3", "learning_rate = 1e-9");
    for (name, text) in [("first", &first), ("again", &again)] {
        let config = write_config(folder, name, text);
        adversarial::run(&config, &Device::flex(), false).expect("a generator");
    }
    let [first, again] =
        ["first", "again"].map(|name| drawn_and_found(&folder.join(name).join("bundle")));
    for (first, again) in first.into_iter().zip(again) {
        assert!(
            (first - again).abs() < 0.01 * first.abs().max(0.1),
            "{first} and {again}"
        );
    }
}

#[test]
fn the_portraits_generator_learns_photographs_from_its_own_codes() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/portraits");
    let start = format!("w_dim = 256\nstart = \"{}\"", portraits.display());
    let text = CONFIG
        .replace("steps = 4\nlearning", "steps = 2\nlearning")
        .replace("size = 32", "size = 128")
        .replace("crop = [4, 0, 32, 32]\n", "")
        .replace("[8, 8, 8, 8]\nmapping_layers = 2", "CHANNELS")
        .replace("w_dim = 8", &start);
    let before: GeneratorConfig = Bundle::folder(&portraits)
        .section("generator")
        .expect("its sizes");
    let text = text.replace("CHANNELS", &format!("{:?}", before.channels));
    adversarial::run(
        &write_config(folder, "tuned", &text),
        &Device::flex(),
        false,
    )
    .expect("a generator");
    let bundle = Bundle::folder(&folder.join("tuned/bundle"));
    let after: GeneratorConfig = bundle.section("generator").expect("its sizes");
    assert_eq!(after, before);
    let prior: ZDistribution = bundle.section("z_distribution").expect("its prior");
    assert_eq!(prior, ZDistribution::Portraits);

    let narrow = text.replace("w_dim = 256", "w_dim = 128");
    let config = write_config(folder, "narrow", &narrow);
    let error = adversarial::run(&config, &Device::flex(), false).expect_err("a refusal");
    assert!(error.to_string().contains("`w_dim` is 128"), "{error}");
}

#[test]
fn labels_tell_who_is_held_out() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    photographs(folder);
    labels(folder);
    std::fs::create_dir(folder.join("more")).expect("a folder");
    std::fs::copy(folder.join("images/03.png"), folder.join("more/03.png")).expect("copied");
    let labelled = "[photographs]\npath = \"OUT\"\nlayout = \"celeba\"\nsize = 32\n\
                    crop = [4, 0, 32, 32]\nheld_out = 2\nseed = 1\n";
    let config = format!("{CONFIG}\n{labelled}")
        .replace("OUT/images", "OUT/more")
        .replace(
            "size = 32\ncrop = [4, 0, 32, 32]\nheld_out = 2\n\n[model]",
            "size = 32\ncrop = [4, 0, 32, 32]\n\n[model]",
        );
    adversarial::run(
        &write_config(folder, "labelled", &config),
        &Device::flex(),
        false,
    )
    .expect("a generator");
    assert!(!weights(folder, "labelled").is_empty());
}

#[test]
fn what_does_not_fit_is_named() {
    let _alone = alone();
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    let error = |text: &str| {
        let config = write_config(folder, "bad", text);
        let error = adversarial::run(&config, &Device::flex(), false).expect_err("a refusal");
        error.to_string()
    };
    let size = error(&CONFIG.replace("size = 32", "size = 64"));
    assert!(size.contains("[images] `size`"), "{size}");
    let missing = error(&CONFIG.replace("FIXTURES", "/nowhere"));
    assert!(missing.contains("mobilefacenet.param"), "{missing}");
    let start = CONFIG.replace(
        "mapping_layers = 2",
        "mapping_layers = 2\nstart = \"OUT/none\"",
    );
    photographs(folder);
    let start = error(&start);
    assert!(
        start.contains("none") && start.contains("checkpoint"),
        "{start}"
    );
    let alone = error(&CONFIG.replace("batch = 4", "batch = 4\nadversarial_weight = 0.0"));
    assert!(alone.contains("adversarial_weight"), "{alone}");
    let both =
        "[photographs]\npath = \"OUT\"\nlayout = \"celeba\"\nsize = 32\nheld_out = 2\nseed = 1\n";
    let both = error(&format!("{CONFIG}\n{both}"));
    assert!(both.contains("[photographs]"), "{both}");
    let neither = error(&CONFIG.replace("held_out = 2", ""));
    assert!(neither.contains("`held_out`"), "{neither}");
    let beside = format!("{CONFIG}{RECONSTRUCTION}");
    let layers = error(&beside);
    assert!(layers.contains("`mapping_layers`"), "{layers}");
    let augmented = error(&beside.replace("mapping_layers = 2\n", ""));
    assert!(augmented.contains("`augment`"), "{augmented}");
    std::fs::remove_dir_all(folder.join("images")).expect("photographs");
    let images = error(CONFIG);
    assert!(images.contains("images"), "{images}");
}
