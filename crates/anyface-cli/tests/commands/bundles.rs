//! Bundles that `anyface convert` assembles from public files, and bundles found by name. The
//! fixtures have the public containers and layouts with small random networks
//! (`tools/parity/recipes.py`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use tempfile::TempDir;

/// A command that runs in `home`, with the data folder and the cache there, and without downloads.
fn anyface(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary is built with its tests");
    command
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("HF_HOME", home.path().join("cache"))
        .env("HF_HUB_OFFLINE", "1")
        .env_remove("HF_HUB_CACHE")
        .env("ANYFACE_DETECTOR", "")
        .env("ANYFACE_RECOGNIZER", "")
        .current_dir(home.path())
        .args(args);
    command
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn fixture(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../anyface/tests/fixtures");
    fixtures.join(name).display().to_string()
}

fn convert(home: &TempDir, file: &str, bundle: &str, says: &str) {
    anyface(home, &["convert", &fixture(file), bundle])
        .assert()
        .success()
        .stdout(predicate::str::contains(says));
}

/// Assembles the bundle of the recipe `ffhq` at its place in the data folder.
fn put_ffhq(home: &TempDir) -> PathBuf {
    let folder = home.path().join("data/anyface/models/ffhq");
    let bundle = format!("{}/", folder.display());
    convert(
        home,
        "recipes/ViT-B-32.pt",
        &bundle,
        "still missing for generate, edit, invert, interpolate and serve: generator",
    );
    let complete = "complete: text-to-face by optimization";
    convert(home, "recipes/e4e_ffhq_encode.pt", &bundle, complete);
    let complete = "complete: text-to-face by clip2latent";
    convert(home, "recipes/ffhq-sg2-510.ckpt", &bundle, complete);
    folder
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| (path.clone(), fs::read(path).expect("a file")))
        .collect()
}

#[test]
fn a_bundle_of_public_files_is_found_by_name_and_runs_all_commands() {
    let home = home();
    let folder = put_ffhq(&home);
    // It exists, so nothing is fetched.
    anyface(&home, &["pull", "ffhq"])
        .assert()
        .success()
        .stdout(predicate::str::contains(folder.display().to_string()));
    anyface(&home, &["models", "list"])
        .assert()
        .success()
        .stdout(
            predicate::str::is_match(
                "ffhq +[0-9.]+ .iB, 32 pixels, text by clip2latent, inversion by an encoder",
            )
            .expect("a pattern"),
        );
    let run = |args: &[&str], output: &str| {
        let args = [args, &["--model", "ffhq", "-o", output]].concat();
        anyface(&home, &args).assert().success();
        let path = home.path().join(output);
        assert!(path.exists(), "{args:?}");
        path
    };
    let face = run(&["generate", "a smiling woman"], "face.png");
    let face = face.display().to_string();
    run(&["edit", &face, "an old man"], "edited.png");
    run(
        &["edit", &face, "an old man", "--method", "optimize"],
        "optimized.png",
    );
    run(&["invert", &face], "latent.safetensors");

    let prepare = [
        "prepare",
        "directions",
        "--pictures",
        "1",
        "--model",
        "ffhq",
    ];
    anyface(&home, &prepare).assert().success();
    let by_directions = ["edit", &face, "an old man", "--method", "directions"];
    run(&by_directions, "directed.png");
    // New towers remove the directions, which were measured on the old ones.
    let bundle = format!("{}/", folder.display());
    anyface(
        &home,
        &["convert", &fixture("recipes/ViT-B-32.pt"), &bundle],
    )
    .assert()
    .success()
    .stderr(predicate::str::contains(
        "`anyface prepare directions` computes new ones",
    ));
    anyface(&home, &[&by_directions[..], &["--model", "ffhq"]].concat())
        .assert()
        .code(1)
        .stderr(predicate::str::contains("prepare directions"));
}

#[test]
fn networks_that_do_not_fit_leave_a_bundle_unchanged() {
    let home = home();
    let bundle = home.path().join("portraits");
    fs::create_dir(&bundle).expect("a folder");
    let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/portraits");
    for entry in fs::read_dir(portraits).expect("the built-in bundle") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::copy(&path, bundle.join(path.file_name().expect("a file"))).expect("copied");
        }
    }
    let before = files(&bundle);
    for (file, says) in [
        (
            "checkpoints/clip2latent_prior.ckpt",
            "clip2latent.dim: it reads features of width 48, the text tower's have width 256",
        ),
        ("recipes/e4e_ffhq_encode.pt", "inversion"),
        ("recipes/ViT-B-32.pt", "features of"),
        ("checkpoints/nvidia_skip_p3.pkl", "z_distribution"),
        (
            "checkpoints/mobilefacenet.param",
            "a bundle cannot contain `identity`",
        ),
    ] {
        anyface(&home, &["convert", &fixture(file), "portraits/"])
            .assert()
            .code(1)
            .stdout("")
            .stderr(
                predicate::str::contains("portraits/ is unchanged")
                    .and(predicate::str::contains(says))
                    .and(predicate::str::contains("\n").count(1)),
            );
        assert!(files(&bundle) == before, "{file} changed the bundle");
    }
}

#[test]
fn the_generator_in_an_encoder_file_replaces_no_other() {
    let home = home();
    let bundle = home.path().join("bundle");
    convert(
        &home,
        "recipes/ViT-B-32.pt",
        "bundle/",
        "put image_tower, text_tower",
    );
    convert(
        &home,
        "recipes/e4e_ffhq_encode.pt",
        "bundle/",
        "put inversion, generator",
    );
    let generator = fs::read(bundle.join("generator.safetensors")).expect("written");
    convert(
        &home,
        "recipes/e4e_ffhq_encode.pt",
        "bundle/",
        "put inversion\n",
    );
    let same = fs::read(bundle.join("generator.safetensors")).expect("written");
    assert!(same == generator);
}

#[test]
fn an_offline_recipe_names_the_missing_models() {
    let home = home();
    let refused =
        |args: &[&str], says: &str| {
            anyface(&home, args).assert().code(1).stdout("").stderr(
                predicate::str::contains(says).and(predicate::str::contains("\n").count(1)),
            );
        };
    refused(
        &["pull", "ffhq"],
        "lacks e4e-ffhq, clip-vit-b-32, clip2latent, and",
    );
    refused(
        &["generate", "a face", "--model", "ffhq", "-o", "face.png"],
        "ffhq: not downloaded: `anyface pull ffhq` downloads it",
    );
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
    anyface(&home, &["models", "list"])
        .assert()
        .success()
        .stdout(
            predicate::str::is_match("ffhq-fast .*NVIDIA .*MIT, not for commercial use")
                .expect("a pattern"),
        );
}
