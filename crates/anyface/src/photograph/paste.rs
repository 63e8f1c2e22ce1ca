//! Pastes the change of an edit back into the picture.

use image::RgbImage;

use super::align::{Square, read, scale, sub};
use crate::image::{Filter, resize};

/// Width of the fade-in along the square's edges, relative to its side.
const FADE: f64 = 0.12;

/// Largest factor by which faces are enlarged smoothly.
const MAX_ENLARGEMENT: f64 = 4.0;

/// Adds the difference between `before`, cropped from `picture` at `square`, and `after` to
/// `picture`. It fades out along the edges of the square, except edges on or outside the edge of
/// the picture. Unchanged pixels keep their exact values.
pub fn paste_change(picture: &mut RgbImage, before: &RgbImage, after: &RgbImage, square: &Square) {
    let (width, height) = picture.dimensions();
    // Resamples to the size in the picture, to avoid jagged edges and aliasing.
    let side = square
        .side()
        .min(MAX_ENLARGEMENT * f64::from(after.width()));
    let side = (side.round() as u32).max(1);
    let [before, after] = [before, after].map(|face| resize(face, side, side, Filter::Lanczos));
    let faded = faded_sides(square, [width, height].map(f64::from));

    let [start, bottom_left, _, top_right] = square.corners;
    // The square has right angles, so the dot product of these with (point − start) gives
    // coordinates from 0 to 1.
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

/// For each edge of the square (left, top, right, bottom), whether the picture continues beyond it.
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

/// Smooth step: 0 at 0, 1 at 1, with zero slope at both ends.
pub(super) fn smooth_step(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
