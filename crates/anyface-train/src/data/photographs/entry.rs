//! What JSON and Parquet call the parts of a face.

use std::path::Path;

use anyface_portraits::Attributes;

use super::record::{Column, Part, Record};
use super::text::fault;
use crate::data::picture::Picture;
use crate::error::{Result, TrainError};

/// Fields that name the file of a picture.
pub(super) const FILE: &[&str] = &["file_name", "file", "filename", "image", "path"];
/// Fields that hold a caption or a list of them.
pub(super) const CAPTIONS: &[&str] = &["captions", "caption", "texts", "text"];
/// The field that names a part of the split.
pub(super) const PART: &str = "split";

/// Where in a file a face stands: `captions.json: entry 3`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    /// `line 3`, `entry 3`, `row 3` or a name.
    pub(super) entry: String,
}

impl Place<'_> {
    /// A fault at this place.
    pub(super) fn fault(&self, message: impl Into<String>) -> TrainError {
        fault(self.file, format!("{}: {}", self.entry, message.into()))
    }

    /// The picture of that name, in the folder of the file.
    pub(super) fn picture(&self, name: &str) -> Result<Picture> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let path = folder.join(name);
        match path.is_file() {
            true => Ok(Picture::File(path)),
            false => Err(self.fault(format!("`{name}` is not in {}", folder.display()))),
        }
    }

    /// The part of that name.
    pub(super) fn part(&self, name: &str) -> Result<Part> {
        match name {
            "train" | "training" => Ok(Part::Training),
            "val" | "valid" | "validation" => Ok(Part::Validation),
            "test" => Ok(Part::Test),
            _ => Err(self.fault(format!("`{name}` is no part: train, validation or test"))),
        }
    }

    /// Sets the attribute of that name.
    pub(super) fn set(
        &self,
        attributes: &mut Attributes,
        name: &str,
        state: Option<bool>,
    ) -> Result<()> {
        match Column::from_name(name) {
            Some(Column::Known(attribute)) => attributes.set(attribute, state),
            Some(Column::LeftOut) => (),
            None => return Err(self.fault(format!("`{name}` is no attribute"))),
        }
        Ok(())
    }

    /// The record, if there is anything to learn of the face.
    pub(super) fn check(&self, record: Record) -> Result<Record> {
        match record.captions.is_empty() && record.attributes == Attributes::UNKNOWN {
            true => Err(self.fault("has neither captions nor attributes")),
            false => Ok(record),
        }
    }
}

/// The state that a number stands for: yes 1, no 0 or -1.
pub(super) fn state_of(number: i64) -> Option<bool> {
    match number {
        1 => Some(true),
        0 | -1 => Some(false),
        _ => None,
    }
}
