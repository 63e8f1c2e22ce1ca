//! `anyface generate` with the built-in bundle.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;

fn anyface() -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary is built with its tests");
    // Signs with a key of the tests, not the user's.
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn png(path: &Path) -> image::DynamicImage {
    let bytes = fs::read(path).expect("the picture was written");
    let image = image::load_from_memory(&bytes).expect("the file is a picture");
    assert_eq!((image.width(), image.height()), (128, 128));
    image
}

/// Runs a command that must fail with `says` on stderr and write nothing.
fn refused(args: &[&str], code: i32, says: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("faces");
    anyface()
        .arg("generate")
        .args(args)
        .arg("-o")
        .arg(&output)
        .assert()
        .code(code)
        .stdout("")
        .stderr(predicate::str::contains(says));
    assert!(!output.exists(), "{args:?} wrote something");
}

#[test]
fn four_faces_and_their_sheet_are_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("faces");
    anyface()
        .args([
            "generate",
            "an old sailor with a white beard",
            "-n",
            "4",
            "-o",
        ])
        .arg(&output)
        .assert()
        .success();
    let faces: Vec<_> = (0..4)
        .map(|i| png(&output.join(format!("{i:04}.png"))))
        .collect();
    assert!(
        faces.windows(2).all(|pair| pair[0] != pair[1]),
        "seeds differ"
    );
    assert!(output.join("sheet.png").exists());
    assert_eq!(fs::read_dir(&output).expect("a folder").count(), 5);
}

#[test]
fn a_background_is_removed_or_coloured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("face.png");
    let draw = |background: &str| {
        anyface()
            .args([
                "generate",
                "a face",
                "--force",
                "--background",
                background,
                "-o",
            ])
            .arg(&output)
            .assert()
            .success();
        let file = fs::read(&output).expect("the picture was written");
        image::load_from_memory(&file).expect("the file is a picture")
    };
    let kept = draw("keep");
    assert!(!kept.color().has_alpha());
    let middle = kept.into_rgba8()[(64, 64)].0;
    let near = |a: [u8; 4], b: [u8; 4]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 8);
    let clear = draw("transparent").into_rgba8();
    assert!(clear[(0, 0)].0[3] < 8 && near(clear[(64, 64)].0, middle));
    let blue = draw("#0000ff").into_rgba8();
    assert!(near(blue[(0, 0)].0, [0, 0, 255, 255]) && near(blue[(64, 64)].0, middle));
    refused(
        &["a face", "--background", "grey"],
        2,
        "`grey` is not a background",
    );
}

#[test]
fn a_face_does_not_depend_on_the_number_of_faces_or_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |name: &str, args: &[&str]| {
        let output = folder.path().join(name);
        anyface()
            .args(["generate", "a woman with red hair", "-o"])
            .arg(&output)
            .args(args)
            .assert()
            .success();
        output
    };
    let many = run("many", &["-n", "3", "--seed", "5", "--threads", "1"]);
    let one = run("one.png", &["--seed", "7", "--threads", "3"]);
    assert_eq!(png(&many.join("0002.png")), png(&one));
}

#[test]
fn json_has_the_documented_keys_and_prompts_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let prompts = folder.path().join("prompts.txt");
    fs::write(&prompts, "my grandmother\n\na bald man\n").expect("written");
    let output = anyface()
        .args(["generate", "-n", "2", "--seed", "3", "--json", "--prompts"])
        .arg(&prompts)
        .arg("-o")
        .arg(folder.path().join("faces"))
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["prompt"].as_str().expect("a prompt"),
                line["seed"].as_u64(),
            )
        })
        .collect();
    let expected = [
        ("my grandmother", Some(3)),
        ("my grandmother", Some(4)),
        ("a bald man", Some(3)),
        ("a bald man", Some(4)),
    ];
    assert_eq!(seen, expected);
    for line in &lines {
        png(Path::new(line["path"].as_str().expect("a path")));
        let score = line["clip_score"].as_f64().expect("a score");
        assert!((-1.0..=1.0).contains(&score));
        assert!(line["milliseconds"].as_f64().expect("a time") > 0.0);
    }
}

