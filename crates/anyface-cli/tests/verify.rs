//! `anyface verify` as a user runs it.

use std::fs;

use anyface::image::{Mark, save_marked, save_png};
use assert_cmd::Command;
use image::RgbImage;
use predicates::prelude::*;

fn verify() -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary");
    command.arg("verify");
    command
}

#[test]
fn a_marked_image_tells_how_it_was_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("face.png");
    let mark = Mark {
        prompt: Some("an old sailor".to_owned()),
        seed: Some(7),
        ..Mark::new("portraits")
    };
    save_marked(&RgbImage::new(8, 8), &mark, &path).expect("written");
    verify().arg(&path).assert().success().stdout(
        predicate::str::contains("AI-generated").and(predicate::str::contains("an old sailor")),
    );
    let output = verify().arg(&path).arg("--json").output().expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["ai_generated"], true);
    assert_eq!(
        (&report["model"], &report["seed"]),
        (&"portraits".into(), &7.into())
    );
}

#[test]
fn an_image_without_a_mark_fails_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("plain.png");
    save_png(&RgbImage::new(8, 8), &plain).expect("written");
    let text = folder.path().join("text.png");
    fs::write(&text, "no picture").expect("written");
    for path in [plain, text] {
        verify().arg(path).assert().code(1).stderr(
            predicate::str::contains("no mark found").and(predicate::str::contains("\n").count(1)),
        );
    }
    verify()
        .arg("nowhere.png")
        .assert()
        .code(1)
        .stderr(predicate::str::contains("nowhere.png"));
}
