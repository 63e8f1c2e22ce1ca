//! Tests of JSON files and archives.

use std::fs::File;
use std::io::Write;

use proptest::prelude::*;
use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const FILES: &[&str] = &["a.png", "b.png", "c.png"];

#[test]
fn json_maps_lists_and_lines_give_the_same_faces() {
    let folder = folder_of("", FILES);
    let attributes = json!({"Male": 1, "Blurry": 0, "Young": false, "Bald": null});
    let face = json!({"file": "b.png", "captions": ["A man.", "A boy."], "split": "train", "attributes": attributes, "id": 7});
    let other = json!({"file_name": "c.png", "text": "A girl.", "split": "test"});
    write(folder.path(), "list.json", json!([face, other]).to_string());
    write(folder.path(), "lines.jsonl", format!("{face}\n\n{other}\n"));
    let map = json!({"b.png": ["A man.", "A boy."], "c.png": "A girl."});
    write(folder.path(), "map.json", map.to_string());
    for name in ["list.json", "lines.jsonl", "map.json"] {
        let split = open(&folder.path().join(name), Layout::Json);
        assert_eq!(
            (split.training.len(), split.held_out.len()),
            (1, 1),
            "{name}"
        );
        assert_eq!(split.training.caption(0, 1).text, "A boy.");
        assert_eq!(split.held_out.caption(0, 0).text, "A girl.");
        assert_eq!(brightness(&*split.held_out, 0), 2);
        let known = name != "map.json";
        let face = split.training.attributes(0);
        assert_eq!(face.get(Attribute::Male), known.then_some(true));
        assert_eq!(face.get(Attribute::Young), known.then_some(false));
        assert_eq!(face.get(Attribute::Bald), None);
    }
}

#[test]
fn json_errors_name_the_entry() {
    let folder = folder_of("", FILES);
    let with = |name: &str, text: &str| {
        write(folder.path(), name, text);
        let message = error(&folder.path().join(name), Layout::Json);
        assert_says(&message, &[name]);
        message
    };
    assert_says(&with("x.json", "{\n\"a.png\": }"), &["line 2"]);
    assert_says(
        &with("x.json", r#"{"d.png": "A man."}"#),
        &["`d.png` is not in"],
    );
    assert_says(
        &with("x.json", r#"{"a.png": [1]}"#),
        &["`a.png` is neither a string"],
    );
    assert_says(
        &with("x.json", r#"{"a.png": []}"#),
        &["neither captions nor attributes"],
    );
    assert_says(
        &with("x.json", r#"[{"text": "A man."}]"#),
        &["entry 1", "has none of `file_name`"],
    );
    let line = r#"{"file": "a.png", "text": "A man.", "split": "most"}"#;
    assert_says(
        &with("x.jsonl", &format!("\n{line}")),
        &["line 2", "`most` is not a part"],
    );
    let line = r#"{"file": "a.png", "attributes": {"Male": 3}}"#;
    assert_says(&with("x.jsonl", line), &["line 1", "`Male`: 3"]);
    let line = r#"{"file": "a.png", "attributes": {"Mail": 1}}"#;
    assert_says(
        &with("x.jsonl", line),
        &["line 1", "`Mail` is not an attribute"],
    );
}

fn archive(folder: &Path, metadata: &str) -> std::path::PathBuf {
    let path = folder.join("faces.zip");
    let mut writer = ZipWriter::new(File::create(&path).expect("a file"));
    for (name, method) in [
        ("a.png", zip::CompressionMethod::Stored),
        ("b.png", zip::CompressionMethod::Deflated),
    ] {
        let options = SimpleFileOptions::default().compression_method(method);
        writer
            .start_file(format!("00000/{name}"), options)
            .expect("a member");
        let png = fs::read(folder.join(name)).expect("a picture");
        writer.write_all(&png).expect("written");
    }
    writer
        .start_file("dataset.json", SimpleFileOptions::default())
        .expect("a member");
    writer.write_all(metadata.as_bytes()).expect("written");
    writer.finish().expect("an archive");
    path
}

#[test]
fn archives_have_pictures_and_features() {
    let folder = folder_of("", FILES);
    let features = json!([
        ["00000/b.png", [[1.0, 2.0], [3.0, 4.0]]],
        ["00000/a.png", [5.0, 6.0]]
    ]);
    let metadata = json!({"clip_txt_features": features, "clip_img_features": [], "labels": null});
    let split = open(
        &archive(folder.path(), &metadata.to_string()),
        Layout::Lafite,
    );
    assert_eq!(split.training.features(0), [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(split.held_out.features(0), [[5.0, 6.0]]);
    assert_eq!(brightness(&*split.training, 0), 1);
    assert_eq!(brightness(&*split.held_out, 0), 0);
    assert_eq!(split.training.captions(0), 0);
}

#[test]
fn archive_errors_name_the_member() {
    let folder = folder_of("", FILES);
    let with = |features: &str| {
        let metadata = format!("{{\"clip_txt_features\":\n{features}}}");
        error(&archive(folder.path(), &metadata), Layout::Lafite)
    };
    assert_says(
        &with(r#"[["c.png", [[1.0]]]]"#),
        &["faces.zip/dataset.json", "`c.png` is not in"],
    );
    assert_says(&with("[1]"), &["faces.zip/dataset.json: line 2"]);
    let features = r#"[["00000/a.png", [[1.0]]], ["00000/b.png", [[1.0, 2.0]]]]"#;
    assert_says(&with(features), &["`00000/b.png` has 2 features, not 1"]);
    write(folder.path(), "faces.zip", "not an archive");
    assert_says(
        &error(&folder.path().join("faces.zip"), Layout::Lafite),
        &["faces.zip"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any file content gives faces or an error of one line.
    #[test]
    fn no_bytes_panic(bytes in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..120),
        "[a-c,.01 \n\\-\"{}\\[\\]:]{0,120}".prop_map(String::into_bytes),
    ]) {
        let folder = folder_of("image", &["a.png"]);
        for (name, layout) in [
            ("attributes.csv", Layout::Celeba),
            ("x.json", Layout::Json),
            ("x.jsonl", Layout::Json),
            ("x.parquet", Layout::Parquet),
            ("x.zip", Layout::Lafite),
        ] {
            write(folder.path(), name, &bytes);
            let path = match layout {
                Layout::Celeba => folder.path().to_owned(),
                _ => folder.path().join(name),
            };
            if let Err(error) = Photographs::open(&config(&path, layout), 100) {
                prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
            }
        }
    }
}