#[test]
fn any_text_gives_a_face() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (i, text) in [
        "🙂",
        "une vieille dame aux cheveux blancs",
        "blorptang",
        "...",
    ]
    .iter()
    .enumerate()
    {
        let output = folder.path().join(format!("{i}.png"));
        anyface()
            .args(["generate", text, "-o"])
            .arg(&output)
            .assert()
            .success();
        png(&output);
    }
}

#[test]
fn invalid_texts_and_options_are_refused() {
    refused(&[""], 1, "description is empty");
    refused(&["   \n"], 1, "description is empty");
    refused(
        &[&"word ".repeat(10_000)],
        1,
        "at most 1000 words, not 10000",
    );
    refused(
        &["a face", "--truncation", "2"],
        1,
        "truncation must be between 0 and 1, not 2",
    );
    refused(&[], 2, "TEXT");
    refused(&["a face", "--prompts", "file"], 2, "cannot be used with");
    refused(&["a face", "-n", "0"], 2, "0 is not in 1..=100000");
    refused(
        &["a face", "--device", "tpu"],
        2,
        "expected cpu, gpu or gpu:N",
    );
}

#[test]
fn a_broken_bundle_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("nowhere");
    refused(
        &["a face", "--model", missing.to_str().expect("text")],
        1,
        "there is no such bundle",
    );

    let bundle = folder.path().join("bundle");
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/portraits"),
        &bundle,
    );
    let path = bundle.to_str().expect("text");
    let generator = bundle.join("generator.safetensors");
    let bytes = fs::read(&generator).expect("a generator");
    fs::write(&generator, &bytes[..bytes.len() / 2]).expect("written");
    refused(
        &["a face", "--model", path],
        1,
        "generator.safetensors is not a safetensors file",
    );
    fs::write(
        &generator,
        fs::read(bundle.join("probe.safetensors")).expect("a probe"),
    )
    .expect("written");
    refused(&["a face", "--model", path], 1, "generator.safetensors");
    fs::write(bundle.join("config.json"), "{ \"format\": 1 }").expect("written");
    refused(
        &["a face", "--model", path],
        1,
        "config.json: no `text_tower`, `image_tower`, `generator`",
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("created");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("copied");
    }
}

#[test]
fn words_without_effect_on_the_face_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |text: &str| {
        anyface()
            .args(["generate", text, "--json", "-o", "face.png", "--force"])
            .current_dir(folder.path())
            .output()
            .expect("it runs")
    };
    let output = run("a bald man with an equation, молодая");
    let says = String::from_utf8(output.stderr).expect("text");
    assert_eq!(says, "not understood: equation, молодая\n");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an object");
    let words = serde_json::json!(["equation", "молодая"]);
    assert_eq!(line["not_understood"], words);

    let output = run("a bald man with glasses");
    assert!(output.stderr.is_empty());
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!(line["not_understood"], serde_json::json!([]));
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    anyface()
        .args(["generate", "a face", "-o"])
        .arg(file.join("face.png"))
        .assert()
        .code(1)
        .stdout("")
        .stderr(predicate::str::contains("face.png").and(predicate::str::contains("\n").count(1)));
    anyface()
        .args(["generate", "a face", "-n", "2", "-o", "many.png"])
        .current_dir(folder.path())
        .assert()
        .code(1)
        .stderr(predicate::str::contains("need a folder"));
}

#[test]
fn a_bundle_is_found_by_name() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("face.png");
    anyface()
        .current_dir(repository)
        .args(["generate", "a bald man", "--model", "photographs", "-o"])
        .arg(&output)
        .assert()
        .success();
    assert_eq!(image::open(&output).unwrap().width(), 128);
}
