//! The styled convolution of StyleGAN2 with its surrounding operations fused.

mod algorithm;
mod backward;
mod direct;
mod pointwise;
mod prepared;
mod winograd;

pub use backward::Gradients;
pub use prepared::PreparedWeights;

use crate::Activation;
use crate::activation::Finish;
use crate::algorithm::Algorithm;
use crate::convolve::{Tap, taps};
use crate::demodulation::demodulation;
use crate::features::{Order, blocks_to_planes, planes_to_blocks};
use crate::layout::Layout;
use crate::simd::Isa;
use crate::workspace::scratch;
use prepared::Packed;

/// Smallest number of positions per group of images: small images then fill the register tiles, and
/// large ones stay in the cache.
const GROUP_POSITIONS: usize = 1024;

/// `y = clamp(activation(conv(x · s) · d + noise · strength + bias))`.
///
/// Shapes: x `[N, in, H, W]`, weight `[out, in, k, k]`, style s `[N, in]`, noise
/// `[N or 1, 1, H', W']`, bias `[out]`, y `[N, out, H', W']`; `H' = 2H` with `up`, else `H`. All
/// are contiguous.
///
/// With `demodulate`, d is `(Σ (w·s)² + 1e-8)^(−1/2)` per image and output channel, else 1. With
/// `up`, conv is the transposed convolution of stride 2 followed by the filter [1, 3, 3, 1] ⊗ [1,
/// 3, 3, 1] with gain 4 (`SynthesisLayer` of stylegan2-ada-pytorch with `up=2`). Otherwise it is
/// cross-correlation with "same" padding.
#[derive(Debug, Clone, Copy)]
pub struct StyledConv {
    /// N.
    pub batch: usize,
    /// Channels of x.
    pub in_channels: usize,
    /// Channels of y.
    pub out_channels: usize,
    /// H, rows of x.
    pub height: usize,
    /// W, columns of x.
    pub width: usize,
    /// k: 1 or 3.
    pub kernel: usize,
    /// Doubles the resolution; requires k = 3.
    pub up: bool,
    /// Whether to normalise output channels to unit variance.
    pub demodulate: bool,
    /// Activation after the bias.
    pub activation: Activation,
    /// Bound of |y|.
    pub clamp: Option<f32>,
}

/// Inputs of a styled convolution.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// `[N, in, H, W]`.
    pub x: &'a [f32],
    /// `[out, in, k, k]`.
    pub weight: &'a [f32],
    /// `[N, in]`; ones if `None`.
    pub style: Option<&'a [f32]>,
    /// Added before the bias.
    pub noise: Option<Noise<'a>>,
    /// `[out]`; zeros if `None`.
    pub bias: Option<&'a [f32]>,
}

/// Per-pixel noise, shared by all channels.
#[derive(Debug, Clone, Copy)]
pub struct Noise<'a> {
    /// `[N, 1, H', W']` or `[1, 1, H', W']`.
    pub map: &'a [f32],
    /// Factor of the map.
    pub strength: f32,
}

impl StyledConv {
    /// Height and width of y.
    pub fn output_size(&self) -> [usize; 2] {
        [self.height, self.width].map(|size| if self.up { 2 * size } else { size })
    }

    /// Multiplications and additions in one forward pass. A backward pass has twice as many.
    pub fn flops(&self) -> u64 {
        let per_pixel = 2 * self.in_channels * self.out_channels * self.kernel * self.kernel;
        (self.batch * self.height * self.width * per_pixel) as u64
    }

    /// Computes y `[N, out, H', W']`.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or the shape is not supported.
    pub fn forward(&self, isa: Isa, inputs: &Inputs<'_>, y: &mut [f32]) {
        self.forward_prepared(&self.prepare_weights(isa, inputs.weight), inputs, y);
    }

    /// Like [`StyledConv::forward`] with prepared weights; the weight in `inputs` is not read and
    /// may be empty.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or the weights belong to another
    /// convolution.
    pub fn forward_prepared(&self, weights: &PreparedWeights, inputs: &Inputs<'_>, y: &mut [f32]) {
        self.check(inputs, [Order::Planes; 2], y.len());
        self.run(weights, inputs, Order::Planes, y);
    }

    /// Like [`StyledConv::forward_prepared`] with blocked features and identical bits: x
    /// `[N, ⌈in/16⌉, H, W, 16]`, y `[N, ⌈out/16⌉, H', W', 16]`. Padding channels in the last block
    /// of x may hold any finite value; those of y do.
    ///
    /// # Panics
    /// See [`StyledConv::forward_prepared`].
    pub fn forward_blocked(&self, weights: &PreparedWeights, inputs: &Inputs<'_>, y: &mut [f32]) {
        self.check(inputs, [Order::Blocks; 2], y.len());
        if self.algorithm(weights.isa()) == Algorithm::Winograd {
            return self.run(weights, inputs, Order::Blocks, y);
        }
        let [x_shape, y_shape] = [
            [self.batch, self.in_channels, self.input_plane()],
            [self.batch, self.out_channels, self.output_plane()],
        ];
        let [mut x_planes, mut y_planes] =
            [x_shape, y_shape].map(|shape| scratch(Order::Planes.len(shape)));
        blocks_to_planes(weights.isa(), x_shape, inputs.x, &mut x_planes);
        let inputs = Inputs {
            x: &x_planes,
            ..*inputs
        };
        self.run(weights, &inputs, Order::Planes, &mut y_planes);
        planes_to_blocks(weights.isa(), y_shape, &y_planes, y);
    }

