//! Field names and values that JSON and Parquet share.

use std::path::Path;

use anyface_portraits::Attributes;

use super::record::{Column, Part, Record};
use super::text::fault;
use crate::data::picture::Picture;
use crate::error::{Result, TrainError};

/// Fields with the file name of a picture.
pub(super) const FILE: &[&str] = &["file_name", "file", "filename", "image", "path"];
/// Fields with a caption or a list of captions.
pub(super) const CAPTIONS: &[&str] = &["captions", "caption", "texts", "text"];
/// Field with the part of the split.
pub(super) const PART: &str = "split";

/// Position of a face in a file, for errors: `captions.json: entry 3`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    /// `line 3`, `entry 3`, `row 3` or a name.
    pub(super) entry: String,
}

impl Place<'_> {
    /// An error at this position.
    pub(super) fn fault(&self, message: impl Into<String>) -> TrainError {
        fault(self.file, format!("{}: {}", self.entry, message.into()))
    }

    /// The picture `name` in the folder of the file.
    pub(super) fn picture(&self, name: &str) -> Result<Picture> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let path = folder.join(name);
        match path.is_file() {
            true => Ok(Picture::File(path)),
            false => Err(self.fault(format!("`{name}` is not in {}", folder.display()))),
        }
    }

    /// The part of the split called `name`.
    pub(super) fn part(&self, name: &str) -> Result<Part> {
        match name {
            "train" | "training" => Ok(Part::Training),
            "val" | "valid" | "validation" => Ok(Part::Validation),
            "test" => Ok(Part::Test),
            _ => Err(self.fault(format!(
                "`{name}` is not a part of the split: train, validation or test"
            ))),
        }
    }

    /// Sets the attribute called `name`.
    pub(super) fn set(
        &self,
        attributes: &mut Attributes,
        name: &str,
        state: Option<bool>,
    ) -> Result<()> {
        match Column::from_name(name) {
            Some(Column::Known(attribute)) => attributes.set(attribute, state),
            Some(Column::LeftOut) => (),
            None => return Err(self.fault(format!("`{name}` is not an attribute"))),
        }
        Ok(())
    }

    /// Returns the record if it has captions or attributes.
    pub(super) fn check(&self, record: Record) -> Result<Record> {
        match record.captions.is_empty() && record.attributes == Attributes::UNKNOWN {
            true => Err(self.fault("has neither captions nor attributes")),
            false => Ok(record),
        }
    }
}

/// Attribute value of a number: 1 is true, 0 and -1 are false.
pub(super) fn state_of(number: i64) -> Option<bool> {
    match number {
        1 => Some(true),
        0 | -1 => Some(false),
        _ => None,
    }
}
