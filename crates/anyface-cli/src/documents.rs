//! Tests of the documents: the commands that they show parse, and the files and weights that they
//! name exist.

#![cfg(feature = "train")]

use std::fs;
use std::path::{Path, PathBuf};

use anyface::hub::Model;
use anyface::recipe::Recipe;
use clap::Parser;
use clap::error::ErrorKind;

#[path = "../tests/commands/support/shell_commands.rs"]
mod shell_commands;

use self::shell_commands::{arguments, commands, read, root};
use crate::Cli;

/// Folders of the repository. A path in one of them must exist.
const FOLDERS: [&str; 7] = [
    "configs/",
    "crates/",
    "docs/",
    "examples/",
    "fuzz/",
    "models/",
    "tools/",
];

/// All handwritten documents, as paths relative to the root.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"]
        .map(PathBuf::from)
        .to_vec();
    for entry in fs::read_dir(root().join("docs")).expect("the documents") {
        let name = PathBuf::from(entry.expect("a file").file_name());
        if name.extension().is_some_and(|e| e == "md") {
            found.push(Path::new("docs").join(name));
        }
    }
    for folder in ["models", "crates"] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("a folder").file_name();
            let readme = Path::new(folder).join(name).join("README.md");
            if root().join(&readme).exists() {
                found.push(readme);
            }
        }
    }
    found.sort();
    found
}

/// The parse error of the arguments, if any. Requests for help or the version are not errors.
fn refusal(arguments: &[String]) -> Option<clap::Error> {
    let words = std::iter::once("anyface").chain(arguments.iter().map(String::as_str));
    Cli::try_parse_from(words).err().filter(|error| {
        !matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        )
    })
}

fn check_files(document: &Path, words: &[String]) {
    for word in words {
        let file = word.split('=').next_back().unwrap_or(word);
        let is_here = FOLDERS.iter().any(|folder| file.starts_with(folder));
        if is_here || file.ends_with(".toml") {
            let path = root().join(file);
            assert!(path.exists(), "{}: no {file}", document.display());
        }
    }
    let value = |option: &str| {
        let place = words.iter().position(|word| word == option)?;
        words.get(place + 1)
    };
    if let (Some(package), Some(example)) = (value("-p"), value("--example")) {
        let path = root().join(format!("crates/{package}/examples/{example}.rs"));
        assert!(path.exists(), "{}: no {example}", document.display());
    }
}

fn check_weights(document: &Path, arguments: &[String]) {
    if let [pull, name, ..] = arguments
        && pull == "pull"
    {
        let is_known =
            Model::all().any(|model| model.name == *name) || Recipe::named(name).is_some();
        assert!(is_known, "{}: no weights {name}", document.display());
    }
}

#[test]
fn every_command_of_a_shell_block_parses() {
    let mut checked = 0;
    for document in documents() {
        for command in commands(&read(&document)) {
            check_files(&document, &command);
            let Some(arguments) = arguments(&command) else {
                continue;
            };
            checked += 1;
            check_weights(&document, arguments);
            if let Some(error) = refusal(arguments) {
                panic!("{}: {command:?}: {error}", document.display());
            }
        }
    }
    assert!(checked > 20, "found only {checked} commands");
}

/// A mention may omit arguments. A mention with a placeholder (`DIR`, `…`) is skipped.
#[test]
fn every_command_in_a_sentence_parses() {
    for document in documents() {
        let text = read(&document);
        let prose: String = text.split("```").step_by(2).collect();
        for mention in prose.split('`').skip(1).step_by(2) {
            let words = shlex::split(mention).unwrap_or_default();
            let Some(arguments) = arguments(&words) else {
                continue;
            };
            let is_placeholder = |word: &String| {
                let letters = word.trim_matches(|c: char| !c.is_alphabetic());
                word.contains('…') || (letters.len() > 1 && !letters.contains(char::is_lowercase))
            };
            if words.iter().any(is_placeholder) {
                continue;
            }
            check_files(&document, arguments);
            check_weights(&document, arguments);
            if let Some(error) = refusal(arguments) {
                let leaves_out = matches!(
                    error.kind(),
                    ErrorKind::MissingRequiredArgument
                        | ErrorKind::MissingSubcommand
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                );
                assert!(leaves_out, "{}: `{mention}`: {error}", document.display());
            }
        }
    }
}

#[test]
fn every_linked_file_exists() {
    for document in documents() {
        let text = read(&document);
        let folder = root().join(&document);
        let folder = folder.parent().expect("a folder");
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#', ' ']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") {
                let path = folder.join(link);
                assert!(path.exists(), "{}: no {link}", document.display());
            }
        }
    }
}