    /// Like [`StyledConv::forward_prepared`] for a 1×1 kernel with at most 4 output channels, with
    /// identical bits: blocked x `[N, ⌈in/16⌉, H, W, 16]` to planar y `[N, out, H, W]`.
    ///
    /// # Panics
    /// See [`StyledConv::forward_prepared`]; also if the convolution is another kind.
    pub fn forward_colours(&self, weights: &PreparedWeights, inputs: &Inputs<'_>, y: &mut [f32]) {
        assert_eq!(
            self.algorithm(weights.isa()),
            Algorithm::Pointwise,
            "{self:?} is not a 1×1 convolution to at most 4 channels"
        );
        self.check(inputs, [Order::Blocks, Order::Planes], y.len());
        self.run(weights, inputs, Order::Blocks, y);
    }

    /// Runs on features in `order`; the output has the same order, or planes for colours.
    fn run(&self, weights: &PreparedWeights, inputs: &Inputs<'_>, order: Order, y: &mut [f32]) {
        let (squares, packed) = weights.of(self);
        let call = Call {
            order,
            ..self.call(weights.isa(), inputs, squares)
        };
        match packed {
            Packed::Direct(panels) => call.forward_direct(panels, y),
            Packed::Winograd(weights) => call.forward_winograd(weights, y),
            Packed::Pointwise(weight) => call.forward_pointwise(weight, y),
        }
    }

    fn input_plane(&self) -> usize {
        self.height * self.width
    }

    fn output_plane(&self) -> usize {
        let [height, width] = self.output_size();
        height * width
    }

    /// Lines per output channel, see [`crate::planes`].
    fn phases(&self) -> usize {
        if self.up { 4 } else { 1 }
    }

    fn check(&self, inputs: &Inputs<'_>, orders: [Order; 2], y: usize) {
        let Self {
            batch,
            in_channels,
            out_channels,
            kernel,
            up,
            ..
        } = *self;
        assert!(
            kernel == 3 || (kernel == 1 && !up),
            "kernel must be 3, or 1 without up, not {kernel}"
        );
        assert!(
            batch * in_channels * out_channels * self.input_plane() > 0,
            "a dimension is 0: {self:?}"
        );
        let noise = inputs.noise.map_or(0, |noise| noise.map.len());
        let per_image = batch * self.output_plane();
        let lengths = [
            (
                "x",
                inputs.x.len(),
                orders[0].len([batch, in_channels, self.input_plane()]),
            ),
            (
                "style",
                inputs.style.map_or(batch * in_channels, <[f32]>::len),
                batch * in_channels,
            ),
            (
                "bias",
                inputs.bias.map_or(out_channels, <[f32]>::len),
                out_channels,
            ),
            (
                "noise",
                noise,
                if [0, self.output_plane()].contains(&noise) {
                    noise
                } else {
                    per_image
                },
            ),
            (
                "y",
                y,
                orders[1].len([batch, out_channels, self.output_plane()]),
            ),
        ];
        for (name, len, wanted) in lengths {
            assert_eq!(len, wanted, "length of {name} for {self:?}");
        }
    }

    /// Images per group. It depends on the shape alone, so results do too.
    fn group_images(&self) -> usize {
        let positions = self.batch * (self.height + 1) * (self.width + 1);
        let groups = positions.div_ceil(GROUP_POSITIONS).min(self.batch);
        self.batch.div_ceil(groups)
    }

    fn check_weight(&self, weight: &[f32]) {
        let wanted = self.out_channels * self.in_channels * self.kernel * self.kernel;
        assert_eq!(weight.len(), wanted, "length of weight for {self:?}");
    }

    /// Values that both passes compute before processing images. `squares` is Σ w² over the taps,
    /// for demodulated outputs.
    fn call<'a>(&'a self, isa: Isa, inputs: &'a Inputs<'a>, squares: Option<&[f32]>) -> Call<'a> {
        let layout = Layout::new(
            self.group_images(),
            self.height,
            self.width,
            self.kernel / 2,
        );
        let style = inputs
            .style
            .map_or_else(|| vec![1.0; self.batch * self.in_channels], <[f32]>::to_vec);
        let demodulation =
            squares.map(|squares| demodulation(isa, squares, &style, self.in_channels));
        Call {
            isa,
            conv: self,
            inputs,
            order: Order::Planes,
            layout,
            taps: taps(self.kernel, self.up, layout.pitch),
            style,
            demodulation,
        }
    }
}

/// The inputs of one call and values derived from them.
struct Call<'a> {
    isa: Isa,
    conv: &'a StyledConv,
    inputs: &'a Inputs<'a>,
    /// Order of x, and of y unless y is colours.
    order: Order,
    /// Layout of the lines of one group.
    layout: Layout,
    taps: Vec<Tap>,
    /// `[N, in]`.
    style: Vec<f32>,
    /// d, `[N, out]`.
    demodulation: Option<Vec<f32>>,
}

impl Call<'_> {
    /// The constants of one output plane; `image` is an index in the batch.
    fn finish(&self, image: usize, channel: usize) -> Finish {
        let index = image * self.conv.out_channels + channel;
        Finish {
            demodulation: self
                .demodulation
                .as_ref()
                .map_or(1.0, |factors| factors[index]),
            noise_strength: self.inputs.noise.map_or(0.0, |noise| noise.strength),
            bias: self.inputs.bias.map_or(0.0, |bias| bias[channel]),
            slopes: self.conv.activation.slopes(),
            clamp: self
                .conv
                .clamp
                .unwrap_or(f32::INFINITY)
                .min(self.conv.activation.limit()),
        }
    }

    /// The noise of one image; empty if there is none.
    fn noise(&self, image: usize) -> &[f32] {
        let plane = self.conv.output_plane();
        match self.inputs.noise {
            None => &[],
            Some(noise) if noise.map.len() == plane => noise.map,
            Some(noise) => &noise.map[image * plane..][..plane],
        }
    }
}
