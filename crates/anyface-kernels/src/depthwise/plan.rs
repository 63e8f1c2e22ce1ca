//! Which pixels a depthwise convolution, or its transpose, multiplies by which weights.

use crate::simd::LANES;

/// Kernel and stride of a depthwise convolution on an image. Padding is TensorFlow's `same`: enough
/// zeros for ⌈H/s⌉ × ⌈W/s⌉ outputs, with the odd one at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Side of the kernel, at least the stride.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

/// One axis of a [`Window`].
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    kernel: usize,
    stride: usize,
}

impl Axis {
    fn outputs(self) -> usize {
        self.size.div_ceil(self.stride)
    }

    /// Zeros before the first pixel.
    fn before(self) -> usize {
        let reach = (self.outputs() - 1) * self.stride + self.kernel;
        reach.saturating_sub(self.size) / 2
    }

    /// For the transpose: the kernel positions that reach the inputs `phase, phase + stride, …`,
    /// each with the shift from the input's index in its phase to the output.
    fn reached(self, phase: usize) -> impl Iterator<Item = (usize, isize)> {
        let shift = phase + self.before();
        let multiple = self.kernel * self.stride;
        let places = (0..self.kernel)
            .filter(move |place| (shift + multiple - place).is_multiple_of(self.stride));
        places.map(move |place| {
            (
                place,
                (shift as isize - place as isize) / self.stride as isize,
            )
        })
    }

    /// For the transpose: the smallest and largest shift of any phase.
    fn steps(self) -> [isize; 2] {
        let steps = || {
            (0..self.stride)
                .flat_map(move |phase| self.reached(phase))
                .map(|(_, step)| step)
        };
        [steps().min().unwrap_or(0), steps().max().unwrap_or(0)]
    }
}

impl Window {
    fn axes(self) -> [Axis; 2] {
        [self.height, self.width].map(|size| Axis {
            size,
            kernel: self.kernel,
            stride: self.stride,
        })
    }

    /// Height and width of the output.
    pub(crate) fn output_size(self) -> [usize; 2] {
        self.axes().map(Axis::outputs)
    }

    /// The plan of the convolution.
    pub(crate) fn forward(self) -> Plan {
        let [rows, columns] = self.axes();
        let frame = [rows, columns].map(|axis| {
            let reach = (axis.outputs() - 1) * axis.stride + axis.kernel;
            reach.max(axis.before() + axis.size)
        });
        let places = (0..self.kernel).flat_map(|ky| (0..self.kernel).map(move |kx| (ky, kx)));
        let taps = places
            .map(|(ky, kx)| Tap {
                offset: (ky * frame[1] + kx) * LANES,
                weight: ky * self.kernel + kx,
            })
            .collect();
        let [height, width] = self.output_size();
        Plan {
            source: [self.height, self.width],
            target: [height, width],
            frame,
            origin: [rows.before(), columns.before()],
            phases: vec![Phase {
                taps,
                size: [height, width],
                source_steps: [self.stride * frame[1] * LANES, self.stride * LANES],
                first: 0,
                target_steps: [width, 1],
            }],
        }
    }

    /// The plan of the transpose, from output gradients to input gradients.
    pub(crate) fn transposed(self) -> Plan {
        let [rows, columns] = self.axes();
        let [[least_row, _], [least_column, _]] = [rows, columns].map(Axis::steps);
        let frame = [rows, columns].map(|axis| {
            let [least, greatest] = axis.steps();
            let last = (axis.size.div_ceil(axis.stride) - 1) as isize + greatest.max(0);
            (last + 1 - least) as usize
        });
        let mut phases = Vec::new();
        for phase_row in 0..self.stride.min(self.height) {
            for phase_column in 0..self.stride.min(self.width) {
                let mut taps = Vec::new();
                for (ky, row) in rows.reached(phase_row) {
                    for (kx, column) in columns.reached(phase_column) {
                        let [row, column] = [row - least_row, column - least_column];
                        taps.push(Tap {
                            offset: (row as usize * frame[1] + column as usize) * LANES,
                            weight: ky * self.kernel + kx,
                        });
                    }
                }
                phases.push(Phase {
                    taps,
                    size: [
                        (self.height - phase_row).div_ceil(self.stride),
                        (self.width - phase_column).div_ceil(self.stride),
                    ],
                    source_steps: [frame[1] * LANES, LANES],
                    first: phase_row * self.width + phase_column,
                    target_steps: [self.stride * self.width, self.stride],
                });
            }
        }
        Plan {
            source: self.output_size(),
            target: [self.height, self.width],
            frame,
            origin: [-least_row as usize, -least_column as usize],
            phases,
        }
    }
}

/// A convolution of 16 interleaved channels. It reads a *frame*: an image with a zero margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Height and width of the input image.
    pub(crate) source: [usize; 2],
    /// Height and width of the output.
    pub(crate) target: [usize; 2],
    /// Height and width of the frame.
    pub(crate) frame: [usize; 2],
    /// Row and column of the image's first pixel in the frame.
    pub(crate) origin: [usize; 2],
    pub(crate) phases: Vec<Phase>,
}

/// Output pixels that share their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    pub(crate) taps: Vec<Tap>,
    /// Rows and columns of pixels in the phase.
    pub(crate) size: [usize; 2],
    /// Floats in the frame between rows, and between columns, of the phase.
    pub(crate) source_steps: [usize; 2],
    /// Index of the first output pixel.
    pub(crate) first: usize,
    /// Output pixels between rows, and between columns, of the phase.
    pub(crate) target_steps: [usize; 2],
}

/// One multiplication per pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Offset in the frame from the start of the pixel's window, in floats.
    pub(crate) offset: usize,
    /// Index of the weight in the kernel.
    pub(crate) weight: usize,
}

impl Plan {
    /// Number of floats in the frame of one image.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame[0] * self.frame[1] * LANES
    }

    /// Sets the margin of the frame to zero.
    pub(crate) fn clear_margin(&self, frame: &mut [f32]) {
        let [height, width] = self.source;
        let [top, left] = self.origin;
        for (y, row) in frame.chunks_exact_mut(self.frame[1] * LANES).enumerate() {
            if (top..top + height).contains(&y) {
                row[..left * LANES].fill(0.0);
                row[(left + width) * LANES..].fill(0.0);
            } else {
                row.fill(0.0);
            }
        }
    }

    /// Number of pixels in the input image.
    pub(crate) fn source_pixels(&self) -> usize {
        self.source[0] * self.source[1]
    }

    /// Number of output pixels.
    pub(crate) fn target_pixels(&self) -> usize {
        self.target[0] * self.target[1]
    }

    /// Offset, in floats, of every image pixel in the frames of `images` images.
    pub(crate) fn positions(&self, images: usize) -> Vec<u32> {
        let [height, width] = self.source;
        let [top, left] = self.origin;
        let pixels = (0..images).flat_map(|image| {
            (0..height).flat_map(move |y| (0..width).map(move |x| (image, y, x)))
        });
        pixels
            .map(|(image, y, x)| {
                let position = ((y + top) * self.frame[1] + x + left) * LANES;
                let position = image * self.frame_len() + position;
                u32::try_from(position).expect("frames have fewer than 2³² floats")
            })
            .collect()
    }
}
