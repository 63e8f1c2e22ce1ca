//! Frozen inverted residuals (MobileNetV2, EfficientNet): a run of blocks as one operation, forward
//! and backward to its input.
//!
//! A block widens its channels by 1×1 weights, convolves each by itself, and narrows them again.
//! The wide features are never stored: 16 channels of them at a time are made, convolved and
//! narrowed, all in the caches. Of the forward pass the backward pass needs only where ReLU6 let a
//! gradient pass, a bit a number ([`Bits`]), and is the same three steps with transposed weights
//! ([`pass`]). Images are in blocks of 16 channels beside each other; several small ones are
//! computed together.

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

/// Pixels of the smallest plane that are computed together: fewer would read all weights for too
/// little.
const GROUP_PIXELS: usize = 64;

/// Weights and bias of a convolution, batch norm folded in.
#[derive(Debug, Clone, Copy)]
pub struct FrozenConv<'a> {
    /// `[out, in, k, k]`; of a depthwise one `[C, 1, k, k]`.
    pub weight: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
}

/// A block. ReLU6 follows the first two convolutions; the input is added where it has the shape of
/// the output.
#[derive(Debug, Clone, Copy)]
pub struct InvertedResidual<'a> {
    /// 1×1.
    pub expand: Option<FrozenConv<'a>>,
    /// Zeros around the image as TensorFlow's `same`.
    pub depthwise: FrozenConv<'a>,
    /// Of the depthwise convolution.
    pub stride: usize,
    /// 1×1.
    pub project: FrozenConv<'a>,
}

/// A run of blocks with packed weights.
#[derive(Debug)]
pub struct FrozenBlocks {
    stem: Option<Stem>,
    blocks: Vec<Block>,
}

/// Where gradients pass: what a forward pass leaves for a backward pass.
#[derive(Debug, Clone)]
pub struct Bits {
    /// By group of images.
    groups: Vec<Vec<u16>>,
}

/// The run on a batch of images of one size.
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
    /// Packs the weights. `stem`, where there is one, is a convolution of three colours with a
    /// kernel of 3, a stride of 2 and ReLU6; it asks for an even number of rows and columns.
    ///
    /// # Panics
    /// If weights do not fit each other.
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
        assert!(fits && !blocks.is_empty(), "blocks follow each other");
        run
    }

    /// Shape of y of an x `[N, C, H, W]`.
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
    /// If a slice has not the length that its shape asks for, or the shape is not supported.
    pub fn forward(&self, isa: Isa, shape: [usize; 4], x: &[f32], y: &mut [f32]) {
        self.call(isa, shape).forward(x, y, &mut []);
    }

    /// [`Self::forward`], and what the backward pass needs.
    ///
    /// # Panics
    /// As [`Self::forward`].
    pub fn forward_noting(&self, isa: Isa, shape: [usize; 4], x: &[f32], y: &mut [f32]) -> Bits {
        let call = self.call(isa, shape);
        let mut groups: Vec<_> = call
            .groups()
            .map(|images| vec![0; call.bits(images)])
            .collect();
        call.forward(x, y, &mut groups);
        Bits { groups }
    }

    /// The gradient of x, given that of y.
    ///
    /// # Panics
    /// As [`Self::forward`], or if the bits are not of such a forward pass.
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
            "{shape:?} has {inputs} channels and no dimension of 0"
        );
        let [_, _, rows, columns] = self.output_shape(shape);
        let images = GROUP_PIXELS.div_ceil(rows * columns).min(batch);
        let start = match self.stem {
            Some(_) => {
                assert!(
                    height % 2 == 0 && width % 2 == 0,
                    "{shape:?} has even rows and columns"
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
    /// Images of each group.
    fn groups(&self) -> impl Iterator<Item = usize> {
        let [batch, ..] = self.shape;
        (0..batch)
            .step_by(self.images)
            .map(move |first| self.images.min(batch - first))
    }

    /// Pixels of an image after the stem.
    fn start_pixels(&self) -> usize {
        self.start.iter().product()
    }

    /// Bits of a group, in vectors: of the stem, then of every block those in front and those
    /// behind the convolution.
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

    /// Lengths of x and y of one image.
    fn image_lengths(&self) -> [usize; 2] {
        [self.shape, self.run.output_shape(self.shape)]
            .map(|[_, channels, height, width]| channels * height * width)
    }

    fn check(&self, x: usize, y: usize) {
        let [of_x, of_y] = self.image_lengths().map(|len| len * self.shape[0]);
        assert_eq!(x, of_x, "length of x of {:?}", self.shape);
        assert_eq!(y, of_y, "length of y of {:?}", self.shape);
    }

    /// `bits` are those of each group, or none where they are not wanted.
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
                [Some(before), Some(after)] => Gates::Noting([before, after]),
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
        assert!(fits, "bits of a forward pass of {:?}", self.shape);
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
            // Backward, the bits behind the convolution come first.
            let gates = Gates::Noted([after, before]);
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

/// Takes the first `len` bits, if there are any.
fn take<'b>(bits: &mut Option<&'b mut [u16]>, len: usize) -> Option<&'b mut [u16]> {
    let (first, others) = bits.take()?.split_at_mut(len);
    *bits = Some(others);
    Some(first)
}

/// Images `[n, C, pixels]` to `[⌈C/16⌉, n, pixels, 16]`.
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

/// The reverse of [`to_blocks`].
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
    /// Zero where a bit is not set: the gradient of ReLU6.
    fn keep(bits: &[u16], gradient: &mut [f32]) {
        for (bits, vector) in bits.iter().zip(gradient.as_chunks_mut::<LANES>().0) {
            // SAFETY: the instruction set is the one this is compiled for; an array of `LANES`
            // floats is a vector.
            unsafe { S::store(vector.as_mut_ptr(), S::keep(*bits, S::load(vector.as_ptr()))) }
        }
    }
}

#[cfg(test)]
mod tests;
