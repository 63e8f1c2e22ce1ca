//! Transfer of an edit to the original photograph.

use image::{DynamicImage, GrayImage, RgbImage, imageops};

use super::{Photograph, keep_details, paste_change};
use crate::image::off_white;
use crate::segmentation::PersonMask;

/// A face mask shows a person if the mean of its middle half is at least this, of 255. Masks of
/// images that the network cannot read are near 0 there.
const PERSON_FROM: u64 = 128;

/// A face of a photograph before and after an edit: two squares of the same place and size.
#[derive(Debug, Clone)]
pub struct EditedFace {
    /// The original face.
    pub before: RgbImage,
    /// The face with the edit applied.
    pub after: RgbImage,
}

impl Photograph {
    /// Applies the change from `before` to `after` to the face at its original size. `before` and
    /// `after` are generated from its latent and from the edited latent, and are squares of one
    /// size. Unchanged parts keep the photograph's details. The background, before and after, does
    /// not change, nor do pixels where `mask`, of the photograph's size, is 0.
    pub fn edited(
        &self,
        before: &RgbImage,
        after: &RgbImage,
        person: &PersonMask,
        mask: Option<&GrayImage>,
    ) -> EditedFace {
        let own = self.at_own_size();
        let changed = keep_details(&own, before, after);
        let mut change = persons(&own, after, person);
        if let Some(mask) = mask.map(|mask| self.mask_of_face(mask, own.width())) {
            let pairs = change.pixels_mut().zip(mask.pixels());
            pairs.for_each(|(value, limit)| value.0[0] = value.0[0].min(limit.0[0]));
        }
        EditedFace {
            after: mix(&own, &changed, &change),
            before: own,
        }
    }

    /// Pastes an edited face into the photograph and keeps its transparency. Pixels where `mask`,
    /// of the photograph's size, is 0 keep their exact values.
    pub fn paste_back(&self, face: &EditedFace, mask: Option<&GrayImage>) -> DynamicImage {
        let mut picture = self.picture.clone();
        paste_change(&mut picture, &face.before, &face.after, &self.square);
        if let Some(mask) = mask {
            picture = mix(&self.picture, &picture, mask);
        }
        match &self.alpha {
            None => picture.into(),
            Some(alpha) => off_white(&picture, alpha).into(),
        }
    }

    /// The mask of the face, a square of `side` pixels, from a mask of the whole photograph.
    fn mask_of_face(&self, mask: &GrayImage, side: u32) -> GrayImage {
        let mask = RgbImage::from_fn(mask.width(), mask.height(), |x, y| {
            [mask.get_pixel(x, y).0[0]; 3].into()
        });
        imageops::grayscale(&self.cut_out(&mask, side))
    }
}

/// Union of the persons in the original and the drawn image, at the original's size: a hat may
/// cover background. Everything, if no person is found.
fn persons(own: &RgbImage, drawn: &RgbImage, person: &PersonMask) -> GrayImage {
    let (width, height) = own.dimensions();
    let everywhere = || GrayImage::from_pixel(width, height, [255].into());
    let drawn = imageops::resize(drawn, width, height, imageops::FilterType::Triangle);
    let [mut own, drawn] = [own, &drawn].map(|picture| person.mask(picture));
    if !(shows_person(&own) && shows_person(&drawn)) {
        return everywhere();
    }
    let pairs = own.pixels_mut().zip(drawn.pixels());
    pairs.for_each(|(value, other)| value.0[0] = value.0[0].max(other.0[0]));
    own
}

/// Whether the middle half of a mask shows a person.
fn shows_person(mask: &GrayImage) -> bool {
    let (width, height) = mask.dimensions();
    let middle = imageops::crop_imm(mask, width / 4, height / 4, width / 2, height / 2);
    let middle = middle.to_image();
    let sum: u64 = middle.pixels().map(|pixel| u64::from(pixel.0[0])).sum();
    sum >= PERSON_FROM * middle.len() as u64
}

/// Blends `from` (mask 0) and `to` (mask 255).
fn mix(from: &RgbImage, to: &RgbImage, mask: &GrayImage) -> RgbImage {
    RgbImage::from_fn(from.width(), from.height(), |x, y| {
        let weight = u32::from(mask.get_pixel(x, y).0[0]);
        let [from, to] = [from, to].map(|picture| picture.get_pixel(x, y).0.map(u32::from));
        let value = |i: usize| (from[i] * (255 - weight) + to[i] * weight + 127) / 255;
        [0, 1, 2].map(|i| value(i) as u8).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use image::Rgb;

    /// A photograph that is its own face crop, with many colours.
    fn photograph() -> Photograph {
        let picture = RgbImage::from_fn(40, 40, |x, y| Rgb([5 * x as u8, 6 * y as u8, 90]));
        Photograph::new(picture, "test", None, 0, 40).unwrap()
    }

    fn plain(value: u8) -> RgbImage {
        RgbImage::from_pixel(16, 16, Rgb([value; 3]))
    }

    #[test]
    fn without_a_change_a_photograph_keeps_its_exact_values() {
        let person = PersonMask::builtin(&Device::flex());
        let photograph = photograph();
        let face = photograph.edited(&plain(90), &plain(90), &person, None);
        assert_eq!(face.before, face.after);
        let pasted = photograph.paste_back(&face, None).into_rgb8();
        assert_eq!(pasted, photograph.picture);
    }

    #[test]
    fn a_change_stays_inside_its_mask() {
        let person = PersonMask::builtin(&Device::flex());
        let photograph = photograph();
        let left = GrayImage::from_fn(40, 40, |x, _| [if x < 20 { 255 } else { 0 }].into());
        let face = photograph.edited(&plain(20), &plain(200), &person, Some(&left));
        let after = photograph.paste_back(&face, Some(&left)).into_rgb8();
        for (x, y, pixel) in after.enumerate_pixels() {
            if x >= 20 {
                assert_eq!(pixel, photograph.picture.get_pixel(x, y), "{x} {y}");
            }
        }
        assert!(
            after.get_pixel(8, 20).0[0].abs_diff(photograph.picture.get_pixel(8, 20).0[0]) > 50
        );
    }

    #[test]
    fn a_mix_follows_its_mask() {
        let mask = GrayImage::from_fn(16, 16, |x, _| [17 * x as u8].into());
        let mixed = mix(&plain(0), &plain(255), &mask);
        let row: Vec<u8> = (0..16).map(|x| mixed.get_pixel(x, 3).0[1]).collect();
        assert_eq!(row, (0..16).map(|x| 17 * x).collect::<Vec<u8>>());
    }
}
