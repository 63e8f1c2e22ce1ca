//! Frozen inverted residuals (MobileNetV2, EfficientNet): a run of blocks as one operation,
//! forward, and backward to its input.
//!
//! A block expands its channels with a 1×1 convolution, applies a depthwise convolution, and
//! projects them back. The expanded features are never stored as a whole: 16 channels at a time are
//! expanded, convolved and projected inside the caches. From the forward pass, the backward pass
//! needs only where ReLU6 let a gradient pass, one bit per value ([`Bits`]). It runs the same three
//! steps with transposed weights ([`pass`]). Images are stored in blocks of 16 interleaved
//! channels; several small images are computed together.

mod packed;
mod pass;
mod product;
mod stem;

use rayon::prelude::*;

use crate::layout::{deinterleave, interleave};
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::workspace::{Scratch, scratch};

use packed::Block;
use pass::{Gates, Pass, Sized};
use stem::Stem;

/// Smallest number of pixels per group. Smaller groups read all weights for too little work.
const GROUP_PIXELS: usize = 64;

/// Weights and bias of a convolution with batch norm folded in.
#[derive(Debug, Clone, Copy)]
pub struct FrozenConv<'a> {
    /// `[out, in, k, k]`; `[C, 1, k, k]` for a depthwise convolution.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
}

/// One block. ReLU6 follows the first two convolutions. The input is added if it has the shape of
/// the output.
#[derive(Debug, Clone, Copy)]
pub struct InvertedResidual<'a> {
    /// 1×1 convolution to more channels.
    pub expand: Option<FrozenConv<'a>>,
    /// Depthwise convolution; padding is TensorFlow's `same`.
    pub depthwise: FrozenConv<'a>,
    /// Stride of the depthwise convolution.
    pub stride: usize,
    /// 1×1 convolution to the output channels.
    pub project: FrozenConv<'a>,
}

/// A run of blocks with packed weights.
#[derive(Debug)]
pub struct FrozenBlocks {
    stem: Option<Stem>,
    blocks: Vec<Block>,
}

/// ReLU6 masks that a forward pass records for a backward pass.
#[derive(Debug, Clone)]
pub struct Bits {
    /// One vector per group of images.
    groups: Vec<Vec<u16>>,
}

/// A run on a batch of images of one size.
struct Call<'a> {
    run: &'a FrozenBlocks,
    isa: Isa,
    shape: [usize; 4],
    /// Height and width after the stem.
    start: [usize; 2],
    sized: Vec<Sized>,
    /// Images that are computed together.
    images: usize,
}

