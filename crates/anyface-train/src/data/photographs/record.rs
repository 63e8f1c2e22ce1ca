//! One face of a layout, as its labels have it.

use std::path::{Path, PathBuf};

use anyface_portraits::{Attribute, Attributes};

use super::text::at_line;
use crate::data::picture::Picture;
use crate::error::Result;

/// What a layout says of one face.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) picture: Picture,
    pub(super) attributes: Attributes,
    /// What people wrote of it.
    pub(super) captions: Vec<String>,
    /// Of captions that are not there, by CLIP's text tower.
    pub(super) features: Vec<Vec<f32>>,
    /// Who it is.
    pub(super) person: Option<String>,
    /// Where the layout's own split has it.
    pub(super) part: Option<Part>,
}

impl Record {
    /// A face of which nothing is known.
    pub(super) fn new(picture: Picture) -> Self {
        Self {
            picture,
            attributes: Attributes::UNKNOWN,
            captions: Vec::new(),
            features: Vec::new(),
            person: None,
            part: None,
        }
    }
}

/// A part of a layout's own split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Training,
    Validation,
    Test,
}

/// CelebA's attributes that the project does not have: what pleases, and what the camera did.
const LEFT_OUT: [&str; 2] = ["Attractive", "Blurry"];

/// What a column of a table of attributes holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Known(Attribute),
    /// Of CelebA, but of no use here.
    LeftOut,
}

impl Column {
    /// The column of that name, if it is an attribute's.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match Attribute::from_name(name) {
            Some(attribute) => Some(Self::Known(attribute)),
            None => LEFT_OUT.contains(&name).then_some(Self::LeftOut),
        }
    }
}

/// The state of an attribute: yes 1, no 0 or -1, unknown where nothing stands.
pub(super) fn state(value: &str) -> Option<Option<bool>> {
    match value {
        "1" => Some(Some(true)),
        "0" | "-1" => Some(Some(false)),
        "" => Some(None),
        _ => None,
    }
}

/// The file of that name in `folder`, which stands in `line` of `labels`.
///
/// # Errors
/// There is no such file.
pub(super) fn file_of(folder: &Path, name: &str, labels: &Path, line: usize) -> Result<PathBuf> {
    let path = folder.join(name);
    match path.is_file() {
        true => Ok(path),
        false => {
            let message = format!("`{name}` is not in {}", folder.display());
            Err(at_line(labels, line, message))
        }
    }
}
