//! Antialiased resampling like Pillow's: on bytes, equal to Pillow, and on tensors, differentiable.
//!
//! Reference: `src/libImaging/Resample.c` of Pillow.

use burn::tensor::{Device, Tensor, TensorData};
use image::{ImageBuffer, Pixel};

/// Fraction bits of Pillow's coefficients: 32, minus 8 for the pixel and 2 for overshoot.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Resampling filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A triangle with a radius of 1 pixel.
    Bilinear,
    /// Keys' cubic convolution with a = −0.5; radius 2.
    Bicubic,
    /// A sinc windowed by a sinc of three times the width, radius 3; Pillow's former `ANTIALIAS`.
    Lanczos,
}

impl Filter {
    /// Radius in pixels of the coarser of the two grids.
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The weight at distance `x`, in pixels of the coarser grid.
    fn weight(self, x: f64) -> f64 {
        match self {
            Self::Bilinear => (1.0 - x.abs()).max(0.0),
            Self::Bicubic => bicubic(x),
            Self::Lanczos if x.abs() < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

/// The inputs of one output pixel: `weights`, with sum 1, for the input pixels from `start` on.
struct Tap {
    start: usize,
    weights: Vec<f64>,
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The tap of each of `outputs` pixels from `inputs` pixels. Downsampling widens the filter.
fn taps(inputs: usize, outputs: usize, filter: Filter) -> Vec<Tap> {
    let scale = inputs as f64 / outputs as f64;
    let widening = scale.max(1.0);
    let support = filter.support() * widening;
    (0..outputs)
        .map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let start = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(inputs);
            let mut weights: Vec<f64> = (start..end)
                .map(|j| filter.weight((j as f64 - center + 0.5) / widening))
                .collect();
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
            Tap { start, weights }
        })
        .collect()
}

/// A picture of one to four bytes per pixel.
type Bytes<P> = ImageBuffer<P, Vec<u8>>;

/// Resizes `image`; every byte equals that of Pillow's `resize`. Channels are independent: alpha is
/// not premultiplied.
pub fn resize<P: Pixel<Subpixel = u8>>(
    image: &Bytes<P>,
    width: u32,
    height: u32,
    filter: Filter,
) -> Bytes<P> {
    let across = resample_rows(image, width, filter);
    if height == image.height() {
        return across;
    }
    let transposed = resample_rows(&transpose(&across), height, filter);
    transpose(&transposed)
}

/// Resamples every row to `width` pixels.
fn resample_rows<P: Pixel<Subpixel = u8>>(
    image: &Bytes<P>,
    width: u32,
    filter: Filter,
) -> Bytes<P> {
    if image.width() == width {
        return image.clone();
    }
    let channels = usize::from(P::CHANNEL_COUNT);
    let taps: Vec<(usize, Vec<i32>)> = taps(image.width() as usize, width as usize, filter)
        .into_iter()
        .map(|tap| {
            let unit = f64::from(1 << PRECISION_BITS);
            let weights = tap
                .weights
                .iter()
                .map(|weight| (weight * unit).round() as i32);
            (tap.start, weights.collect())
        })
        .collect();
    let mut resized = Bytes::<P>::new(width, image.height());
    let rows = image.as_raw().chunks(channels * image.width() as usize);
    for (row, output) in rows.zip(resized.chunks_mut(channels * width as usize)) {
        for ((start, weights), pixel) in taps.iter().zip(output.chunks_mut(channels)) {
            let mut sums = [1 << (PRECISION_BITS - 1); 4];
            for (input, weight) in row[channels * start..].chunks(channels).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(input) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (value, sum) in pixel.iter_mut().zip(sums) {
                *value = (sum >> PRECISION_BITS).clamp(0, 255) as u8;
            }
        }
    }
    resized
}

fn transpose<P: Pixel<Subpixel = u8>>(image: &Bytes<P>) -> Bytes<P> {
    ImageBuffer::from_fn(image.height(), image.width(), |x, y| *image.get_pixel(y, x))
}

/// Resizes `images` `[N, C, H, W]` to `[N, C, side, side]` by bicubic resampling in floating point,
/// without rounding or clamping. Takes one matrix product per axis.
pub fn resize_bicubic_tensor(images: Tensor<4>, side: usize) -> Tensor<4> {
    let [_, _, height, width] = images.dims();
    let device = images.device();
    let across = match width == side {
        true => images,
        false => images.matmul(matrix(width, side, &device).transpose().unsqueeze()),
    };
    match height == side {
        true => across,
        false => matrix(height, side, &device).unsqueeze().matmul(across),
    }
}

/// The taps as a matrix `[outputs, inputs]`.
fn matrix(inputs: usize, outputs: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0f32; outputs * inputs];
    for (row, tap) in values
        .chunks_mut(inputs)
        .zip(taps(inputs, outputs, Filter::Bicubic))
    {
        for (value, weight) in row[tap.start..].iter_mut().zip(tap.weights) {
            *value = weight as f32;
        }
    }
    Tensor::from_data(TensorData::new(values, [outputs, inputs]), device)
}
