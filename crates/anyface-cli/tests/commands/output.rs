//! Output of the commands: overwriting, file formats, stdin, stdout and closed pipes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use image::ImageFormat;

/// Runs the command in a folder, without a face detector.
fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("it runs")
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anyface"));
    command
        .current_dir(folder)
        .env("ANYFACE_DETECTOR", "")
        // Signs with a key of the tests, not the user's.
        .env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(args);
    command
}

/// Runs a command that must succeed; returns its stdout.
fn done(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that must fail without output or files; returns its one line of error.
fn refused(folder: &Path, args: &[&str]) -> String {
    let before = names(folder);
    let output = run(folder, args);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{args:?}");
    assert!(
        output.stdout.is_empty() && error.lines().count() == 1,
        "{args:?}: {error}"
    );
    assert_eq!(names(folder), before, "{args:?}");
    error
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn files_are_overwritten_only_with_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let faces = ["generate", "a face", "-n", "2", "-o", "faces"];
    done(folder, &faces);
    let first = fs::read(folder.join("faces/0000.png")).expect("a face");
    done(folder, &[&faces[..], &["--seed", "5"]].concat());
    let all = ["0000", "0001", "0002", "0003", "sheet-0002", "sheet"];
    assert_eq!(
        names(&folder.join("faces")),
        all.map(|name| format!("{name}.png"))
    );
    assert_eq!(
        fs::read(folder.join("faces/0000.png")).expect("a face"),
        first
    );
    done(folder, &[&faces[..], &["--seed", "5", "--force"]].concat());
    assert_ne!(
        fs::read(folder.join("faces/0000.png")).expect("a face"),
        first
    );
    assert_eq!(names(&folder.join("faces")).len(), 6);

    let edit = ["edit", "seed:1", "smiling"];
    assert_eq!(done(folder, &edit), "edited.png\n");
    assert_eq!(done(folder, &edit), "edited-2.png\n");
    let onto = [&edit[..], &["-o", "edited.png"]].concat();
    let error = refused(folder, &onto);
    assert!(
        error.contains("edited.png exists: --force overwrites it"),
        "{error}"
    );
    done(folder, &[&onto[..], &["--force"]].concat());
}

#[test]
fn the_extension_determines_the_file_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (name, format) in [
        ("face.jpg", ImageFormat::Jpeg),
        ("face.webp", ImageFormat::WebP),
        ("face.png", ImageFormat::Png),
    ] {
        done(folder, &["generate", "a face", "-o", name]);
        let file = fs::read(folder.join(name)).expect("written");
        assert_eq!(image::guess_format(&file).expect("a picture"), format);
        assert!(done(folder, &["verify", name]).contains("a face"));
    }
    let error = refused(folder, &["generate", "a face", "-o", "face.bmp"]);
    assert!(error.contains(".png, .jpg or .webp"), "{error}");
    let transparent = ["generate", "a face", "--background", "transparent", "-o"];
    let error = refused(folder, &[&transparent[..], &["new.jpg"]].concat());
    assert!(error.contains("JPEG"), "{error}");
    done(folder, &[&transparent[..], &["new.webp"]].concat());
}

#[test]
fn prompts_come_from_stdin_and_pictures_go_to_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let output = run(folder, &["generate", "a face", "-o", "-"]);
    assert_eq!(
        image::guess_format(&output.stdout).expect("a picture"),
        ImageFormat::Png
    );
    assert!(names(folder).is_empty());
    refused(folder, &["generate", "a face", "-n", "2", "-o", "-"]);
    refused(folder, &["generate", "a face", "--json", "-o", "-"]);

    fs::write(folder.join("words.txt"), "a man\n\na woman\n").expect("written");
    let words = fs::File::open(folder.join("words.txt")).expect("a file");
    let read = command(folder, &["generate", "--prompts", "-", "-o", "faces"])
        .stdin(words)
        .output()
        .expect("it runs");
    assert!(read.status.success());
    assert_eq!(
        names(&folder.join("faces")),
        ["0000.png", "0001.png", "sheet.png"]
    );
}

#[test]
fn all_faces_are_written_when_stdout_is_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut child = command(folder, &["generate", "a face", "-n", "3", "-o", "faces"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
    assert_eq!(names(&folder.join("faces")).len(), 4);
}

#[test]
fn errors_state_their_cause_once_and_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir_all(folder.join("models/mine")).expect("a folder");
    fs::write(folder.join("models/mine/config.json"), "{}").expect("written");
    let error = refused(folder, &["generate", "a face", "--model", "nosuch"]);
    for word in ["nosuch", "portraits", "mine"] {
        assert!(error.contains(word), "{error}");
    }
    let error = refused(folder, &["generate", "--prompts", "nowhere.txt"]);
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
    fs::write(folder.join("file"), "").expect("written");
    let error = refused(
        folder,
        &["edit", "seed:1", "smiling", "-o", "file/face.png"],
    );
    assert_eq!(error.matches("os error").count(), 1, "{error}");
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert!(done(folder, &["completions", "bash"]).contains("interpolate"));
    assert!(done(folder, &["man"]).contains(".TH anyface 1"));
    done(folder, &["man", "-o", "man1"]);
    assert!(names(&folder.join("man1")).contains(&"anyface-generate.1".to_owned()));
}

#[test]
fn descriptions_match_the_attributes_of_rendered_faces() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    done(folder, &["portraits", "-n", "4", "-o", "drawn"]);
    let table = fs::read_to_string(folder.join("drawn/attributes.csv")).expect("a table");
    let mut lines = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for row in lines {
        let picture = format!("drawn/images/{}", row[0]);
        let report = done(folder, &["describe", &picture, "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        let text = report["description"].as_str().expect("a sentence");
        assert_eq!(done(folder, &["describe", &picture]), format!("{text}\n"));
        for (name, state) in header.iter().zip(&row).skip(1) {
            let confidence = report["attributes"][name].as_f64().expect(name);
            match *state {
                "1" => present.push(confidence),
                "0" => absent.push(confidence),
                _ => {}
            }
        }
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    assert!(
        mean(&present) - mean(&absent) > 0.5,
        "{present:?} {absent:?}"
    );
}
