//! Padding of pictures: mirrored, blurred, and faded to one colour.

use image::RgbImage;
use rayon::prelude::*;

/// Truncation of the Gaussian, in standard deviations: SciPy's default.
const TRUNCATE: f64 = 4.0;

/// A picture in floating point, row by row, RGB interleaved.
struct Floats {
    values: Vec<f32>,
    width: usize,
}

impl Floats {
    /// Number of values per row.
    fn stride(&self) -> usize {
        3 * self.width
    }

    fn height(&self) -> usize {
        self.values.len() / self.stride()
    }
}

/// Pads by `before` (x, y) pixels on the left and top, and `after` on the right and bottom. The
/// padding mirrors the picture. It is blurred with standard deviation `deviation` in pixels; the
/// blur starts softly inside the picture, at a third of the padding's width. Towards the new edges
/// it fades to the median colour. Every pad must be greater than 0.
pub(super) fn pad(
    picture: &RgbImage,
    before: [usize; 2],
    after: [usize; 2],
    deviation: f64,
) -> RgbImage {
    let mut image = mirrored(picture, before, after);
    let (width, height) = (image.width, image.height());
    // 0 at the edge of the picture, 1 at the new edge, negative inside the picture.
    let near = |at: usize, length: usize, axis: usize| {
        let from_start = at as f32 / before[axis] as f32;
        let from_end = (length - 1 - at) as f32 / after[axis] as f32;
        1.0 - from_start.min(from_end)
    };
    let near_x: Vec<f32> = (0..width).map(|x| near(x, width, 0)).collect();
    let near_y: Vec<f32> = (0..height).map(|y| near(y, height, 1)).collect();
    let blend = |image: &mut Floats, towards: &dyn Fn(usize) -> f32, weight: fn(f32) -> f32| {
        for (index, value) in image.values.iter_mut().enumerate() {
            let pixel = index / 3;
            let weight = weight(near_x[pixel % width].max(near_y[pixel / width]));
            *value += (towards(index) - *value) * weight;
        }
    };
    let blurred = blur(&image, deviation);
    blend(&mut image, &|index| blurred.values[index], |near| {
        (near * 3.0 + 1.0).clamp(0.0, 1.0)
    });
    let median = [0, 1, 2].map(|channel| median(&image, channel));
    blend(&mut image, &|index| median[index % 3], |near| {
        near.clamp(0.0, 1.0)
    });
    let bytes = image.values.iter();
    let bytes = bytes.map(|value| value.round_ties_even().clamp(0.0, 255.0) as u8);
    RgbImage::from_raw(width as u32, height as u32, bytes.collect())
        .expect("three values per pixel")
}

fn mirrored(picture: &RgbImage, before: [usize; 2], after: [usize; 2]) -> Floats {
    let size = [picture.width() as usize, picture.height() as usize];
    let sources = |axis: usize| -> Vec<u32> {
        let start = -(before[axis] as isize);
        let end = (size[axis] + after[axis]) as isize;
        (start..end)
            .map(|at| mirror(at, size[axis], false) as u32)
            .collect()
    };
    let [columns, rows] = [0, 1].map(sources);
    let pixels = rows
        .iter()
        .flat_map(|&y| columns.iter().flat_map(move |&x| picture.get_pixel(x, y).0));
    Floats {
        values: pixels.map(f32::from).collect(),
        width: columns.len(),
    }
}

/// The index in `0..length` that is mirrored to index `at`. With `doubled`, the mirror lies beyond
/// the last pixel, so that it appears twice; otherwise it lies in the last pixel.
fn mirror(at: isize, length: usize, doubled: bool) -> usize {
    let last = length as isize - 1;
    let period = 2 * (last + isize::from(doubled));
    if period == 0 {
        return 0;
    }
    let at = at.rem_euclid(period);
    let end = period - isize::from(doubled);
    if at > last {
        (end - at) as usize
    } else {
        at as usize
    }
}

/// `scipy.ndimage.gaussian_filter` per channel.
fn blur(image: &Floats, deviation: f64) -> Floats {
    let reach = (TRUNCATE * deviation + 0.5) as isize;
    let mut weights: Vec<f64> = (-reach..=reach)
        .map(|at| (-0.5 * (at as f64 / deviation).powi(2)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    let taps: Vec<(isize, f32)> = (-reach..).zip(weights.iter().map(|&w| w as f32)).collect();

    let (stride, width, height) = (image.stride(), image.width, image.height());
    let mut down = vec![0.0; image.values.len()];
    down.par_chunks_mut(stride)
        .enumerate()
        .for_each(|(y, sums)| {
            for (offset, weight) in &taps {
                let row = mirror(y as isize + offset, height, true);
                add_scaled(sums, &image.values[row * stride..], *weight);
            }
        });
    let mut across = vec![0.0; image.values.len()];
    let rows = across.par_chunks_mut(stride).zip(down.par_chunks(stride));
    rows.for_each(|(sums, row)| {
        let mirrored: Vec<f32> = (-reach..width as isize + reach)
            .map(|x| 3 * mirror(x, width, true))
            .flat_map(|start| [row[start], row[start + 1], row[start + 2]])
            .collect();
        for (place, (_, weight)) in taps.iter().enumerate() {
            add_scaled(sums, &mirrored[3 * place..], *weight);
        }
    });
    Floats {
        values: across,
        width,
    }
}

fn add_scaled(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * weight;
    }
}

/// The median of a channel; the mean of the middle two values if their number is even.
fn median(image: &Floats, channel: usize) -> f32 {
    let mut values: Vec<f32> = image
        .values
        .iter()
        .skip(channel)
        .step_by(3)
        .copied()
        .collect();
    let half = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (lower, &mut upper, _) = values.select_nth_unstable_by(half, f32::total_cmp);
    match is_odd {
        true => upper,
        false => (lower.iter().copied().fold(f32::MIN, f32::max) + upper) / 2.0,
    }
}
