//! FFHQ-style alignment of faces.
//!
//! Reference: `recreate_aligned_images` of NVlabs/ffhq-dataset (Karras et al. 2019, arXiv
//! 1812.04948), and `align_face` of omertov/encoder4editing. The latter samples each output pixel
//! once (`supersampling` 1), FFHQ 4 × 4 times.

use image::{Rgb, RgbImage, imageops};

use super::pad::pad;
use crate::image::{Filter, resize};

/// A square in a picture, rotated with the face in it.
///
/// Coordinates (x, y) are in pixels; integers are pixel centres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    /// Corners: top left, bottom left, bottom right, top right.
    pub corners: [[f64; 2]; 4],
}

impl Square {
    /// FFHQ's crop of a face with eyes, nose and mouth corners at `points`; left comes before
    /// right, as seen in the picture. The nose has no effect.
    pub fn of_face(points: &[[f32; 2]; 5]) -> Self {
        let [left_eye, right_eye, _, left_mouth, right_mouth] =
            points.map(|point| point.map(f64::from));
        let eyes = middle(left_eye, right_eye);
        let across = sub(right_eye, left_eye);
        let down = sub(middle(left_mouth, right_mouth), eyes);
        let x = sub(across, quarter_turn(down));
        let reach = (2.0 * length(across)).max(1.8 * length(down));
        let x = scale(x, reach / length(x));
        let y = quarter_turn(x);
        let center = add(eyes, scale(down, 0.1));
        let [left, right] = [sub(center, x), add(center, x)];
        Self {
            corners: [sub(left, y), add(left, y), add(right, y), sub(right, y)],
        }
    }

    /// The largest upright square in the centre of a picture.
    pub fn of_middle(width: u32, height: u32) -> Self {
        let side = width.min(height);
        let [left, top] = [width, height].map(|length| f64::from((length - side) / 2) - 0.5);
        let [right, bottom] = [left, top].map(|start| start + f64::from(side));
        Self {
            corners: [[left, top], [left, bottom], [right, bottom], [right, top]],
        }
    }

    /// Side length in pixels.
    pub fn side(&self) -> f64 {
        let [top_left, _, _, top_right] = self.corners;
        length(sub(top_right, top_left))
    }

    /// Smallest and largest (x, y).
    pub(super) fn bounds(&self) -> [[f64; 2]; 2] {
        let extreme = |pick: fn(f64, f64) -> f64| {
            let [a, b, c, d] = self.corners;
            [0, 1].map(|axis| pick(pick(a[axis], b[axis]), pick(c[axis], d[axis])))
        };
        [extreme(f64::min), extreme(f64::max)]
    }

    fn map(self, change: impl Fn([f64; 2]) -> [f64; 2]) -> Self {
        Self {
            corners: self.corners.map(change),
        }
    }

    fn moved(self, by: [f64; 2]) -> Self {
        self.map(|corner| add(corner, by))
    }
}

/// Resamples `square` to an upright image of `side` pixels, each the mean of `supersampling`²
/// samples. Where the square leaves the picture, it shows the blurred mirror image. Equal to the
/// reference, except for a rare difference of one level where the mirror image is rounded.
///
/// `None` if the square is less than a pixel wide or does not overlap the picture.
pub fn align(
    picture: &RgbImage,
    square: &Square,
    side: u32,
    supersampling: u32,
) -> Option<RgbImage> {
    let (picture, square) = cut_out(picture, square, side)?;
    let large = warp(&picture, &square, side * supersampling);
    Some(resize(&large, side, side, Filter::Lanczos))
}

