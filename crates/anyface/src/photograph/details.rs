//! Transfer of an edit to a picture that keeps the details a generator cannot draw.

use image::{GrayImage, Luma, RgbImage, imageops};

use super::paste::smooth_step;
use crate::image::{Filter, resize};

/// Up to this colour change, of 255, the picture keeps its details.
const SMALL_CHANGE: f64 = 32.0;
/// From this colour change on, only the generated image is visible, without details of the picture.
const LARGE_CHANGE: f64 = 96.0;
/// Width of the blur of the change, relative to the side.
const BLUR_WIDTH: f64 = 1.0 / 48.0;

/// Applies the change from `before` to `after` to `picture`. `before` and `after` are generated
/// from its latent and from the edited latent. All are square; the last two have the same size.
/// Unchanged pixels keep their exact values.
pub fn keep_details(picture: &RgbImage, before: &RgbImage, after: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let [before, after] =
        [before, after].map(|drawn| resize(drawn, width, height, Filter::Lanczos));
    let change = GrayImage::from_fn(width, height, |x, y| {
        let pairs = before
            .get_pixel(x, y)
            .0
            .into_iter()
            .zip(after.get_pixel(x, y).0);
        Luma([pairs.map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)])
    });
    let change = imageops::blur(&change, f64::from(width).mul_add(BLUR_WIDTH, 0.5) as f32);
    RgbImage::from_fn(width, height, |x, y| {
        let change = f64::from(change.get_pixel(x, y).0[0]);
        let kept = 1.0 - smooth_step((change - SMALL_CHANGE) / (LARGE_CHANGE - SMALL_CHANGE));
        let [picture, before, after] =
            [picture, &before, &after].map(|image| image.get_pixel(x, y).0.map(f64::from));
        let value = |i: usize| after[i] + kept * (picture[i] - before[i]);
        [0, 1, 2]
            .map(|i| value(i).round().clamp(0.0, 255.0) as u8)
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// A checkerboard, which no small generated image contains.
    fn picture() -> RgbImage {
        RgbImage::from_fn(48, 48, |x, y| {
            Rgb([
                if (x + y) % 2 == 0 { 90 } else { 130 },
                (4 * x) as u8,
                (3 * y) as u8,
            ])
        })
    }

    fn plain(color: [u8; 3]) -> RgbImage {
        RgbImage::from_pixel(24, 24, Rgb(color))
    }

    #[test]
    fn an_edit_without_change_gives_the_picture() {
        let drawn = plain([110, 90, 70]);
        assert_eq!(keep_details(&picture(), &drawn, &drawn), picture());
    }

    #[test]
    fn a_small_change_is_added_and_a_large_one_replaces() {
        let before = plain([110, 90, 70]);
        let brighter = keep_details(&picture(), &before, &plain([120, 100, 80]));
        for (found, own) in brighter.pixels().zip(picture().pixels()) {
            assert_eq!(found.0, own.0.map(|value| value + 10));
        }
        let white = plain([255, 250, 251]);
        let replaced = keep_details(&picture(), &before, &white);
        assert!(replaced.pixels().all(|pixel| pixel.0 == [255, 250, 251]));
    }
}
