//! One face and its labels.

use std::path::{Path, PathBuf};

use anyface_portraits::{Attribute, Attributes};

use super::text::at_line;
use crate::data::picture::Picture;
use crate::error::Result;

/// The labels that a layout has for one face.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) picture: Picture,
    pub(super) attributes: Attributes,
    /// Captions written by people.
    pub(super) captions: Vec<String>,
    /// Features of captions by CLIP's text tower, for layouts without caption texts.
    pub(super) features: Vec<Vec<f32>>,
    /// Identity of the person.
    pub(super) person: Option<String>,
    /// Part of the layout's own split.
    pub(super) part: Option<Part>,
}

impl Record {
    /// A face without labels.
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

/// A part of the layout's own split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Training,
    Validation,
    Test,
}

/// CelebA attributes that this project does not use: a judgement, and a property of the photograph.
const LEFT_OUT: [&str; 2] = ["Attractive", "Blurry"];

/// Content of a column in a table of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Known(Attribute),
    /// An attribute of CelebA that is not used.
    LeftOut,
}

impl Column {
    /// The column called `name`, if it is an attribute of CelebA or of this project.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match Attribute::from_name(name) {
            Some(attribute) => Some(Self::Known(attribute)),
            None => LEFT_OUT.contains(&name).then_some(Self::LeftOut),
        }
    }
}

/// Value of an attribute: 1 is true, 0 and -1 are false, an empty field is unknown.
pub(super) fn state(value: &str) -> Option<Option<bool>> {
    match value {
        "1" => Some(Some(true)),
        "0" | "-1" => Some(Some(false)),
        "" => Some(None),
        _ => None,
    }
}

/// The file `name` in `folder`, referenced in `line` of `labels`.
///
/// # Errors
/// The file does not exist.
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