impl FrozenBlocks {
    /// Packs the weights. The optional `stem` is a 3×3 convolution of RGB images with stride 2 and
    /// ReLU6; it needs an even height and width.
    ///
    /// # Panics
    /// If the shapes of the weights do not match.
    pub fn new(stem: Option<FrozenConv<'_>>, blocks: &[InvertedResidual<'_>]) -> Self {
        let run = Self {
            stem: stem.as_ref().map(Stem::new),
            blocks: blocks.iter().map(Block::new).collect(),
        };
        let outputs = run
            .stem
            .iter()
            .map(|stem| stem.outputs)
            .chain(run.blocks.iter().map(|block| block.outputs));
        let inputs = run.blocks.iter().map(|block| block.inputs);
        let fits = outputs
            .zip(inputs.skip(usize::from(run.stem.is_none())))
            .all(|(output, input)| output == input);
        assert!(
            fits && !blocks.is_empty(),
            "the channels of consecutive blocks must match"
        );
        run
    }

    /// Shape of y for x `[N, C, H, W]`.
    pub fn output_shape(&self, shape: [usize; 4]) -> [usize; 4] {
        let [batch, _, height, width] = shape;
        let strides = self
            .stem
            .iter()
            .map(|_| 2)
            .chain(self.blocks.iter().map(|block| block.stride));
        let [height, width] = strides.fold([height, width], |size, stride| {
            size.map(|size| size.div_ceil(stride))
        });
        [
            batch,
            self.blocks.last().map_or(0, |block| block.outputs),
            height,
            width,
        ]
    }

    /// Computes y `[N, C', H', W']` from x `[N, C, H, W]`.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or the shape is not supported.
    pub fn forward(&self, isa: Isa, shape: [usize; 4], x: &[f32], y: &mut [f32]) {
        self.call(isa, shape).forward(x, y, &mut []);
    }

    /// Like [`Self::forward`]; also returns the masks for the backward pass.
    ///
    /// # Panics
    /// See [`Self::forward`].
    pub fn forward_noting(&self, isa: Isa, shape: [usize; 4], x: &[f32], y: &mut [f32]) -> Bits {
        let call = self.call(isa, shape);
        let mut groups: Vec<_> = call
            .groups()
            .map(|images| vec![0; call.bits(images)])
            .collect();
        call.forward(x, y, &mut groups);
        Bits { groups }
    }

    /// The gradient of x, given the gradient of y.
    ///
    /// # Panics
    /// See [`Self::forward`]; also if the masks come from another shape.
    pub fn backward(
        &self,
        isa: Isa,
        shape: [usize; 4],
        bits: &Bits,
        grad_y: &[f32],
        grad_x: &mut [f32],
    ) {
        self.call(isa, shape).backward(bits, grad_y, grad_x);
    }

    fn call(&self, isa: Isa, shape: [usize; 4]) -> Call<'_> {
        let [batch, channels, height, width] = shape;
        let inputs = if self.stem.is_some() {
            3
        } else {
            self.blocks[0].inputs
        };
        assert!(
            channels == inputs && batch * height * width > 0,
            "{shape:?} must have {inputs} channels and no dimension of 0"
        );
        let [_, _, rows, columns] = self.output_shape(shape);
        let images = GROUP_PIXELS.div_ceil(rows * columns).min(batch);
        let start = match self.stem {
            Some(_) => {
                assert!(
                    height % 2 == 0 && width % 2 == 0,
                    "{shape:?} must have an even height and width"
                );
                [height / 2, width / 2]
            }
            None => [height, width],
        };
        let mut size = start;
        let sized = self.blocks.iter().map(|block| {
            let sized = Sized::new(block, size, images);
            size = size.map(|size| size.div_ceil(block.stride));
            sized
        });
        Call {
            run: self,
            isa: isa.f32(),
            shape,
            start,
            sized: sized.collect(),
            images,
        }
    }
}

