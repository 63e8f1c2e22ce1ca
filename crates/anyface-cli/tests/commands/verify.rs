//! `anyface verify`, and the signatures of the other commands.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::image::{Mark, read_mark, save_marked, save_png};
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use image::RgbImage;
use predicates::prelude::*;
use serde_json::Value;

/// A temporary working folder, which also contains the data folder.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The file of the user's key.
    fn key(&self) -> PathBuf {
        self.path("data/anyface/credentials.pem")
    }

    fn run(&self, args: &[&str]) -> Assert {
        let mut command = Command::cargo_bin("anyface").expect("the binary");
        command
            .current_dir(self.0.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("ANYFACE_DETECTOR", "")
            .args(args);
        command.assert()
    }

    /// The report of `verify --json` on a file, and the exit code.
    fn verify(&self, file: &str) -> (Value, i32) {
        let ran = self.run(&["verify", file, "--json"]);
        let output = ran.get_output();
        let report = serde_json::from_slice(&output.stdout).expect("JSON");
        (report, output.status.code().expect("a code"))
    }
}

fn mark() -> Mark {
    Mark {
        prompt: Some("an old sailor".to_owned()),
        seed: Some(7),
        ..Mark::new("portraits")
    }
}

fn change_a_byte(file: &Path) {
    let mut bytes = fs::read(file).expect("a file");
    // WebP files store the credentials after the pixels, PNG and JPEG files before them.
    let at = match file
        .extension()
        .is_some_and(|extension| extension == "webp")
    {
        true => 100,
        false => bytes.len() - 20,
    };
    bytes[at] ^= 1;
    fs::write(file, bytes).expect("written");
}

#[test]
fn faces_are_signed_and_changes_are_detected() {
    let home = Home::new();
    for file in ["face.png", "face.jpg", "face.webp"] {
        let words = ["generate", "an old sailor", "--seed", "7", "-o", file];
        home.run(&words).success();
        let (report, code) = home.verify(file);
        assert_eq!(
            (code, &report["verdict"]),
            (0, &"marked".into()),
            "{report}"
        );
        for fields in [&report["mark"], &report["credentials"]] {
            assert_eq!(fields["model"], "portraits");
            assert_eq!(fields["prompt"], "an old sailor");
            assert_eq!(fields["seed"], 7);
        }
        let kind = &report["credentials"]["digital_source_type"];
        assert_eq!(kind, "trainedAlgorithmicMedia");
        change_a_byte(&home.path(file));
        let (report, code) = home.verify(file);
        assert_eq!(
            (code, &report["verdict"]),
            (3, &"tampered".into()),
            "{report}"
        );
        let tampered = predicate::str::contains("tampered")
            .and(predicate::str::contains("assertion.dataHash.mismatch"));
        home.run(&["verify", file]).code(3).stdout(tampered);
    }
}

#[test]
fn the_same_seed_gives_the_same_pixels_and_words() {
    let home = Home::new();
    let draw = |output: &str| {
        let words = ["generate", "a face", "--seed", "3", "-o", output];
        home.run(&words).success();
        let file = fs::read(home.path(output)).expect("written");
        let picture = image::load_from_memory(&file).expect("a picture");
        (picture, read_mark(&file))
    };
    assert_eq!(draw("one.png"), draw("two.png"));
}

#[test]
fn no_prompt_also_applies_to_the_signature() {
    let home = Home::new();
    let words = ["generate", "an old sailor", "--no-prompt", "-o", "face.png"];
    home.run(&words).success();
    let (report, _) = home.verify("face.png");
    assert_eq!(report["credentials"]["prompt"], Value::Null);
    assert_eq!(report["credentials"]["seed"], Value::Null);
    let file = fs::read(home.path("face.png")).expect("written");
    assert!(!file.windows(6).any(|w| w == b"sailor"));
}