/// The part of the picture around the square, at most about four times as large as `side`, padded
/// where it leaves the picture; and the square relative to it.
fn cut_out(picture: &RgbImage, square: &Square, side: u32) -> Option<(RgbImage, Square)> {
    let is_square = square.side() >= 1.0 && square.side().is_finite();
    if !is_square {
        return None;
    }
    let shrink = (square.side() / f64::from(side) * 0.5).floor();
    let shrunk = (shrink > 1.0).then(|| {
        let [width, height] = [picture.width(), picture.height()]
            .map(|length| (f64::from(length) / shrink).round_ties_even().max(1.0) as u32);
        resize(picture, width, height, Filter::Lanczos)
    });
    let square = square.map(|corner| scale(corner, 1.0 / shrink.max(1.0)));
    let picture = shrunk.as_ref().unwrap_or(picture);

    let size = [picture.width(), picture.height()].map(f64::from);
    let border = (square.side() * 0.1).round_ties_even().max(3.0);
    let [least, greatest] = square.bounds();
    let start = least.map(|value| (value.floor() - border).max(0.0));
    let end = [0, 1].map(|axis| (greatest[axis].ceil() + border).min(size[axis]));
    if (0..2).any(|axis| end[axis] <= start[axis]) {
        return None;
    }
    let [x, y] = start.map(|value| value as u32);
    let [width, height] = sub(end, start).map(|length| length as u32);
    let cropped = imageops::crop_imm(picture, x, y, width, height).to_image();
    let square = square.moved(scale(start, -1.0));

    let size = [width, height].map(f64::from);
    let [least, greatest] = square.bounds();
    let before = least.map(|value| (border - value.floor()).max(0.0));
    let after = [0, 1].map(|axis| (greatest[axis].ceil() - size[axis] + border).max(0.0));
    let most = before.into_iter().chain(after).fold(0.0, f64::max);
    if most <= border - 4.0 {
        return Some((cropped, square));
    }
    let least = (square.side() * 0.3).round_ties_even().max(1.0);
    let [before, after] = [before, after].map(|pads| pads.map(|length| length.max(least)));
    let padded = pad(
        &cropped,
        before.map(|length| length as usize),
        after.map(|length| length as usize),
        square.side() * 0.02,
    );
    Some((padded, square.moved(before)))
}

/// Resamples the square to `side` pixels, bilinear, black outside. Equal to Pillow's `transform`
/// with `QUAD`.
fn warp(picture: &RgbImage, square: &Square, side: u32) -> RgbImage {
    // In Pillow, pixel centres have half-integer coordinates.
    let [start, bottom_left, bottom_right, top_right] = square.moved([0.5, 0.5]).corners;
    let step = 1.0 / f64::from(side);
    let across = scale(sub(top_right, start), step);
    let down = scale(sub(bottom_left, start), step);
    let skew = sub(add(sub(bottom_right, bottom_left), start), top_right);
    let skew = scale(skew, step * step);
    RgbImage::from_fn(side, side, |x, y| {
        let [x, y] = [x, y].map(|index| f64::from(index) + 0.5);
        let [x, y] =
            [0, 1].map(|axis| start[axis] + across[axis] * x + down[axis] * y + skew[axis] * x * y);
        // Truncated to integers, as in Pillow.
        Rgb(read(picture, [x, y]).map_or([0; 3], |values| values.map(|value| value as u8)))
    })
}

/// The bilinear colour at a point of a picture whose first pixel spans 0 to 1; `None` outside.
pub(super) fn read(picture: &RgbImage, [x, y]: [f64; 2]) -> Option<[f64; 3]> {
    let (width, height) = picture.dimensions();
    let inside = x >= 0.0 && y >= 0.0 && x < f64::from(width) && y < f64::from(height);
    inside.then(|| {
        let [x, y] = [x - 0.5, y - 0.5];
        let [dx, dy] = [x - x.floor(), y - y.floor()];
        let neighbours = |at: f64, length: u32| {
            [at.floor(), at.floor() + 1.0].map(|at| (at.max(0.0) as u32).min(length - 1))
        };
        let [left, right] = neighbours(x, width);
        let [above, below] = neighbours(y, height);
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        std::array::from_fn(|channel| {
            let at = |x, y| f64::from(picture.get_pixel(x, y).0[channel]);
            let top = mix(at(left, above), at(right, above), dx);
            let bottom = mix(at(left, below), at(right, below), dx);
            mix(top, bottom, dy)
        })
    })
}

/// Rotates by 90° clockwise, from right to down.
pub(super) fn quarter_turn([x, y]: [f64; 2]) -> [f64; 2] {
    [-y, x]
}

pub(super) fn add(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

pub(super) fn sub(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

pub(super) fn scale(a: [f64; 2], factor: f64) -> [f64; 2] {
    a.map(|value| value * factor)
}

fn middle(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    scale(add(a, b), 0.5)
}

fn length(a: [f64; 2]) -> f64 {
    a[0].hypot(a[1])
}

#[cfg(test)]
mod tests;
