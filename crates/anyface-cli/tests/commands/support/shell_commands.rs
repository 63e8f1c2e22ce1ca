//! Reads the commands in the documents.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text of a document.
pub(crate) fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).expect("a document")
}

/// The commands in the shell blocks of a document, each as words from the name of the program on.
pub(crate) fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for block in text.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.replace("\\\n", " ").lines() {
            for part in line.split("&&") {
                let words = shlex::split(part.trim_end_matches([' ', '&'])).unwrap_or_default();
                let start = words.iter().position(|word| !is_prefix(word));
                commands.extend(start.map(|start| words[start..].to_vec()));
            }
        }
    }
    commands
}

/// Whether a word may precede the program: a variable, or part of a time measurement.
fn is_prefix(word: &str) -> bool {
    let is_variable = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    });
    is_variable || ["time", "/usr/bin/time", "-v"].contains(&word)
}

/// The arguments of `anyface`, if the command runs it.
pub(crate) fn arguments(command: &[String]) -> Option<&[String]> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    match &words[..] {
        ["anyface" | "target/release/anyface", ..] => Some(&command[1..]),
        ["cargo", "run", "--release", "--", ..] => Some(&command[4..]),
        _ => None,
    }
}
