//! What to say to someone who gives a folder.

use std::fs;
use std::path::Path;

/// Endings of files that hold weights.
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

/// The most files that are named.
const MAX_NAMED: usize = 4;

/// Which of its files to give.
pub(crate) fn advice(folder: &Path) -> String {
    if folder.join("data.pkl").exists() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        return format!(
            "it is an unpacked torch file; pack it again, `zip -0 -r {name}.pt {name}` beside it"
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
    // An index stands for all the files that it names.
    if let Some(index) = files.iter().find(|name| name.ends_with(".index.json")) {
        return format!("give {index} in it");
    }
    match files.as_slice() {
        [] => "there is no file of weights in it".to_owned(),
        [file] => format!("give {file} in it"),
        _ => {
            let more = if files.len() > MAX_NAMED { ", …" } else { "" };
            files.truncate(MAX_NAMED);
            format!("give one of its files: {}{more}", files.join(", "))
        }
    }
}
