//! Parity with MediaPipe 0.10.14 on two rendered portraits.

use image::RgbImage;

use super::*;
use crate::parity::{Fixture, fixture};

const TOLERANCE: f32 = 1e-3;

fn portrait(expected: &Fixture, index: usize) -> RgbImage {
    let side = SIDE as u32;
    RgbImage::from_raw(side, side, expected.bytes(&format!("image{index}"))).unwrap()
}

#[test]
fn masks_equal_mediapipes() {
    let expected = Fixture::open(&fixture("selfie_segmentation.io.safetensors"));
    let mask = PersonMask::builtin(&expected.device);
    for index in [0, 1] {
        let found = mask.of_square(&portrait(&expected, index));
        let found = found.reshape([SIDE, SIDE]);
        expected.check::<2>(&format!("mask{index}"), found, TOLERANCE);
    }
}

#[test]
fn a_mask_has_the_size_of_its_picture() {
    let expected = Fixture::open(&fixture("selfie_segmentation.io.safetensors"));
    let network = PersonMask::builtin(&expected.device);
    let portrait = portrait(&expected, 0);
    let whole = network.mask(&portrait);
    let wide = crate::image::resize(&portrait, 600, 300, crate::image::Filter::Bilinear);
    let found = network.mask(&wide);
    assert_eq!(found.dimensions(), (600, 300));
    let smaller = crate::image::resize(&found, 256, 256, crate::image::Filter::Bilinear);
    let differing = whole
        .iter()
        .zip(smaller.iter())
        .filter(|(a, b)| a.abs_diff(**b) > 32)
        .count();
    assert!(differing * 100 < whole.len(), "{differing} pixels differ");
}
