//! `anyface convert` and `anyface models inspect`.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use serde_json::Value;

fn anyface() -> Command {
    Command::cargo_bin("anyface").expect("the binary is built with its tests")
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../anyface/tests/fixtures/checkpoints")
        .join(name)
}

/// A small file in one of the container formats.
fn container(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../anyface-checkpoint/tests/fixtures")
        .join(name)
}

fn json(path: &Path) -> Value {
    let text = fs::read(path).expect("written");
    serde_json::from_slice(&text).expect("JSON")
}

/// Converts a file that must be refused with `says` in one line, without output files.
fn refused(file: &Path, says: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    anyface()
        .arg("convert")
        .arg(file)
        .arg(folder.path().join("out.safetensors"))
        .assert()
        .code(1)
        .stdout("")
        .stderr(
            predicate::str::contains(says)
                .and(predicate::str::contains("\n").count(1))
                .and(predicate::str::contains("panicked").not()),
        );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn one_network_in_three_containers_gives_the_same_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut weights = Vec::new();
    for (file, kind, container) in [
        ("nvidia_skip_p3.pkl", "stylegan2-nvidia", "pickle"),
        ("rosinality_zip.pt", "stylegan2-rosinality", "torch zip"),
        (
            "rosinality_legacy.pt",
            "stylegan2-rosinality",
            "torch legacy",
        ),
    ] {
        let output = folder.path().join(format!("{kind}.safetensors"));
        let run = anyface()
            .arg("convert")
            .arg(fixture(file))
            .arg(&output)
            .arg("--json")
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&run.stdout).expect("one JSON object");
        assert_eq!(report["kind"], kind);
        assert_eq!(report["container"], container);
        assert_eq!(report["tensors"], 92);
        assert!(
            report["left_out"]
                .as_array()
                .is_some_and(|parts| !parts.is_empty())
        );
        let config = json(&output.with_extension("json"));
        assert_eq!(config["kind"], kind);
        assert_eq!(
            config["generator"]["channels"],
            serde_json::json!([48, 48, 48, 32, 16])
        );
        let bytes = fs::read(&output).expect("written");
        // The headers differ in the shape of scalars.
        weights.push(bytes[bytes.len() - 800_000..].to_vec());
    }
    assert!(weights.iter().all(|tail| *tail == weights[0]));
}

#[test]
fn both_clip_towers_go_into_one_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("clip.safetensors");
    anyface()
        .arg("convert")
        .arg(fixture("clip_tiny_torchscript.pt"))
        .arg(&output)
        .assert()
        .success()
        .stdout(predicate::str::contains("clip-openai from TorchScript"));
    anyface()
        .args(["models", "inspect"])
        .arg(&output)
        .assert()
        .success()
        .stdout(predicate::str::contains(
            "text_tower.token_embedding.weight",
        ));
}

#[test]
fn networks_of_several_files_go_into_one_bundle() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bundle = folder.path().join("bundle/");
    for file in ["../recipes/ViT-B-32.pt", "nvidia_skip_p3.pkl"] {
        anyface()
            .arg("convert")
            .arg(fixture(file))
            .arg(&bundle)
            .assert()
            .success();
    }
    let config = json(&bundle.join("config.json"));
    assert_eq!(config["format"], 1);
    assert_eq!(config["clip"], "openai");
    for name in ["text_tower", "image_tower", "generator"] {
        assert!(config[name].is_object(), "{name}");
        assert!(
            bundle.join(format!("{name}.safetensors")).exists(),
            "{name}"
        );
    }
    anyface()
        .arg("convert")
        .arg(container("array.npy"))
        .arg(&bundle)
        .assert()
        .code(1)
        .stderr(predicate::str::contains("contains no network"));
}

#[test]
fn inspect_prints_every_tensor() {
    anyface()
        .args(["models", "inspect"])
        .arg(container("archive.pt"))
        .assert()
        .success()
        .stdout(
            predicate::str::contains("tensors from torch zip  6 tensors, 35 elements").and(
                predicate::str::is_match(r"state_dict.transposed +F32 +\[4, 3\]")
                    .expect("a pattern"),
            ),
        );
}

#[test]
fn truncated_files_of_every_container_are_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cut = folder.path().join("cut");
    let networks = [
        ("nvidia_skip_p3.pkl", "bytes early"),
        ("nvidia_skip_clamp256_p4.pkl", "bytes early"),
        ("rosinality_zip.pt", "(byte "),
        ("rosinality_legacy.pt", "bytes early"),
        ("clip_tiny_torchscript.pt", "(byte "),
        ("clip_tiny_hf.safetensors", "(byte "),
        ("yunet.onnx", "(byte "),
        ("fid_inception.pth", "bytes early"),
        ("anyface_plus.pt", "(byte "),
    ]
    .map(|(name, says)| (fixture(name), says));
    let containers = [
        ("python2.pth", "bytes early"),
        ("array.npy", "leaves its storage"),
        ("arrays.npz", "(byte "),
    ]
    .map(|(name, says)| (container(name), says));
    for (path, says) in networks.into_iter().chain(containers) {
        let whole = fs::read(path).expect("a fixture");
        fs::write(&cut, &whole[..whole.len() * 9 / 10]).expect("written");
        refused(&cut, says);
    }
}

#[test]
fn weights_of_ncnn_that_end_early_or_are_missing_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let graph = folder.path().join("net.param");
    fs::copy(fixture("mobilefacenet.param"), &graph).expect("copied");
    refused(&graph, "net.bin");
    let weights = fs::read(fixture("mobilefacenet.bin")).expect("a fixture");
    fs::write(graph.with_extension("bin"), &weights[..weights.len() - 1]).expect("written");
    refused(&graph, "bytes early");
}

#[test]
fn a_flipped_bit_is_located() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flipped = folder.path().join("flipped");
    let flip = |name: &str, at: usize, says: &str| {
        let mut bytes = fs::read(fixture(name)).expect("a fixture");
        bytes[at] ^= 0x40;
        fs::write(&flipped, bytes).expect("written");
        refused(&flipped, says);
    };
    flip(
        "rosinality_zip.pt",
        500_000,
        "does not match its checksum (byte ",
    );
    flip(
        "clip_tiny_torchscript.pt",
        500_000,
        "does not match its checksum (byte ",
    );
    flip("nvidia_skip_p3.pkl", 2, "is not a pickle opcode (byte 2)");
    flip("rosinality_legacy.pt", 0, "unknown container");
}

#[test]
fn other_models_and_other_files_are_refused_in_one_line() {
    refused(&fixture("tensorflow.pkl"), "a TensorFlow network");
    refused(&fixture(""), "is a folder, not a file");
    refused(&fixture("clip_tiny_hf.safetensors"), "config.json");
    refused(&fixture("nothing.pt"), "cannot read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text");
    fs::write(&text, "a text").expect("written");
    refused(&text, "unknown container");
    fs::write(&text, "").expect("written");
    refused(&text, "the file is empty");
    fs::write(&text, "<!DOCTYPE html>").expect("written");
    refused(&text, "is a web page, not weights");
    fs::write(&text, "version https://git-lfs.github.com/spec/v1\n").expect("written");
    refused(&text, "git lfs pull");
    fs::write(&text, b"\x1f\x8b\x08").expect("written");
    refused(&text, "gunzip");
    fs::write(
        &text,
        b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
    )
    .expect("written");
    refused(&text, "a call of posix.system, never run");
}