impl Call<'_> {
    /// Number of images in each group.
    fn groups(&self) -> impl Iterator<Item = usize> {
        let [batch, ..] = self.shape;
        (0..batch)
            .step_by(self.images)
            .map(move |first| self.images.min(batch - first))
    }

    /// Pixels per image after the stem.
    fn start_pixels(&self) -> usize {
        self.start.iter().product()
    }

    /// Mask words of a group: of the stem, then of every block before and after the depthwise
    /// convolution.
    fn bits(&self, images: usize) -> usize {
        self.stem_bits(images)
            + (0..self.sized.len())
                .map(|index| self.block_bits(index, images).iter().sum::<usize>())
                .sum::<usize>()
    }

    fn stem_bits(&self, images: usize) -> usize {
        let blocks = self
            .run
            .stem
            .as_ref()
            .map_or(0, |stem| stem.outputs.div_ceil(LANES));
        blocks * images * self.start_pixels()
    }

    fn block_bits(&self, index: usize, images: usize) -> [usize; 2] {
        let block = &self.run.blocks[index];
        let [before, after] = self.sized[index]
            .pixels()
            .map(|pixels| block.inner_blocks() * images * pixels);
        [if block.expand.is_some() { before } else { 0 }, after]
    }

    /// Lengths of x and y for one image.
    fn image_lengths(&self) -> [usize; 2] {
        [self.shape, self.run.output_shape(self.shape)]
            .map(|[_, channels, height, width]| channels * height * width)
    }

    fn check(&self, x: usize, y: usize) {
        let [of_x, of_y] = self.image_lengths().map(|len| len * self.shape[0]);
        assert_eq!(x, of_x, "length of x for {:?}", self.shape);
        assert_eq!(y, of_y, "length of y for {:?}", self.shape);
    }

    /// `bits` holds the masks of each group, or is empty if they are not requested.
    fn forward(&self, x: &[f32], y: &mut [f32], bits: &mut [Vec<u16>]) {
        self.check(x.len(), y.len());
        let [of_x, of_y] = self.image_lengths().map(|len| len * self.images);
        let mut bits = bits.iter_mut();
        let groups: Vec<_> = x
            .chunks(of_x)
            .zip(y.chunks_mut(of_y))
            .map(|(x, y)| (x, y, bits.next()))
            .collect();
        groups.into_par_iter().for_each(|(x, y, bits)| match bits {
            Some(bits) => self.forward_group(x, y, Some(&mut bits[..])),
            None => self.forward_group(x, y, None),
        });
    }

    fn forward_group(&self, x: &[f32], y: &mut [f32], mut bits: Option<&mut [u16]>) {
        let images = x.len() / self.image_lengths()[0];
        let mut features = match &self.run.stem {
            None => to_blocks(self.isa, self.run.blocks[0].inputs, self.start_pixels(), x),
            Some(stem) => {
                let bits = take(&mut bits, self.stem_bits(images));
                self.stem_forward(stem, images, x, bits.unwrap_or_default())
            }
        };
        for (index, (block, sized)) in self.run.blocks.iter().zip(&self.sized).enumerate() {
            let [_, after] = sized.pixels();
            let mut next = scratch(block.outputs.div_ceil(LANES) * images * after * LANES);
            let lengths = self.block_bits(index, images);
            let gates = match lengths.map(|len| take(&mut bits, len)) {
                [Some(before), Some(after)] => Gates::RecordingRelu6([before, after]),
                _ => Gates::Relu6,
            };
            Pass::forward(self.isa, block, sized).run(images, &features, &mut next, gates);
            features = next;
        }
        let [_, channels, height, width] = self.run.output_shape(self.shape);
        to_planes(self.isa, channels, height * width, &features, y);
    }

    fn stem_forward(&self, stem: &Stem, images: usize, x: &[f32], bits: &mut [u16]) -> Scratch {
        let [_, _, height, width] = self.shape;
        let pixels = self.start_pixels();
        let stride = images * pixels * LANES;
        let mut features = scratch(stem.outputs.div_ceil(LANES) * stride);
        for (index, image) in x.chunks_exact(self.image_lengths()[0]).enumerate() {
            let first = index * pixels;
            let bits = if bits.is_empty() {
                &mut []
            } else {
                &mut bits[first..]
            };
            stem.forward(
                self.isa,
                [height, width],
                image,
                &mut features[first * LANES..],
                bits,
                stride,
            );
        }
        features
    }

    fn backward(&self, bits: &Bits, grad_y: &[f32], grad_x: &mut [f32]) {
        self.check(grad_x.len(), grad_y.len());
        let fits = bits
            .groups
            .iter()
            .map(Vec::len)
            .eq(self.groups().map(|images| self.bits(images)));
        assert!(
            fits,
            "masks do not come from a forward pass of {:?}",
            self.shape
        );
        let [of_x, of_y] = self.image_lengths().map(|len| len * self.images);
        let groups: Vec<_> = grad_x
            .chunks_mut(of_x)
            .zip(grad_y.chunks(of_y))
            .zip(&bits.groups)
            .collect();
        groups
            .into_par_iter()
            .for_each(|((grad_x, grad_y), bits)| self.backward_group(bits, grad_y, grad_x));
    }

    fn backward_group(&self, bits: &[u16], grad_y: &[f32], grad_x: &mut [f32]) {
        let images = grad_x.len() / self.image_lengths()[0];
        let [_, channels, height, width] = self.run.output_shape(self.shape);
        let mut gradient = to_blocks(self.isa, channels, height * width, grad_y);
        let mut bits = bits;
        for (index, (block, sized)) in self.run.blocks.iter().zip(&self.sized).enumerate().rev() {
            let [before, _] = sized.pixels();
            let mut next = scratch(block.inputs.div_ceil(LANES) * images * before * LANES);
            let [len_before, len_after] = self.block_bits(index, images);
            let (others, after) = bits.split_at(bits.len() - len_after);
            let (others, before) = others.split_at(others.len() - len_before);
            bits = others;
            // In the backward pass, the mask after the depthwise convolution comes first.
            let gates = Gates::Relu6Gradient([after, before]);
            Pass::backward(self.isa, block, sized).run(images, &gradient, &mut next, gates);
            gradient = next;
        }
        match &self.run.stem {
            None => to_planes(
                self.isa,
                self.run.blocks[0].inputs,
                self.start_pixels(),
                &gradient,
                grad_x,
            ),
            Some(stem) => {
                keep(self.isa, bits, &mut gradient);
                let [_, _, height, width] = self.shape;
                let pixels = self.start_pixels();
                for (index, grad_x) in grad_x.chunks_exact_mut(self.image_lengths()[0]).enumerate()
                {
                    let grad_y = &gradient[index * pixels * LANES..];
                    stem.backward(
                        self.isa,
                        [height, width],
                        grad_y,
                        images * pixels * LANES,
                        grad_x,
                    );
                }
            }
        }
    }
}

