//! `anyface pull` with a stand-in for Hugging Face. The library tests failing downloads.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use assert_cmd::Command;
use predicates::prelude::*;
use tempfile::TempDir;

fn anyface(home: &TempDir) -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary is built with its tests");
    command
        .env("HF_HOME", home.path())
        .env_remove("HF_HUB_CACHE")
        .env_remove("HF_HUB_OFFLINE")
        .env_remove("ANYFACE_DETECTOR");
    command
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../anyface/tests/fixtures")
        .join(name)
}

/// Starts a stand-in for Hugging Face that serves the same small file for every path.
fn hugging_face() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let body = if request[..length].starts_with(b"HEAD") {
                ""
            } else {
                "weights"
            };
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nx-repo-commit: 0123abcd\r\netag: \"89abcdef\"\r\ncontent-length: 7\r\n\
                 connection: close\r\n\r\n{body}"
            )
            .ok();
        }
    });
    address
}

#[test]
fn the_licence_is_shown_only_before_the_first_download() {
    let home = home();
    let address = hugging_face();
    let pull = || {
        let mut command = anyface(&home);
        command
            .args(["pull", "stylegan2-ffhq-rosinality"])
            .env("HF_ENDPOINT", &address);
        command
    };
    let file = "models--aharley--stylegan2/snapshots/0123abcd/stylegan2-ffhq-config-f.pt";
    pull()
        .assert()
        .success()
        .stdout(predicate::str::contains(file))
        .stderr(
            predicate::str::contains("NOT FOR COMMERCIAL USE")
                .and(predicate::str::contains("3.3 Use Limitation"))
                .and(predicate::str::contains(
                    "fetching stylegan2-ffhq-config-f.pt, 7 bytes",
                )),
        );
    let path = home.path().join("hub").join(file);
    assert_eq!(fs::read(path).expect("fetched"), b"weights");
    pull()
        .env("HF_HUB_OFFLINE", "1")
        .assert()
        .success()
        .stdout(predicate::str::contains(file))
        .stderr("");
    anyface(&home)
        .args(["models", "list"])
        .assert()
        .success()
        .stdout(
            predicate::str::is_match(
                "stylegan2-ffhq-rosinality .*not for commercial use.*, downloaded",
            )
            .expect("a pattern")
            .and(predicate::str::contains("yunet ")),
        );
}

#[test]
fn a_failed_pull_is_reported_in_one_line() {
    let home = home();
    let refused = |name: &str, says: &str| {
        anyface(&home)
            .args(["pull", name])
            .env("HF_HUB_OFFLINE", "1")
            .assert()
            .code(1)
            .stdout("")
            .stderr(predicate::str::contains(says).and(predicate::str::contains("\n").count(1)));
    };
    refused("yunet", "HF_HUB_OFFLINE forbids downloads");
    refused("nothing", "no model is called `nothing`");
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
}

#[test]
fn the_built_in_detector_is_used_unless_the_variable_is_empty() {
    let home = home();
    let latent = home.path().join("latent.safetensors");
    let invert = || {
        let mut command = anyface(&home);
        command
            .arg("invert")
            .arg(fixture("faces.png"))
            .arg("-o")
            .arg(&latent);
        command
    };
    let without = predicate::str::contains("taken as one aligned face");
    // The picture shows only clouds.
    let nothing = predicate::str::contains("faces.png: no face found");
    invert().assert().code(1).stderr(nothing);
    invert()
        .env("ANYFACE_DETECTOR", "")
        .assert()
        .stderr(without);
}
