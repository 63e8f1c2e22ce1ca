//! CelebA-HQ with captions: Multi-Modal CelebA-HQ and CelebAText-HQ.
//!
//! | | Multi-Modal CelebA-HQ | CelebAText-HQ |
//! |---|---|---|
//! | pictures | `image/<n>.jpg` | `CelebAimg/<n>.jpg` |
//! | captions, one per line | `text/celeba-caption/<n>.txt` | `captions/<n>.txt` |
//! | training split | `train/filenames.pickle` | `data_flist/train.flist` |
//! | test split | `test/filenames.pickle` | `data_flist/test.flist` |
//! | attributes, if present | CelebAMask-HQ's or CelebA's table | the same |
//!
//! A pickle is a list of strings. An flist has one path per line.
//!
//! The output of `anyface portraits` has the layout of CelebAText-HQ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyface::checkpoint::read_strings;

use super::celeba::attributes_in;
use super::record::{Part, Record};
use super::text::{fault, first_of, lines, need, read_text};
use crate::data::images::{is_picture, pictures_in};
use crate::data::picture::Picture;
use crate::error::{Result, TrainError};

/// Paths of a data set, relative to its folder.
pub(super) struct Places {
    images: &'static [&'static str],
    captions: &'static [&'static str],
    training: &'static [&'static str],
    test: &'static [&'static str],
}

pub(super) const MULTI_MODAL_CELEBA_HQ: Places = Places {
    images: &["image", "images"],
    captions: &["text/celeba-caption", "celeba-caption", "text"],
    training: &["train/filenames.pickle", "train/filenames.pkl", "train.pkl"],
    test: &["test/filenames.pickle", "test/filenames.pkl", "test.pkl"],
};

pub(super) const CELEBA_TEXT_HQ: Places = Places {
    images: &["CelebAimg", "CelebA-HQ-img", "images"],
    captions: &["captions"],
    training: &["data_flist/train.flist"],
    test: &["data_flist/test.flist"],
};

/// The faces of the split. Without a split, all faces with captions. Other pictures are ignored.
pub(super) fn read(folder: &Path, places: &Places) -> Result<Vec<Record>> {
    let images = need(folder, places.images)?;
    let pictures = by_stem(pictures_in(&images)?)?;
    let captions = need(folder, places.captions)?;
    let attributes = attributes_in(folder)?;
    let attributes = attributes.map(|(table, faces)| {
        let faces = faces.into_iter();
        let faces = faces.map(|(file, face)| (stem(&file).to_owned(), face));
        (table, faces.collect::<HashMap<_, _>>())
    });
    let record = |named: Named| {
        let name = &named.name;
        let Some(picture) = pictures.get(name) else {
            let message = format!("`{name}` has no picture in {}", images.display());
            return Err(fault(&named.by, message));
        };
        let mut record = Record::new(Picture::File(picture.clone()));
        if let Some((table, faces)) = &attributes {
            let Some(face) = faces.get(name) else {
                let message = format!("`{name}` is not in {}", table.display());
                return Err(fault(&named.by, message));
            };
            record.attributes = *face;
        }
        record.captions = read_captions(&captions.join(format!("{name}.txt")))?;
        record.part = named.part;
        Ok(record)
    };
    let named = match split(folder, places)? {
        Some(named) => named,
        None => captioned(&captions)?,
    };
    named.into_iter().map(record).collect()
}

/// The captions of a file, one per line.
///
/// # Errors
/// The file cannot be read, is not UTF-8, or has no captions.
pub(super) fn read_captions(path: &Path) -> Result<Vec<String>> {
    let text = read_text(path)?;
    let captions: Vec<String> = lines(&text).map(|(_, line)| line.to_owned()).collect();
    match captions.is_empty() {
        true => Err(fault(path, "has no captions")),
        false => Ok(captions),
    }
}

/// The name of a face.
struct Named {
    name: String,
    /// The file that contains the name.
    by: PathBuf,
    part: Option<Part>,
}

/// Faces in the lists of the split, or `None` if there are no lists.
fn split(folder: &Path, places: &Places) -> Result<Option<Vec<Named>>> {
    if first_of(folder, places.training).is_none() && first_of(folder, places.test).is_none() {
        return Ok(None);
    }
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    for (names, part) in [(places.training, Part::Training), (places.test, Part::Test)] {
        let by = need(folder, names)?;
        for name in read_list(&by)? {
            if !known.insert(name.clone()) {
                return Err(fault(&by, format!("`{name}` is in the split twice")));
            }
            let (by, part) = (by.clone(), Some(part));
            all.push(Named { name, by, part });
        }
    }
    Ok(Some(all))
}

/// Names in a list: pickled strings, or one path per line.
fn read_list(path: &Path) -> Result<Vec<String>> {
    let names = match path.extension().is_some_and(|e| e == "flist") {
        true => {
            let text = read_text(path)?;
            lines(&text).map(|(_, line)| line.to_owned()).collect()
        }
        false => read_strings(path).map_err(anyface::Error::from)?,
    };
    Ok(names.iter().map(|name| stem(name).to_owned()).collect())
}

/// Faces with a caption file, sorted by name.
fn captioned(folder: &Path) -> Result<Vec<Named>> {
    let mut named = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(TrainError::io(folder))? {
        let by = entry.map_err(TrainError::io(folder))?.path();
        if by.extension().is_some_and(|e| e == "txt")
            && let Some(name) = by.file_stem().and_then(|stem| stem.to_str())
        {
            let (name, part) = (name.to_owned(), None);
            named.insert(name.clone(), Named { name, by, part });
        }
    }
    Ok(named.into_values().collect())
}

/// Pictures by name, without folder and extension.
fn by_stem(files: Vec<PathBuf>) -> Result<HashMap<String, PathBuf>> {
    let mut pictures: HashMap<String, PathBuf> = HashMap::new();
    for file in files {
        let name = stem(&file.to_string_lossy()).to_owned();
        if let Some(other) = pictures.insert(name, file.clone()) {
            let message = format!("has the same name as {}", other.display());
            return Err(fault(&file, message));
        }
    }
    Ok(pictures)
}

/// File name without folder and picture extension. A plain number is a name too.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match is_picture(Path::new(name)) {
        true => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
        false => name,
    }
}
