//! What the discriminators see of a picture: the whole or the face, moved a little, at the size of the features.
//!
//! Cropping, moving and resizing are linear in rows and in columns, so a view is two matrices.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// The `[views]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewsConfig {
    /// Where the face lies: left, top, right and bottom, as parts of the picture.
    pub(super) face: [f64; 4],
    /// Views are moved by up to so many pixels in each direction, the same for real and drawn pictures.
    pub(super) shift: usize,
}

/// One view.
pub(super) struct View {
    /// Which discriminators see it: those of the whole picture (0) or of the face (1).
    pub(super) index: usize,
    /// From a row of a picture to one of the view, `[R, S]`.
    columns: Tensor<2>,
    /// From a column to one of the view, `[R, S]`.
    rows: Tensor<2>,
}

impl View {
    /// Views of different kinds.
    pub(super) const COUNT: usize = 2;

    /// A random view of pictures of side `resolution`, as large as `size`.
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

    /// Pictures `[N, C, R, R]` to what is seen of them, `[N, C, S, S]`.
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

/// `[S, right]`: row `i` holds what sample `i` of a bilinear resize takes of each pixel in `left..right`. Half-pixel centres; the
/// edge is repeated.
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

/// The transposed `[resolution, S]` of such a matrix for pictures that are moved by `shift` pixels, their edge repeated.
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
    fn a_moved_view_repeats_the_edge() {
        let device = Device::flex();
        let x = Tensor::<4>::random([1, 1, 8, 8], Distribution::Default, &device);
        let seen = view([0, 0, 8, 8], 8, [3, 0], &device).of(x.clone());
        let edge = x.clone().narrow(3, 7, 1).repeat_dim(3, 3);
        assert_near(seen, Tensor::cat(vec![x.narrow(3, 3, 5), edge], 3));
    }
}
