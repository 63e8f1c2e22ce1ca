//! Advice for a folder given in place of a file.

use std::fs;
use std::path::Path;

/// Endings of weight files.
const ENDINGS: [&str; 11] = [
    "safetensors",
    "pt",
    "pth",
    "ckpt",
    "bin",
    "pkl",
    "npy",
    "npz",
    "onnx",
    "param",
    "index.json",
];

/// The most file names in the advice.
const MAX_NAMED: usize = 4;

/// Names the file in `folder` to use.
pub(crate) fn advice(folder: &Path) -> String {
    if folder.join("data.pkl").exists() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        return format!(
            "it is an unpacked torch file; pack it again with `zip -0 -r {name}.pt {name}` in its \
             parent folder"
        );
    }
    let mut files: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            ENDINGS
                .iter()
                .any(|ending| name.ends_with(&format!(".{ending}")))
        })
        .collect();
    files.sort_unstable();
    // An index stands for all files it lists.
    if let Some(index) = files.iter().find(|name| name.ends_with(".index.json")) {
        return format!("use {index} in it");
    }
    match files.as_slice() {
        [] => "it has no weight file".to_owned(),
        [file] => format!("use {file} in it"),
        _ => {
            let more = if files.len() > MAX_NAMED { ", …" } else { "" };
            files.truncate(MAX_NAMED);
            format!("use one of its files: {}{more}", files.join(", "))
        }
    }
}
