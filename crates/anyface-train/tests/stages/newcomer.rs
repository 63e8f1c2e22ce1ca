//! Tests the configurations of docs/PHOTOGRAPHS.md: from a folder of labelled faces to a bundle.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::{Edit, Engine, Generate};
use anyface_portraits::{Attribute, Face, latent, render};
use anyface_train::Result;
use anyface_train::stage::{gan, image_tower, inversion, mapper, prior, probe};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use toml::{Table, Value};

const FACES: usize = 220;
const LABELS: [Attribute; 4] = [
    Attribute::Male,
    Attribute::Young,
    Attribute::Smiling,
    Attribute::Eyeglasses,
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Writes renders in place of photographs, one per person, and a table of attributes.
fn write_faces(folder: &Path) {
    fs::create_dir_all(folder.join("images")).expect("a folder");
    let names: Vec<&str> = LABELS.iter().map(|label| label.name()).collect();
    let mut table = format!("file,identity,{}\n", names.join(","));
    for i in 0..FACES {
        let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
        let face = Face::from_latent(&latent::sample(&mut rng));
        let picture = folder.join(format!("images/{i:03}.png"));
        render(&face, 64).save(picture).expect("written");
        let attributes = face.attributes();
        let labels = LABELS.map(|label| match attributes.get(label) {
            Some(state) => u8::from(state).to_string(),
            None => String::new(),
        });
        table += &format!("{i:03}.png,{i},{}\n", labels.join(","));
    }
    fs::write(folder.join("attributes.csv"), table).expect("written");
}

fn write_wordnet(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let noun = "00000010 15 n 01 moor 0 000 | open land  \n";
    fs::write(folder.join("data.noun"), noun).expect("written");
    let adjective = "00000040 00 s 01 old 0 000 | aged\n";
    fs::write(folder.join("data.adj"), adjective).expect("written");
}

/// Replaces a path of the configurations by the path in this test.
fn moved(path: &str, folder: &Path) -> String {
    let fixtures = workspace().join("crates/anyface/tests/fixtures");
    let place = match path {
        "models/portraits" => workspace().join(path),
        "data/mobilefacenet/mobilefacenet.param" => {
            fixtures.join("checkpoints/mobilefacenet.param")
        }
        "data/efficientnet-lite0-57934424.pth" => {
            fixtures.join("checkpoints/efficientnet_lite0.pth")
        }
        "/usr/share/wordnet" => folder.join("wordnet"),
        "data/celeba/unlabelled" => folder.join("data/celeba/images"),
        _ if ["models/", "runs/", "data/"]
            .iter()
            .any(|start| path.starts_with(start)) =>
        {
            folder.join(path)
        }
        _ => return path.to_owned(),
    };
    place.display().to_string()
}

/// Adapts a configuration to this test: paths, no crop, and minimal work.
fn shrink(table: &mut Table, folder: &Path) {
    table.remove("crop");
    for (key, value) in table.iter_mut() {
        match (key.as_str(), &mut *value) {
            ("steps", steps) => *steps = Value::Integer(2),
            ("batch" | "faces", batch) => *batch = Value::Integer(8),
            (
                "photographs" | "others" | "image_batch" | "identities" | "drawn" | "negatives",
                Value::Integer(count),
            ) => *count = 4,
            ("held_out", Value::Integer(10)) => *value = Value::Integer(2),
            ("captions", Value::Integer(count)) => *count = (*count).min(40),
            ("reconstructed", count) => *count = Value::Integer(4),
            // The second step has discriminators.
            ("autoencoder_images", count) => *count = Value::Integer(8),
            ("held_out" | "measured", count) => *count = Value::Integer(100),
            ("faces_per_role" | "neutral_texts", count) => *count = Value::Integer(1),
            (_, Value::String(path)) => *path = moved(path, folder),
            (_, Value::Table(inner)) => shrink(inner, folder),
            (_, Value::Array(array)) => {
                for entry in array {
                    match entry {
                        Value::String(path) => *path = moved(path, folder),
                        Value::Table(inner) => shrink(inner, folder),
                        _ => (),
                    }
                }
            }
            _ => (),
        }
    }
}

/// Writes a shipped configuration, adapted to this test.
fn write_config(name: &str, folder: &Path) -> PathBuf {
    let file = workspace().join(format!("configs/photographs/{name}.toml"));
    let text = fs::read_to_string(file).expect("a configuration");
    let mut table: Table = text.parse().expect("toml");
    shrink(&mut table, folder);
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, table.to_string()).expect("written");
    path
}

type Train = fn(&Path, &Device, bool) -> Result<()>;

#[test]
fn the_configurations_train_a_bundle_slow() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    write_faces(&folder.join("data/celeba"));
    write_wordnet(&folder.join("wordnet"));
    let way: [(Train, &str); 8] = [
        (probe::run, "attribute-loss"),
        (probe::run, "probe"),
        (gan::run, "gan-64"),
        (gan::run, "gan-128"),
        (image_tower::run, "image-tower"),
        (inversion::run, "inversion"),
        (mapper::run, "mapper"),
        (prior::run, "prior"),
    ];
    // These are the base of other configurations.
    for name in ["faces", "gan-64", "probe"] {
        write_config(name, folder);
    }
    for (train, name) in way {
        let path = write_config(name, folder);
        train(&path, &Device::flex(), false).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    for (train, name, [right, wrong], named) in [
        (
            inversion::run as Train,
            "inversion",
            ["drawn = 4", "drawn = 99"],
            "`drawn` is 99",
        ),
        (
            inversion::run,
            "inversion",
            ["style_width = 64", "style_width = 0"],
            "`style_width` must be positive",
        ),
        (
            mapper::run,
            "mapper",
            ["negatives = 4", "negatives = 99"],
            "`negatives` is 99",
        ),
        (
            image_tower::run,
            "image-tower",
            ["captions = 4", "captions = 0"],
            "`captions` is 0",
        ),
        (
            image_tower::run,
            "image-tower",
            ["width = 24", "width = 23"],
            "an even `width`",
        ),
    ] {
        let path = folder.join(format!("{name}.toml"));
        let text = fs::read_to_string(&path).expect("written above");
        fs::write(&path, text.replace(right, wrong)).expect("written");
        let error = train(&path, &Device::flex(), false).expect_err("an invalid configuration");
        let message = error.to_string();
        assert!(message.contains(&format!("{name}.toml: [")), "{message}");
        assert!(message.contains(named), "{message}");
        fs::write(&path, text).expect("written");
    }

    let engine = Engine::open(&folder.join("runs/photographs/bundle")).expect("a bundle");
    let faces = engine
        .generate(&["a smiling woman"], &Generate::default())
        .expect("a face");
    assert_eq!(faces[0].image.dimensions(), (128, 128));
    let latent = engine.invert(&faces[0].image, 2);
    let edited = engine
        .edit(&latent, "wearing glasses", &Edit::default())
        .expect("an edit");
    assert_ne!(engine.draw(&edited), engine.draw(&latent));
}