#[test]
fn an_edit_names_its_parent_picture() {
    let home = Home::new();
    home.run(&["generate", "a man", "-o", "man.png"]).success();
    home.run(&["edit", "man.png", "smiling", "-o", "smiling.png"])
        .success();
    let (report, code) = home.verify("smiling.png");
    assert_eq!(code, 0, "{report}");
    let credentials = &report["credentials"];
    let kind = &credentials["digital_source_type"];
    assert_eq!(kind, "compositeWithTrainedAlgorithmicMedia");
    let parent = &credentials["ingredients"][0];
    assert_eq!(parent["is_parent"], true);
    assert_eq!(parent["has_credentials"], true);
    // File names are private.
    assert_eq!(parent["title"], "a file");
    home.run(&["edit", "seed:1", "smiling", "-o", "seed.png"])
        .success();
    let (report, _) = home.verify("seed.png");
    assert_eq!(report["credentials"]["ingredients"], serde_json::json!([]));
}

#[cfg(unix)]
#[test]
fn the_key_is_made_once_and_only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    home.run(&["generate", "a face", "-o", "one.png"]).success();
    let mode = fs::metadata(home.key())
        .expect("a key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = fs::read(home.key()).expect("a key");
    home.run(&["generate", "a face", "-o", "two.png"]).success();
    assert_eq!(fs::read(home.key()).expect("a key"), key);
    let signer = |file: &str| home.verify(file).0["credentials"]["certificates"].clone();
    assert_eq!(signer("one.png"), signer("two.png"));
}

#[test]
fn a_given_key_signs_and_an_invalid_one_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    other
        .run(&["generate", "a face", "-o", "face.png"])
        .success();
    let kept = fs::read_to_string(other.key()).expect("a key");
    let start = kept.find("-----BEGIN CERTIFICATE").expect("certificates");
    fs::write(home.path("key.pem"), &kept[..start]).expect("written");
    fs::write(home.path("cert.pem"), &kept[start..]).expect("written");
    let draw = ["generate", "a face", "-o", "face.png", "--credentials-key"];
    let pair = [&draw[..], &["key.pem", "--credentials-cert", "cert.pem"]].concat();
    home.run(&pair).success();
    assert!(!home.key().exists());
    let signer = |home: &Home| home.verify("face.png").0["credentials"]["certificates"].clone();
    assert_eq!(signer(&home), signer(&other));

    home.run(&[&draw[..], &["key.pem"]].concat())
        .code(2)
        .stderr(predicate::str::contains("--credentials-cert"));
    fs::write(home.path("wrong.pem"), "no key").expect("written");
    let wrong = [
        &draw[..],
        &["wrong.pem", "--credentials-cert", "cert.pem", "--force"],
    ]
    .concat();
    let says = predicate::str::contains("wrong.pem").and(predicate::str::contains("\n").count(1));
    home.run(&wrong).code(1).stderr(says);
}

#[test]
fn the_key_is_temporary_if_its_folder_cannot_be_written() {
    let home = Home::new();
    fs::write(home.path("data"), "a file where a folder should be").expect("written");
    home.run(&["generate", "a face", "-o", "face.png"])
        .success()
        .stderr(predicate::str::contains("is not kept"));
    assert_eq!(home.verify("face.png").1, 0);
}

#[test]
fn a_mark_without_a_signature_is_reported() {
    let home = Home::new();
    save_marked(&RgbImage::new(8, 8), &mark(), &home.path("face.png")).expect("written");
    let says = predicate::str::contains("AI-generated")
        .and(predicate::str::contains("an old sailor"))
        .and(predicate::str::is_match("signature +none").expect("a pattern"));
    home.run(&["verify", "face.png"]).success().stdout(says);
    let (report, code) = home.verify("face.png");
    assert_eq!((code, &report["verdict"]), (0, &"marked".into()));
    assert_eq!(report["mark"]["seed"], 7);
    assert_eq!(report["credentials"], Value::Null);
}

#[test]
fn an_image_without_a_mark_is_unmarked() {
    let home = Home::new();
    save_png(&RgbImage::new(8, 8), &home.path("plain.png")).expect("written");
    fs::write(home.path("text.png"), "no picture").expect("written");
    for file in ["plain.png", "text.png"] {
        let (report, code) = home.verify(file);
        assert_eq!((code, &report["verdict"]), (1, &"unmarked".into()));
        home.run(&["verify", file])
            .code(1)
            .stdout(predicate::str::contains("unmarked"));
    }
    // A missing file is neither.
    home.run(&["verify", "nowhere.png"])
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("nowhere.png"));
}
