//! Conversion between output images and lines: the last step of a forward pass and the first step
//! of a backward pass, one output channel of one image at a time.
//!
//! An up-sampling convolution is a transposed convolution followed by the filter [1, 3, 3, 1] ⊗ [1,
//! 3, 3, 1] with gain 4 (StyleGAN2 `up=2`). Its lines are the four *phases* of the output `t` of
//! the transposed convolution: phase `2a + b` holds `t[2i + a, 2j + b]` at `(i, j)`. The input is
//! zero outside the image, so the lines are zero outside `t`.

use crate::activation::{Finish, PlaneSums, finish_row, finish_row_gradient};
use crate::layout::Layout;
use crate::simd::multiversion;

/// `[1, 3, 3, 1] / 4` over four slices of equal length.
#[inline(always)]
fn filter(taps: [&[f32]; 4], out: &mut [f32]) {
    let [a, b, c, d] = taps.map(|tap| &tap[..out.len()]);
    for i in 0..out.len() {
        out[i] = 0.25 * (a[i] + d[i]) + 0.75 * (b[i] + c[i]);
    }
}

multiversion! {
    /// Finishes one image of a plain convolution: `line` to output plane `y [H, W]`.
    pub(crate) fn finish_plane(
        layout: &Layout,
        line: &[f32],
        image: usize,
        finish: &Finish,
        noise: &[f32],
        y: &mut [f32],
    ) {
        for (row, y) in y.chunks_exact_mut(layout.width).enumerate() {
            y.copy_from_slice(&line[layout.row(image, row)..][..layout.width]);
            let noise = if noise.is_empty() {
                noise
            } else {
                &noise[row * layout.width..][..layout.width]
            };
            finish_row(finish, noise, y);
        }
    }
}

multiversion! {
    /// Finishes one image of an up-sampling convolution: four `lines` to output plane `y [2H, 2W]`.
    /// `columns` is scratch memory of [`column_scratch`] floats.
    pub(crate) fn finish_up_plane(
        layout: &Layout,
        lines: &[f32],
        image: usize,
        finish: &Finish,
        noise: &[f32],
        columns: &mut [f32],
        y: &mut [f32],
    ) {
        let width = layout.width;
        let (even, odd) = columns.split_at_mut(columns.len() / 2);
        // From one column left of the image to one column right of it.
        let (even, odd) = (&mut even[..width + 2], &mut odd[..width + 2]);
        for (row, y) in y.chunks_exact_mut(2 * width).enumerate() {
            let start = layout.row(image, row / 2) - 1;
            for (column_phase, out) in [&mut *even, &mut *odd].into_iter().enumerate() {
                let upper = &lines[column_phase * layout.plane..][..layout.plane];
                let lower = &lines[(2 + column_phase) * layout.plane..][..layout.plane];
                let next = start + layout.pitch;
                if row % 2 == 0 {
                    filter(
                        [
                            &lower[start - layout.pitch..],
                            &upper[start..],
                            &lower[start..],
                            &upper[next..],
                        ],
                        out,
                    );
                } else {
                    filter(
                        [
                            &upper[start..],
                            &lower[start..],
                            &upper[next..],
                            &lower[next..],
                        ],
                        out,
                    );
                }
            }
            let pairs = y
                .as_chunks_mut::<2>()
                .0
                .iter_mut()
                .zip(even.windows(3))
                .zip(odd.windows(3));
            for ((pair, even), odd) in pairs {
                pair[0] = 0.25 * (odd[0] + even[2]) + 0.75 * (even[1] + odd[1]);
                pair[1] = 0.25 * (even[1] + odd[2]) + 0.75 * (odd[1] + even[2]);
            }
            let noise = if noise.is_empty() {
                noise
            } else {
                &noise[row * 2 * width..][..2 * width]
            };
            finish_row(finish, noise, y);
        }
    }
}

/// Number of scratch floats for [`finish_up_plane`].
pub(crate) fn column_scratch(layout: &Layout) -> usize {
    2 * (layout.width + 2)
}

multiversion! {
    /// The gradient of [`finish_plane`] with respect to its line, including the padding.
    pub(crate) fn finish_plane_gradient(
        layout: &Layout,
        finish: &Finish,
        noise: &[f32],
        y: &[f32],
        grad_y: &[f32],
        image: usize,
        line: &mut [f32],
    ) -> PlaneSums {
        let mut sums = PlaneSums::default();
        let rows = y
            .chunks_exact(layout.width)
            .zip(grad_y.chunks_exact(layout.width));
        for (row, (y, grad_y)) in rows.enumerate() {
            let noise = if noise.is_empty() {
                noise
            } else {
                &noise[row * layout.width..][..layout.width]
            };
            let (out, padding) =
                line[layout.row(image, row)..][..layout.pitch].split_at_mut(layout.width);
            // SAFETY: this function is compiled for the instruction set of `S`.
            unsafe { finish_row_gradient::<S>(finish, noise, y, grad_y, out, &mut sums) };
            padding.fill(0.0);
        }
        line[layout.row(image, layout.height)..layout.row(image + 1, 0)].fill(0.0);
        sums
    }
}

