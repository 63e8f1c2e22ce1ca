//! What an edit changed of a face, back in the picture that the face was cut out of.

use image::RgbImage;

use super::align::{Square, read, scale, sub};
use crate::image::{Filter, resize};

/// Over this share of its side the pasted square fades in.
const FADE: f64 = 0.12;

/// Faces are enlarged smoothly up to this factor.
const MAX_ENLARGEMENT: f64 = 4.0;

/// Adds to `picture` the difference from `before`, cut out of it at `square`, to `after`. It fades out along the sides of the
/// square, but for those that lie on or over the edge of the picture. Where nothing changed, the picture stays to the bit.
pub fn paste_change(picture: &mut RgbImage, before: &RgbImage, after: &RgbImage, square: &Square) {
    let (width, height) = picture.dimensions();
    // At the size that it has in the picture, so that it is neither jagged nor aliased.
    let side = square
        .side()
        .min(MAX_ENLARGEMENT * f64::from(after.width()));
    let side = (side.round() as u32).max(1);
    let [before, after] = [before, after].map(|face| resize(face, side, side, Filter::Lanczos));
    let faded = faded_sides(square, [width, height].map(f64::from));

    let [start, bottom_left, _, top_right] = square.corners;
    // A point less the start times these are its coordinates in the square, 0 to 1: its sides are at right angles.
    let [across, down] =
        [top_right, bottom_left].map(|end| scale(sub(end, start), 1.0 / square.side().powi(2)));
    let dot = |a: [f64; 2], b: [f64; 2]| a[0] * b[0] + a[1] * b[1];

    let [least, greatest] = square.bounds();
    let range = |axis: usize, length: u32| {
        let end = (greatest[axis].floor() + 1.0).clamp(0.0, f64::from(length)) as u32;
        (least[axis].ceil().max(0.0) as u32)..end
    };
    for y in range(1, height) {
        for x in range(0, width) {
            let from_start = sub([x, y].map(f64::from), start);
            let place = [dot(from_start, across), dot(from_start, down)];
            let place_in_face = scale(place, f64::from(side));
            let (Some(old), Some(new)) =
                (read(&before, place_in_face), read(&after, place_in_face))
            else {
                continue;
            };
            let [u, v] = place;
            let weight: f64 = [u, v, 1.0 - u, 1.0 - v]
                .into_iter()
                .zip(faded)
                .map(|(depth, faded)| {
                    if faded {
                        smooth_step(depth / FADE)
                    } else {
                        1.0
                    }
                })
                .product();
            for (i, value) in picture.get_pixel_mut(x, y).0.iter_mut().enumerate() {
                let changed = f64::from(*value) + weight * (new[i] - old[i]);
                *value = changed.round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Which sides of the square (left, top, right, bottom) have picture beyond them.
fn faded_sides(square: &Square, size: [f64; 2]) -> [bool; 4] {
    let [top_left, bottom_left, bottom_right, top_right] = square.corners;
    [
        [top_left, bottom_left],
        [top_left, top_right],
        [top_right, bottom_right],
        [bottom_left, bottom_right],
    ]
    .map(|ends| {
        let beyond = |axis: usize| {
            let before = ends.iter().all(|end| end[axis] <= -0.5);
            before || ends.iter().all(|end| end[axis] >= size[axis] - 0.5)
        };
        !(beyond(0) || beyond(1))
    })
}

/// From 0 at 0 to 1 at 1, level at both ends.
pub(super) fn smooth_step(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
