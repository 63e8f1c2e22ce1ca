//! Faces from a folder of real pictures.

use std::path::{Path, PathBuf};

use anyface::image::read_picture;
use anyface::photograph::{Detector, Photograph};
use image::RgbImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::{images, picture};
use crate::error::{Result, TrainError};

/// How a face is cropped from a picture.
#[derive(Debug)]
pub enum Framing {
    /// The detector finds the face, which is aligned as in FFHQ. Pictures without a face are
    /// skipped.
    Detected(Box<Detector>),
    /// A fixed crop: left, top, width and height in pixels.
    Cropped([u32; 4]),
    /// The largest centred square.
    Aligned,
}

/// Faces of the pictures in a folder and its subfolders, as squares of one size in random order.
#[derive(Debug)]
pub struct FolderFaces {
    files: std::vec::IntoIter<PathBuf>,
    framing: Framing,
    side: u32,
    /// Number of pictures skipped so far because they have no face.
    pub left_out: usize,
}

impl FolderFaces {
    /// Lists the pictures. `seed` determines their order.
    ///
    /// # Errors
    /// Names the folder that cannot be read or has no pictures.
    pub fn open(folder: &Path, framing: Framing, side: u32, seed: u64) -> Result<Self> {
        let mut files = images::pictures_in(folder)?;
        files.sort();
        files.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        Ok(Self {
            files: files.into_iter(),
            framing,
            side,
            left_out: 0,
        })
    }

    fn face(&self, path: &Path) -> Result<RgbImage> {
        let mut picture = read_picture(path)?;
        if let Framing::Cropped(crop) = self.framing {
            picture = picture::crop(&picture, crop, path)?;
        }
        let detector = match &self.framing {
            Framing::Detected(detector) => Some(detector.as_ref()),
            _ => None,
        };
        let name = path.display().to_string();
        Ok(Photograph::new(picture, &name, detector, 0, self.side)?.face)
    }
}

impl Iterator for FolderFaces {
    type Item = Result<RgbImage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let path = self.files.next()?;
            match self.face(&path) {
                Err(TrainError::Library(anyface::Error::NoFace { .. })) => self.left_out += 1,
                face => return Some(face),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface::image::save_png;

    /// Pictures of 40×32 pixels with a white right half. The left half has a different shade in
    /// each.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for i in 0..6 {
            let shade = |x| if x < 20 { [i * 10; 3] } else { [255; 3] };
            let picture = RgbImage::from_fn(40, 32, |x, _| shade(x).into());
            let path = folder.path().join(format!("{i}.png"));
            save_png(&picture, &path).expect("written");
        }
        folder
    }

    fn shades(folder: &Path, crop: [u32; 4], seed: u64) -> Vec<u8> {
        let faces = FolderFaces::open(folder, Framing::Cropped(crop), 16, seed).expect("faces");
        let faces = faces.map(|face| face.expect("a face"));
        faces.map(|face| face.get_pixel(8, 8).0[0]).collect()
    }

    #[test]
    fn every_picture_occurs_once_and_the_seed_gives_the_order() {
        let folder = folder();
        let left = [0, 0, 20, 20];
        let mut found = shades(folder.path(), left, 1);
        assert_eq!(found, shades(folder.path(), left, 1));
        assert!((2..9).any(|seed| shades(folder.path(), left, seed) != found));
        found.sort_unstable();
        assert_eq!(found, [0, 10, 20, 30, 40, 50]);
        assert_eq!(shades(folder.path(), [20, 0, 20, 20], 1), [255; 6]);
    }

    #[test]
    fn errors_name_the_cause() {
        let folder = folder();
        let open = |folder: &Path, framing| FolderFaces::open(folder, framing, 16, 0);
        let error = open(&folder.path().join("none"), Framing::Aligned).expect_err("no folder");
        assert!(error.to_string().contains("none"), "{error}");
        let mut faces = open(folder.path(), Framing::Cropped([0, 0, 20, 33])).expect("faces");
        let error = faces.next().expect("a picture").expect_err("too small");
        assert!(error.to_string().contains("is 40×32"), "{error}");
    }
}
