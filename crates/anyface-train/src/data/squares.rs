//! Cropped and resized squares of pictures, cached in a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyface::checkpoint::{Checkpoint, StoredTensor};
use anyface::weights::save_tensors;
use bytes::Bytes;
use rayon::prelude::*;
use safetensors::Dtype;
use sha2::{Digest, Sha256};

use super::picture::{Cut, Cutter, Picture};
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// Pictures between two progress messages.
const CHUNK: usize = 256;

/// Crops and resizes pictures in parallel: RGB, `[R, R, 3]` each. Squares in the folder `cache` are
/// reused; missing ones are added to it.
///
/// # Errors
/// Names a picture that cannot be decoded or is smaller than the crop, or a cache that cannot be
/// read or written.
pub(super) fn read_squares(
    pictures: &[Picture],
    cut: Cut,
    cache: Option<&Path>,
) -> Result<Vec<Vec<u8>>> {
    let cutter = Cutter::new(cut);
    let make = |picture: &Picture| cutter.square(&picture.bytes()?, picture.name());
    match cache {
        None => pictures.par_iter().map(make).collect(),
        Some(folder) => {
            let mut cache = SquareCache::open(folder, cut)?;
            let squares = cache.read(pictures, &cutter)?;
            cache.save()?;
            Ok(squares)
        }
    }
}

/// Squares by the SHA-256 of the picture file, independent of its path. Each [`Cut`] has its own
/// safetensors file.
struct SquareCache {
    path: PathBuf,
    squares: BTreeMap<String, StoredTensor>,
    shape: Vec<usize>,
    changed: bool,
}

impl SquareCache {
    fn open(folder: &Path, cut: Cut) -> Result<Self> {
        let path = folder.join(file_name(cut));
        let squares = match path.exists() {
            true => {
                Checkpoint::open(&path)
                    .map_err(anyface::Error::from)?
                    .tensors
            }
            false => BTreeMap::new(),
        };
        let side = cut.size as usize;
        let shape = vec![side, side, 3];
        let is_square =
            |square: &StoredTensor| square.dtype() == Dtype::U8 && square.shape() == shape;
        if !squares.values().all(is_square) {
            return Err(TrainError::Damaged {
                path,
                message: format!("has entries that are not pictures of {side} pixels; delete it"),
            });
        }
        Ok(Self {
            path,
            squares,
            shape,
            changed: false,
        })
    }

    /// The squares of pictures. `cutter` makes the missing ones.
    fn read(&mut self, pictures: &[Picture], cutter: &Cutter) -> Result<Vec<Vec<u8>>> {
        let mut progress = Progress::new(0, pictures.len() as u64);
        let mut squares = Vec::with_capacity(pictures.len());
        for chunk in pictures.chunks(CHUNK) {
            let read = chunk.par_iter().map(|picture| {
                let file = picture.bytes()?;
                let key = format!("{:x}", Sha256::digest(&file));
                let (square, made) = match self.squares.get(&key) {
                    Some(square) => (square.data().into_owned(), None),
                    None => (cutter.square(&file, picture.name())?, Some(key)),
                };
                Ok((square, made))
            });
            let mut any_made = false;
            for (square, made) in read.collect::<Result<Vec<_>>>()? {
                any_made |= made.is_some();
                if let Some(key) = made {
                    self.add(key, &square);
                }
                squares.push(square);
            }
            if any_made {
                progress.show(squares.len() as u64, "pictures made");
            }
        }
        Ok(squares)
    }

    fn add(&mut self, key: String, square: &[u8]) {
        let bytes = Bytes::copy_from_slice(square);
        let square = StoredTensor::contiguous(Dtype::U8, self.shape.clone(), &bytes)
            .expect("the bytes match the shape");
        self.squares.insert(key, square);
        self.changed = true;
    }

    /// Writes the file atomically if squares were added.
    fn save(&self) -> Result<()> {
        if self.changed {
            let squares = self
                .squares
                .iter()
                .map(|(key, square)| (key.clone(), square));
            save_tensors(squares.collect(), &self.path).map_err(anyface::Error::from)?;
        }
        Ok(())
    }
}

/// Size, crop and background: `64-9-30-160-160-808080.safetensors`.
fn file_name(cut: Cut) -> String {
    let mut parts = vec![cut.size.to_string()];
    match cut.crop {
        Some(crop) => parts.extend(crop.map(|number| number.to_string())),
        None => parts.push("middle".to_owned()),
    }
    if let Some(color) = cut.background {
        parts.push(color.to_string().trim_start_matches('#').to_owned());
    }
    format!("{}.safetensors", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface::image::{Color, save_png};
    use image::RgbImage;

    const CUT: Cut = Cut {
        size: 2,
        crop: Some([1, 0, 2, 2]),
        background: None,
    };

    fn pictures(folder: &Path, names: &[&str]) -> Vec<Picture> {
        let named = names.iter().enumerate().map(|(i, name)| {
            let picture = RgbImage::from_fn(3, 2, |x, y| [i as u8, x as u8, y as u8].into());
            let path = folder.join(name);
            save_png(&picture, &path).expect("written");
            Picture::File(path)
        });
        named.collect()
    }

    #[test]
    fn cached_squares_are_reused() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        let pictures = pictures(folder.path(), &["a.png", "b.png", "c.png"]);
        let made = read_squares(&pictures, CUT, None).expect("squares");
        let first = read_squares(&pictures[..2], CUT, Some(&cache)).expect("squares");
        assert_eq!(first, made[..2]);
        let path = cache.join("2-1-0-2-2.safetensors");
        let kept = Checkpoint::open(&path).expect("a cache").tensors;
        assert_eq!(kept.len(), 2);

        // Cached squares take precedence over the pictures.
        let black = StoredTensor::contiguous(Dtype::U8, vec![2, 2, 3], &vec![0; 12].into());
        let black = black.expect("a square");
        let kept = kept.into_keys().map(|key| (key, &black)).collect();
        save_tensors(kept, &path).expect("written");
        let again = read_squares(&pictures, CUT, Some(&cache)).expect("squares");
        assert_eq!(again, [vec![0; 12], vec![0; 12], made[2].clone()]);
        let kept = Checkpoint::open(&path).expect("a cache").tensors;
        assert_eq!(kept.len(), 3);
    }

    #[test]
    fn each_cut_has_its_own_file() {
        assert_eq!(file_name(CUT), "2-1-0-2-2.safetensors");
        let cut = Cut {
            crop: None,
            background: Some(Color([128; 3])),
            ..CUT
        };
        assert_eq!(file_name(cut), "2-middle-808080.safetensors");
    }

    #[test]
    fn a_damaged_cache_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let pictures = pictures(folder.path(), &["a.png"]);
        let path = folder.path().join(file_name(CUT));
        let other = StoredTensor::from_f32(vec![1], &[0.0]);
        save_tensors(BTreeMap::from([("a".to_owned(), &other)]), &path).expect("written");
        let message = read_squares(&pictures, CUT, Some(folder.path()))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("2-1-0-2-2.safetensors") && message.contains("delete it"),
            "{message}"
        );
        std::fs::write(&path, "{").expect("written");
        let message = read_squares(&pictures, CUT, Some(folder.path()))
            .unwrap_err()
            .to_string();
        assert!(message.contains("2-1-0-2-2.safetensors"), "{message}");
    }
}
