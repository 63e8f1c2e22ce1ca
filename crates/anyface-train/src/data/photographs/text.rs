//! Reads text files and makes errors that name the line.

use std::path::{Path, PathBuf};

use crate::error::{Result, TrainError};

/// An error about a file of labels, on one line.
pub(super) fn fault(path: &Path, message: impl Into<String>) -> TrainError {
    TrainError::Damaged {
        path: path.to_owned(),
        message: message.into().replace(['\n', '\r'], " "),
    }
}

/// An error about line `line`, counted from 1.
pub(super) fn at_line(path: &Path, line: usize, message: impl Into<String>) -> TrainError {
    fault(path, format!("line {line}: {}", message.into()))
}

/// The text of a file without byte order mark.
///
/// # Errors
/// The file cannot be read, or a line is not UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
        at_line(path, line, "is not UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Trimmed lines that are not empty, with their numbers from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).zip(1..);
    lines.filter_map(|(line, number)| (!line.is_empty()).then_some((number, line)))
}

/// The first of `names` that exists in `folder`.
pub(super) fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let mut paths = names.iter().map(|name| folder.join(name));
    paths.find(|path| path.exists())
}

/// [`first_of`], with an error that lists `names` if none exists.
pub(super) fn need(folder: &Path, names: &[&str]) -> Result<PathBuf> {
    first_of(folder, names).ok_or_else(|| {
        let message = match names {
            [name] => format!("has no `{name}`"),
            _ => format!("has none of `{}`", names.join("`, `")),
        };
        fault(folder, message)
    })
}