/// Takes the first `len` mask words, if there are any.
fn take<'b>(bits: &mut Option<&'b mut [u16]>, len: usize) -> Option<&'b mut [u16]> {
    let (first, others) = bits.take()?.split_at_mut(len);
    *bits = Some(others);
    Some(first)
}

/// Converts images `[n, C, pixels]` to `[⌈C/16⌉, n, pixels, 16]`.
fn to_blocks(isa: Isa, channels: usize, pixels: usize, planes: &[f32]) -> Scratch {
    let images = planes.len() / (channels * pixels);
    let mut blocks = scratch(channels.div_ceil(LANES) * images * pixels * LANES);
    for (index, out) in blocks.chunks_exact_mut(pixels * LANES).enumerate() {
        let (block, image) = (index / images, index % images);
        let image = &planes[image * channels * pixels..][..channels * pixels];
        let lines: Vec<_> = image
            .chunks_exact(pixels)
            .skip(block * LANES)
            .take(LANES)
            .collect();
        interleave(isa, &lines, &[1.0; LANES], out);
    }
    blocks
}

/// Inverse of [`to_blocks`].
fn to_planes(isa: Isa, channels: usize, pixels: usize, blocks: &[f32], planes: &mut [f32]) {
    let images = planes.len() / (channels * pixels);
    for (index, image) in planes.chunks_exact_mut(channels * pixels).enumerate() {
        for (block, planes) in image.chunks_mut(LANES * pixels).enumerate() {
            let source = &blocks[(block * images + index) * pixels * LANES..][..pixels * LANES];
            let mut lines: Vec<_> = planes.chunks_exact_mut(pixels).collect();
            deinterleave(isa, source, 0, &mut lines);
        }
    }
}

multiversion! {
    /// Zeroes the gradient where a bit is not set: the gradient of ReLU6.
    fn keep(bits: &[u16], gradient: &mut [f32]) {
        for (bits, vector) in bits.iter().zip(gradient.as_chunks_mut::<LANES>().0) {
            // SAFETY: this function is compiled for the instruction set of `S`; an array of `LANES`
            // floats is a vector.
            unsafe {
                S::store(
                    vector.as_mut_ptr(),
                    S::keep(*bits, S::load(vector.as_ptr())),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
