//! Tests with small data sets of every layout, valid and damaged.

use std::fs;
use std::path::Path;

use anyface::image::save_png;
use anyface_portraits::Attribute;
use image::RgbImage;

use super::*;

/// A folder with pictures. All pixels of `names[i]` have brightness `i`.
fn folder_of(images: &str, names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (i, name) in names.iter().enumerate() {
        let path = folder.path().join(images).join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let picture = RgbImage::from_pixel(4, 4, [i as u8; 3].into());
        save_png(&picture, &path).expect("written");
    }
    folder
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
}

fn config(path: &Path, layout: Layout) -> PhotographsConfig {
    PhotographsConfig {
        path: path.to_owned(),
        layout,
        size: 2,
        crop: None,
        background: None,
        cache: None,
        held_out: 2,
        seed: 1,
    }
}

fn open(path: &Path, layout: Layout) -> FaceSplit {
    Photographs::open(&config(path, layout), 100).expect("faces")
}

fn error(path: &Path, layout: Layout) -> String {
    let error = Photographs::open(&config(path, layout), 100);
    let message = error.err().expect("an error").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(
            message.contains(part),
            "`{message}` does not contain `{part}`"
        );
    }
}

/// Brightness of a face of [`folder_of`].
fn brightness(faces: &dyn Faces, index: usize) -> u8 {
    let images = faces.images(&[index], &Device::flex());
    (images.mean().into_scalar::<f32>() * 127.5 + 127.5).round() as u8
}

mod captioned;
mod celeba;
mod files;
#[cfg(feature = "parquet")]
mod parquet;
