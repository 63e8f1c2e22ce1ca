//! Batch normalisation with batch statistics (Ioffe and Szegedy 2015, arXiv 1502.03167) and a leaky
//! ReLU, forward and backward.

use rayon::prelude::*;

use crate::simd::{Isa, multiversion};

/// Added to the variance; PyTorch's default.
const EPSILON: f64 = 1e-5;
/// Partial sums per plane, so that summation is vectorised.
const LANES: usize = 16;
/// Planes per thread task.
const PLANES: usize = 8;

/// Shape of planes `[N, C, P]`, and the slope of the leaky ReLU below 0.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// N.
    pub batch: usize,
    /// C.
    pub channels: usize,
    /// P, pixels per plane.
    pub pixels: usize,
    /// 1 disables the activation.
    pub slope: f32,
}

/// Mean and 1/standard deviation of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    mean: f32,
    inverse_deviation: f32,
}

/// Gradients from [`BatchNorm::backward`].
#[derive(Debug)]
pub struct BatchNormGradients {
    /// `[N, C, P]`.
    pub x: Vec<f32>,
    /// `[C]`.
    pub scale: Vec<f32>,
    /// `[C]`.
    pub shift: Vec<f32>,
}

impl BatchNorm {
    /// `y = leaky((x − mean)/σ · scale + shift)` for x `[N, C, P]`, scale and shift `[C]`. The
    /// statistics are over N and P; the variance is divided by N·P.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape.
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        scale: &[f32],
        shift: &[f32],
    ) -> (Vec<f32>, Vec<Statistics>) {
        self.check(x, scale, shift);
        let channels = 0..self.channels;
        let statistics: Vec<_> = channels
            .into_par_iter()
            .map(|channel| self.statistics(isa, x, channel))
            .collect();
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(self.pixels)
            .zip(x.par_chunks(self.pixels))
            .enumerate()
            .with_min_len(PLANES)
            .for_each(|(plane, (y, x))| {
                let channel = plane % self.channels;
                let line = Line::new(statistics[channel], scale[channel], shift[channel]);
                apply(isa, line, self.slope, x, y);
            });
        (y, statistics)
    }

    /// The gradients of x, scale and shift, given the gradient of y.
    ///
    /// # Panics
    /// See [`BatchNorm::forward`].
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        scale: &[f32],
        shift: &[f32],
        statistics: &[Statistics],
        grad_y: &[f32],
    ) -> BatchNormGradients {
        self.check(x, scale, shift);
        assert!(grad_y.len() == x.len() && statistics.len() == self.channels);
        let line = |c: usize| Line::new(statistics[c], scale[c], shift[c]);
        // Per channel: the sum of the gradient before the ReLU, and of its product with the
        // normalised x.
        let sums: Vec<[f32; 2]> = (0..self.channels)
            .into_par_iter()
            .map(|channel| {
                let planes = self.planes(channel);
                let sums = planes.map(|plane| {
                    let (x, grad_y) = (&x[plane.clone()], &grad_y[plane]);
                    gradient_sums(
                        isa,
                        line(channel),
                        statistics[channel],
                        self.slope,
                        x,
                        grad_y,
                    )
                });
                let [shift, scale] = sums.fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
                [shift as f32, scale as f32]
            })
            .collect();
        let count = (self.batch * self.pixels) as f32;
        let mut grad_x = vec![0.0; x.len()];
        grad_x
            .par_chunks_mut(self.pixels)
            .zip(
                x.par_chunks(self.pixels)
                    .zip(grad_y.par_chunks(self.pixels)),
            )
            .enumerate()
            .with_min_len(PLANES)
            .for_each(|(plane, (grad_x, (x, grad_y)))| {
                let c = plane % self.channels;
                let means = sums[c].map(|sum| sum / count);
                gradient(
                    isa,
                    line(c),
                    statistics[c],
                    means,
                    self.slope,
                    x,
                    grad_y,
                    grad_x,
                );
            });
        BatchNormGradients {
            x: grad_x,
            scale: sums.iter().map(|[_, scale]| *scale).collect(),
            shift: sums.iter().map(|[shift, _]| *shift).collect(),
        }
    }

    /// Takes two passes, so that a mean far from 0 costs no precision.
    fn statistics(&self, isa: Isa, x: &[f32], channel: usize) -> Statistics {
        let count = (self.batch * self.pixels) as f64;
        let planes = self.planes(channel);
        let mean = planes.map(|plane| sum(isa, &x[plane])).sum::<f64>() / count;
        let planes = self.planes(channel);
        let squares = planes.map(|plane| squared_deviations(isa, mean as f32, &x[plane]));
        let variance = squares.sum::<f64>() / count;
        Statistics {
            mean: mean as f32,
            inverse_deviation: (variance + EPSILON).sqrt().recip() as f32,
        }
    }

    /// Ranges of the planes of a channel.
    fn planes(&self, channel: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let Self {
            channels, pixels, ..
        } = *self;
        (0..self.batch).map(move |image| {
            let start = (image * channels + channel) * pixels;
            start..start + pixels
        })
    }

    fn check(&self, x: &[f32], scale: &[f32], shift: &[f32]) {
        assert!(
            x.len() == self.batch * self.channels * self.pixels
                && scale.len() == self.channels
                && shift.len() == self.channels,
            "x, scale and shift do not match {} channels",
            self.channels
        );
    }
}

/// Normalisation, scale and shift of a channel as one affine map: `factor · x + offset`.
#[derive(Clone, Copy)]
struct Line {
    factor: f32,
    offset: f32,
}

