//! Pictures with a caption file each: `face.jpg` and `face.txt`, one caption per line.

use std::path::Path;

use super::captioned::read_captions;
use super::record::Record;
use super::text::fault;
use crate::data::images::pictures_in;
use crate::data::picture::Picture;
use crate::error::Result;

/// All pictures in `folder` and its subfolders, sorted by path.
pub(super) fn read(folder: &Path) -> Result<Vec<Record>> {
    let mut pictures = pictures_in(folder)?;
    pictures.sort();
    let record = |picture: std::path::PathBuf| {
        let captions = picture.with_extension("txt");
        if !captions.is_file() {
            let message = format!("has no captions; {} is missing", captions.display());
            return Err(fault(&picture, message));
        }
        Ok(Record {
            captions: read_captions(&captions)?,
            ..Record::new(Picture::File(picture))
        })
    };
    pictures.into_iter().map(record).collect()
}
