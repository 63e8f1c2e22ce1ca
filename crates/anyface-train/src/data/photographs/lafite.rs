//! LAFITE archives: pictures, and `dataset.json` with CLIP features in place of captions.
//!
//! ```text
//! {"clip_txt_features": [["00000/img00000000.png", [[0.1, …], …]], …],
//!  "clip_img_features": …, "labels": …}
//! ```
//! Picture features and `labels`, which are class numbers, are ignored. Written by [LAFITE's
//! `dataset_tool.py`](https://github.com/drboog/Lafite).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use zip::{CompressionMethod, ZipArchive};

use super::record::Record;
use super::text::{at_line, fault};
use crate::data::picture::Picture;
use crate::error::{Result, TrainError};

const METADATA: &str = "dataset.json";

/// Maximum size in bytes of a picture that is compressed in the archive.
const MAX_PICTURE: u64 = anyface::image::MAX_FILE;

#[derive(Deserialize)]
struct Metadata {
    clip_txt_features: Vec<(String, Features)>,
}

/// Features of one caption or of several captions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Features {
    Many(Vec<Vec<f32>>),
    One(Vec<f32>),
}

impl Features {
    fn into_list(self) -> Vec<Vec<f32>> {
        match self {
            Self::Many(list) => list,
            Self::One(features) => vec![features],
        }
    }
}

/// The pictures of the archive that have features, in the order of the features.
pub(super) fn read(path: &Path) -> Result<Vec<Record>> {
    let damaged = |error: zip::result::ZipError| fault(path, error.to_string());
    let file = File::open(path).map_err(TrainError::io(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let listed = read_metadata(path, &mut archive)?;
    let mut pictures = read_pictures(path, &mut archive)?;
    let metadata = path.join(METADATA);
    let mut length = None;
    let record = |(name, features): (String, Features)| {
        let features = features.into_list();
        let Some(picture) = pictures.remove(&name) else {
            let message = format!("`{name}` is not in the archive or is listed twice");
            return Err(fault(&metadata, message));
        };
        if features.is_empty() {
            return Err(fault(&metadata, format!("`{name}` has no features")));
        }
        for one in &features {
            let expected = *length.get_or_insert(one.len());
            if one.len() != expected || expected == 0 {
                let message = format!("`{name}` has {} features, not {expected}", one.len());
                return Err(fault(&metadata, message));
            }
        }
        Ok(Record {
            features,
            ..Record::new(picture)
        })
    };
    listed.into_iter().map(record).collect()
}

type Archive = ZipArchive<BufReader<File>>;

fn read_metadata(path: &Path, archive: &mut Archive) -> Result<Vec<(String, Features)>> {
    let member = archive
        .by_name(METADATA)
        .map_err(|error| fault(path, format!("`{METADATA}`: {error}")))?;
    let metadata: Metadata = serde_json::from_reader(BufReader::new(member))
        .map_err(|error| at_line(&path.join(METADATA), error.line().max(1), error.to_string()))?;
    Ok(metadata.clip_txt_features)
}

/// All members but the metadata, by name. Uncompressed members are byte ranges of the archive,
/// others are unpacked.
fn read_pictures(path: &Path, archive: &mut Archive) -> Result<HashMap<String, Picture>> {
    let damaged = |error: zip::result::ZipError| fault(path, error.to_string());
    let mut pictures = HashMap::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(damaged)?;
        let name = member.name().map_err(damaged)?.into_owned();
        if member.is_dir() || name == METADATA {
            continue;
        }
        let inside = path.join(&name);
        let picture = match (member.compression(), member.data_start()) {
            (CompressionMethod::Stored, Some(start)) => Picture::Part {
                name: inside,
                file: path.to_owned(),
                start,
                length: member.size(),
            },
            _ => {
                let mut bytes = Vec::new();
                let limit = MAX_PICTURE + 1;
                let read = member.take(limit).read_to_end(&mut bytes);
                read.map_err(TrainError::io(&inside))?;
                Picture::Bytes {
                    name: inside,
                    bytes,
                }
            }
        };
        pictures.insert(name, picture);
    }
    Ok(pictures)
}