impl Line {
    fn new(statistics: Statistics, scale: f32, shift: f32) -> Self {
        let factor = statistics.inverse_deviation * scale;
        Self {
            factor,
            offset: shift - statistics.mean * factor,
        }
    }

    #[inline(always)]
    fn at(self, x: f32) -> f32 {
        self.factor * x + self.offset
    }
}

/// Sums `values(pixel)` over a plane, in lanes. `values` must not branch, or it is not vectorised.
#[inline(always)]
fn sum_lanes<const S: usize>(pixels: usize, values: impl Fn(usize) -> [f32; S]) -> [f64; S] {
    let whole = pixels / LANES * LANES;
    let mut lanes = [[0.0f32; LANES]; S];
    for start in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            for (sums, value) in lanes.iter_mut().zip(values(start + lane)) {
                sums[lane] += value;
            }
        }
    }
    let mut sums = lanes.map(|sums| sums.iter().map(|&sum| f64::from(sum)).sum());
    for pixel in whole..pixels {
        for (sum, value) in sums.iter_mut().zip(values(pixel)) {
            *sum += f64::from(value);
        }
    }
    sums
}

multiversion! {
    fn sum(x: &[f32]) -> f64 {
        let [sum] = sum_lanes(x.len(), |i| [x[i]]);
        sum
    }
}

multiversion! {
    fn squared_deviations(mean: f32, x: &[f32]) -> f64 {
        let [sum] = sum_lanes(x.len(), |i| [(x[i] - mean) * (x[i] - mean)]);
        sum
    }
}

multiversion! {
    fn apply(line: Line, slope: f32, x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            let z = line.at(x);
            *y = if z > 0.0 { z } else { slope * z };
        }
    }
}

multiversion! {
    /// Sums over a plane of the gradients of shift and scale.
    fn gradient_sums(
        line: Line,
        statistics: Statistics,
        slope: f32,
        x: &[f32],
        grad_y: &[f32],
    ) -> [f64; 2] {
        let length = x.len().min(grad_y.len());
        let (x, grad_y) = (&x[..length], &grad_y[..length]);
        sum_lanes(length, |i| {
            let factor = if line.at(x[i]) > 0.0 { 1.0 } else { slope };
            let grad_z = factor * grad_y[i];
            let normal = (x[i] - statistics.mean) * statistics.inverse_deviation;
            [grad_z, grad_z * normal]
        })
    }
}

multiversion! {
    /// The gradient of x in a plane; `means` are those of the gradients of shift and scale.
    fn gradient(
        line: Line,
        statistics: Statistics,
        means: [f32; 2],
        slope: f32,
        x: &[f32],
        grad_y: &[f32],
        grad_x: &mut [f32],
    ) {
        for ((grad_x, &x), &grad_y) in grad_x.iter_mut().zip(x).zip(grad_y) {
            let grad_z = if line.at(x) > 0.0 {
                grad_y
            } else {
                slope * grad_y
            };
            let normal = (x - statistics.mean) * statistics.inverse_deviation;
            *grad_x = line.factor * (grad_z - means[0] - normal * means[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORM: BatchNorm = BatchNorm {
        batch: 3,
        channels: 2,
        pixels: 19,
        slope: 0.2,
    };

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len)
            .map(|i| ((i * 37 + seed * 11) % 101) as f32 / 20.0 - 2.0)
            .collect()
    }

    /// The definition, in f64.
    fn expected(x: &[f64], scale: &[f64], shift: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        for channel in 0..NORM.channels {
            let places: Vec<usize> = NORM.planes(channel).flatten().collect();
            let count = places.len() as f64;
            let mean = places.iter().map(|&i| x[i]).sum::<f64>() / count;
            let variance = places.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / count;
            for i in places {
                let z = (x[i] - mean) / (variance + EPSILON).sqrt() * scale[channel];
                let z = z + shift[channel];
                y[i] = if z > 0.0 { z } else { 0.2 * z };
            }
        }
        y
    }

    #[test]
    fn values_and_gradients_match_the_definition() {
        let len = NORM.batch * NORM.channels * NORM.pixels;
        let (x, grad_y) = (values(len, 1), values(len, 2));
        let (scale, shift) = ([0.7, -1.3], [0.2, 0.4]);
        let double = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (x64, scale64, shift64) = (double(&x), double(&scale), double(&shift));
        let loss = |x: &[f64], scale: &[f64], shift: &[f64]| -> f64 {
            let y = expected(x, scale, shift);
            y.iter().zip(&grad_y).map(|(y, &g)| y * f64::from(g)).sum()
        };
        let numeric = |at: usize, of: usize| {
            let moved = |step: f64| {
                let mut operands = [x64.clone(), scale64.clone(), shift64.clone()];
                operands[of][at] += step;
                let [x, scale, shift] = &operands;
                loss(x, scale, shift)
            };
            (moved(1e-6) - moved(-1e-6)) / 2e-6
        };
        for isa in Isa::available() {
            let (y, statistics) = NORM.forward(isa, &x, &scale, &shift);
            for (y, expected) in y.iter().zip(expected(&x64, &scale64, &shift64)) {
                assert!(
                    (f64::from(*y) - expected).abs() < 1e-5,
                    "{y} for {expected}"
                );
            }
            let found = NORM.backward(isa, &x, &scale, &shift, &statistics, &grad_y);
            for (of, gradient) in [&found.x, &found.scale, &found.shift].iter().enumerate() {
                for (at, &found) in gradient.iter().enumerate() {
                    let expected = numeric(at, of);
                    assert!(
                        (f64::from(found) - expected).abs() < 2e-4 * (1.0 + expected.abs()),
                        "operand {of} at {at}: {found} for {expected}"
                    );
                }
            }
        }
    }
}