multiversion! {
    /// The gradient of [`finish_up_plane`] with respect to its four lines. `frame` is scratch
    /// memory of [`frame_scratch`] floats.
    pub(crate) fn finish_up_plane_gradient(
        layout: &Layout,
        finish: &Finish,
        noise: &[f32],
        y: &[f32],
        grad_y: &[f32],
        image: usize,
        frame: &mut [f32],
        lines: &mut [f32],
    ) -> PlaneSums {
        let width = 2 * layout.width;
        let pitch = width + FRAME;
        let (frame, filtered) = frame.split_at_mut(frame.len() - pitch);
        // The gradient in a zero frame: two before, four after.
        frame.fill(0.0);
        let mut sums = PlaneSums::default();
        for (row, (y, grad_y)) in y
            .chunks_exact(width)
            .zip(grad_y.chunks_exact(width))
            .enumerate()
        {
            let noise = if noise.is_empty() {
                noise
            } else {
                &noise[row * width..][..width]
            };
            let out = &mut frame[(row + 2) * pitch + 2..][..width];
            // SAFETY: this function is compiled for the instruction set of `S`.
            unsafe { finish_row_gradient::<S>(finish, noise, y, grad_y, out, &mut sums) };
        }
        for i in 0..=layout.height {
            for row_phase in 0..2 {
                let first = (2 * i + row_phase) * pitch;
                let taps = std::array::from_fn(|tap| &frame[first + tap * pitch..]);
                filter(taps, filtered);
                let start = layout.row(image, i);
                let (even, odd) = lines[2 * row_phase * layout.plane..].split_at_mut(layout.plane);
                let outputs = even[start..]
                    .iter_mut()
                    .zip(&mut odd[start..])
                    .take(layout.width + 1);
                for ((even, odd), pairs) in outputs.zip(filtered.as_chunks::<2>().0.windows(3)) {
                    let [[a, b], [c, d], [e, _]] = [pairs[0], pairs[1], pairs[2]];
                    *even = 0.25 * (a + d) + 0.75 * (b + c);
                    *odd = 0.25 * (b + e) + 0.75 * (c + d);
                }
            }
        }
        sums
    }
}

/// Zeros around a plane of gradients, per dimension.
const FRAME: usize = 6;

/// Number of scratch floats for [`finish_up_plane_gradient`].
pub(crate) fn frame_scratch(layout: &Layout) -> usize {
    (2 * layout.height + FRAME + 1) * (2 * layout.width + FRAME)
}

multiversion! {
    /// Sums the product of one image of an input gradient's `line` with the input `x [H, W]`; the
    /// sum is the gradient of the style. If requested, writes the gradient of x: the line times the
    /// style.
    pub(crate) fn input_gradient_plane(
        layout: &Layout,
        line: &[f32],
        image: usize,
        style: f32,
        x: &[f32],
        grad_x: Option<&mut [f32]>,
    ) -> f32 {
        let rows = (0..layout.height).map(|y| &line[layout.row(image, y)..][..layout.width]);
        if let Some(grad_x) = grad_x {
            for (out, row) in grad_x.chunks_exact_mut(layout.width).zip(rows.clone()) {
                for (out, value) in out.iter_mut().zip(row) {
                    *out = value * style;
                }
            }
        }
        let mut lanes = [0.0; crate::simd::LANES];
        for (x, row) in x.chunks_exact(layout.width).zip(rows) {
            for (x, row) in x.chunks(lanes.len()).zip(row.chunks(lanes.len())) {
                for ((lane, x), value) in lanes.iter_mut().zip(x).zip(row) {
                    *lane += x * value;
                }
            }
        }
        lanes.iter().sum()
    }
}

multiversion! {
    /// Sums the product of rows of an input gradient with rows of the input `x`; the sum is the
    /// gradient of the style. The rows become the gradient of x: themselves times the style.
    pub(crate) fn input_gradient_rows(style: f32, x: &[f32], rows: &mut [f32]) -> f32 {
        let mut lanes = [0.0; crate::simd::LANES];
        for (x, rows) in x.chunks(lanes.len()).zip(rows.chunks_mut(lanes.len())) {
            for ((lane, x), value) in lanes.iter_mut().zip(x).zip(rows) {
                *lane += x * *value;
                *value *= style;
            }
        }
        lanes.iter().sum()
    }
}
