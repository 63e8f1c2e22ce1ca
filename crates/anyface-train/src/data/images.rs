//! Pictures of a folder, decoded in memory.

use std::path::{Path, PathBuf};

use anyface::image::Color;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Deserialize;

use super::picture::{Cut, Picture};
use super::squares::read_squares;
use crate::bounds;
use crate::error::{Result, TrainError};

/// The `[images]` table: training pictures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesConfig {
    /// Folders of pictures, read recursively.
    pub folders: Vec<PathBuf>,
    /// Side in pixels, R.
    #[serde(deserialize_with = "bounds::side")]
    pub size: u32,
    /// Crop of every picture: left, top, width and height in pixels. Default: the largest centred
    /// square.
    pub crop: Option<[u32; 4]>,
    /// Colour that replaces the background, `#RRGGBB`. The built-in segmentation mask finds the
    /// person. Without it, backgrounds are kept.
    pub background: Option<Color>,
    /// Folder that caches the cropped and resized pictures for later runs.
    pub cache: Option<PathBuf>,
    /// Every `held_out`-th picture is for evaluation only. Left out if another table defines the
    /// split.
    pub held_out: Option<usize>,
}

/// Pictures of one resolution.
pub struct ImageSet {
    /// RGB, `[R, R, 3]` each.
    pixels: Vec<Vec<u8>>,
    size: usize,
}

impl ImageSet {
    /// Reads all pictures in parallel, sorted by name. Returns the training and the held-out set.
    /// The held-out set may be empty.
    ///
    /// # Errors
    /// Names a folder that cannot be read or has no pictures, or a file that is not a picture or is
    /// smaller than the crop.
    pub fn open(config: &ImagesConfig) -> Result<(Self, Self)> {
        let mut files = Vec::new();
        for folder in &config.folders {
            files.extend(pictures_in(folder)?);
        }
        files.sort();
        let (mut training, mut held_out) = (Vec::new(), Vec::new());
        for (i, file) in files.into_iter().enumerate() {
            match config.held_out {
                Some(every) if (i + 1).is_multiple_of(every) => held_out.push(Picture::File(file)),
                _ => training.push(Picture::File(file)),
            }
        }
        let cut = Cut {
            size: config.size,
            crop: config.crop,
            background: config.background,
        };
        let read = |pictures: &[Picture]| Self::read(pictures, cut, config.cache.as_deref());
        Ok((read(&training)?, read(&held_out)?))
    }

    /// Decodes pictures in parallel. Pictures in the folder `cache` are not decoded again.
    ///
    /// # Errors
    /// Names a picture that cannot be decoded or is smaller than the crop, or a cache that cannot
    /// be read or written.
    pub(super) fn read(pictures: &[Picture], cut: Cut, cache: Option<&Path>) -> Result<Self> {
        Ok(Self {
            pixels: read_squares(pictures, cut, cache)?,
            size: cut.size as usize,
        })
    }

    /// Joins two sets of the same resolution.
    pub(crate) fn joined(mut self, other: Self) -> Self {
        assert_eq!(self.size, other.size, "both sets have the same resolution");
        self.pixels.extend(other.pixels);
        self
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.pixels.len()
    }

    /// Whether there are no pictures.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Side of the pictures in pixels, R.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Pictures in [−1, 1]: `[N, 3, R, R]`.
    pub fn images(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        let pictures = indices.iter().map(|&i| self.pixels[i].as_slice());
        tensor(pictures, self.size, device)
    }
}

/// RGB pictures `[R, R, 3]` as a tensor in [−1, 1]: `[N, 3, R, R]`.
pub(super) fn tensor<'a>(
    pictures: impl ExactSizeIterator<Item = &'a [u8]>,
    size: usize,
    device: &Device,
) -> Tensor<4> {
    let pictures: Vec<&[u8]> = pictures.collect();
    let pixels = size * size;
    let mut values = vec![0.0f32; pictures.len() * 3 * pixels];
    values
        .par_chunks_mut(pixels)
        .enumerate()
        .for_each(|(place, plane)| {
            let channel = pictures[place / 3].iter().skip(place % 3).step_by(3);
            for (value, &level) in plane.iter_mut().zip(channel) {
                *value = f32::from(level) / 127.5 - 1.0;
            }
        });
    let shape = [pictures.len(), 3, size, size];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Flips each of `images [N, 3, R, R]` horizontally with probability ½.
pub(crate) fn flip(images: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let [n, ..] = images.dims();
    let keep: Vec<f32> = (0..n)
        .map(|_| f32::from(u8::from(rng.random_bool(0.5))))
        .collect();
    let keep = Tensor::from_data(TensorData::new(keep, [n, 1, 1, 1]), &images.device());
    let flipped = images.clone().flip([3]);
    flipped.clone() + (images - flipped) * keep
}

/// Whether the file extension is that of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| {
        ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]
            .contains(&e.to_ascii_lowercase().as_str())
    })
}

