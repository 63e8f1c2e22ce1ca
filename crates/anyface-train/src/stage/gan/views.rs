//! Views: the input of the discriminators. A view is the whole picture or the face, shifted by a
//! few pixels and resized to the size of the feature network.
//!
//! Crop, shift and resize are linear in rows and in columns, so a view is two matrices.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// The `[views]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewsConfig {
    /// Bounding box of the face: left, top, right and bottom, as fractions of the picture.
    pub(super) face: [f64; 4],
    /// Maximum random shift in pixels, per direction. Real and generated pictures get the same
    /// shift.
    pub(super) shift: usize,
}

/// A view.
pub(super) struct View {
    /// Kind of the view, and its discriminators: the whole picture (0) or the face (1).
    pub(super) index: usize,
    /// From a row of a picture to a row of the view, `[R, S]`.
    columns: Tensor<2>,
    /// From a column of a picture to a column of the view, `[R, S]`.
    rows: Tensor<2>,
}

impl View {
    /// Number of kinds.
    pub(super) const COUNT: usize = 2;

    /// A random view with side `size` of pictures with side `resolution`.
    pub(super) fn random(
        config: &ViewsConfig,
        resolution: usize,
        size: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let index = rng.random_range(0..Self::COUNT);
        let [left, top, right, bottom] = match index {
            0 => [0, 0, resolution, resolution],
            _ => config
                .face
                .map(|part| (part * resolution as f64).round() as usize),
        };
        let mut axis = |crop: [usize; 2]| {
            let reach = config.shift as i64;
            let shift = rng.random_range(-reach..=reach);
            shifted(resize_matrix(crop, size), resolution, shift, device)
        };
        Self {
            index,
            columns: axis([left, right]),
            rows: axis([top, bottom]),
        }
    }

    /// Views `[N, C, S, S]` of pictures `[N, C, R, R]`.
    pub(super) fn of(&self, pictures: Tensor<4>) -> Tensor<4> {
        let along = |x: Tensor<4>, matrix: &Tensor<2>| {
            let [n, c, height, width] = x.dims();
            let [_, size] = matrix.dims();
            let rows = x.reshape([n * c * height, width]).matmul(matrix.clone());
            rows.reshape([n, c, height, size]).swap_dims(2, 3)
        };
        along(along(pictures, &self.columns), &self.rows)
    }
}

/// Weights of a bilinear resize, `[S, right]`: row `i` has the weights of the pixels `left..right`
/// in sample `i`. Samples are at pixel centres. Edge pixels are repeated.
pub(super) fn resize_matrix([left, right]: [usize; 2], size: usize) -> Vec<Vec<f32>> {
    let length = right - left;
    (0..size)
        .map(|i| {
            let place = (i as f64 + 0.5) * length as f64 / size as f64 - 0.5;
            let place = place.clamp(0.0, (length - 1) as f64);
            let first = place.floor() as usize;
            let part = (place - first as f64) as f32;
            let mut row = vec![0.0; right];
            row[left + first] += 1.0 - part;
            row[left + (first + 1).min(length - 1)] += part;
            row
        })
        .collect()
}

/// The transposed matrix `[resolution, S]` for pictures shifted by `shift` pixels. Edge pixels are
/// repeated.
fn shifted(matrix: Vec<Vec<f32>>, resolution: usize, shift: i64, device: &Device) -> Tensor<2> {
    let size = matrix.len();
    let mut values = vec![0.0f32; resolution * size];
    for (i, row) in matrix.iter().enumerate() {
        for (pixel, &part) in row.iter().enumerate() {
            let from = (pixel as i64 + shift).clamp(0, resolution as i64 - 1) as usize;
            values[from * size + i] += part;
        }
    }
    Tensor::from_data(TensorData::new(values, [resolution, size]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;
    use burn::tensor::module::interpolate;
    use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

    fn view(crop: [usize; 4], size: usize, shifts: [i64; 2], device: &Device) -> View {
        let [left, top, right, bottom] = crop;
        View {
            index: 0,
            columns: shifted(resize_matrix([left, right], size), 8, shifts[0], device),
            rows: shifted(resize_matrix([top, bottom], size), 8, shifts[1], device),
        }
    }

    fn assert_near(found: Tensor<4>, expected: Tensor<4>) {
        let error = (found - expected).abs().max().into_scalar::<f32>();
        assert!(error < 1e-5, "{error}");
    }

    #[test]
    fn a_view_is_a_crop_and_a_bilinear_resize() {
        let device = Device::flex();
        let x = Tensor::<4>::random([2, 3, 8, 8], Distribution::Default, &device);
        let seen = view([1, 2, 7, 8], 12, [0, 0], &device).of(x.clone());
        let mut options = InterpolateOptions::new(InterpolateMode::Bilinear);
        options.align_corners = false;
        options.output_size = Some([12, 12]);
        let crop = x.narrow(2, 2, 6).narrow(3, 1, 6);
        assert_near(seen, interpolate(crop, options));
    }

    #[test]
    fn a_shifted_view_repeats_the_edge() {
        let device = Device::flex();
        let x = Tensor::<4>::random([1, 1, 8, 8], Distribution::Default, &device);
        let seen = view([0, 0, 8, 8], 8, [3, 0], &device).of(x.clone());
        let edge = x.clone().narrow(3, 7, 1).repeat_dim(3, 3);
        assert_near(seen, Tensor::cat(vec![x.narrow(3, 3, 5), edge], 3));
    }
}