/// The pictures in a folder and its subfolders, unsorted.
///
/// # Errors
/// The folder cannot be read or has no pictures.
pub(crate) fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    match files.is_empty() {
        false => Ok(files),
        true => Err(TrainError::Damaged {
            path: folder.to_owned(),
            message: "has no pictures".to_owned(),
        }),
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(TrainError::io(folder))? {
        let path = entry.map_err(TrainError::io(folder))?.path();
        match path.is_dir() {
            true => list(&path, files)?,
            false if is_picture(&path) => files.push(path),
            false => (),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface::image::save_png;
    use image::RgbImage;
    use rand::SeedableRng;

    fn config(folder: &Path) -> ImagesConfig {
        ImagesConfig {
            folders: vec![folder.to_owned()],
            size: 2,
            crop: Some([1, 0, 2, 2]),
            background: None,
            cache: None,
            held_out: Some(3),
        }
    }

    #[test]
    fn pictures_are_cropped_and_split() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("more")).expect("a folder");
        for (i, name) in ["a.png", "b.png", "more/c.png", "more/d.png"]
            .iter()
            .enumerate()
        {
            let picture = RgbImage::from_fn(3, 2, |x, _| [i as u8, x as u8, 255].into());
            save_png(&picture, &folder.path().join(name)).expect("written");
        }
        std::fs::write(folder.path().join("notes.txt"), "not a picture").expect("written");
        let (training, held_out) = ImageSet::open(&config(folder.path())).expect("a set");
        assert_eq!((training.len(), held_out.len()), (3, 1));
        assert_eq!(
            held_out.pixels[0],
            [2, 1, 255, 2, 2, 255, 2, 1, 255, 2, 2, 255]
        );
        let images = training.images(&[2], &Device::flex());
        assert_eq!(images.dims(), [1, 3, 2, 2]);
        let green = images.slice([0..1, 1..2, 0..1, 1..2]).into_scalar::<f32>();
        assert_eq!(green, 2.0 / 127.5 - 1.0);
        let all = ImagesConfig {
            held_out: None,
            ..config(folder.path())
        };
        let (all, none) = ImageSet::open(&all).expect("a set");
        assert_eq!((all.len(), none.len()), (4, 0));
        assert_eq!(all.joined(training).len(), 7);
    }

    #[test]
    fn errors_name_the_cause() {
        let folder = tempfile::tempdir().expect("a folder");
        let error =
            |config: &ImagesConfig| ImageSet::open(config).err().expect("an error").to_string();
        assert!(error(&config(folder.path())).contains("no pictures"));
        save_png(&RgbImage::new(2, 2), &folder.path().join("small.png")).expect("written");
        let message = error(&config(folder.path()));
        assert!(
            message.contains("small.png") && message.contains("2×2"),
            "{message}"
        );
    }

    fn images() -> Tensor<4> {
        let values: Vec<f32> = (0..6 * 3 * 64)
            .map(|i| (i % 29) as f32 / 15.0 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, [6, 3, 8, 8]), &Device::flex())
    }

    #[test]
    fn each_image_is_flipped_or_unchanged() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let (before, turned) = (images(), images().flip([3]));
        let after = flip(before.clone(), rng);
        let mut flips = 0;
        for i in 0..6 {
            let [after, before, turned] = [&after, &before, &turned].map(|x| {
                x.clone()
                    .narrow(0, i, 1)
                    .into_data()
                    .iter::<f32>()
                    .collect::<Vec<_>>()
            });
            let near = |other: &[f32]| after.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(near(&before) || near(&turned));
            flips += usize::from(near(&turned));
        }
        assert!((1..6).contains(&flips), "{flips} of 6");
    }
}
