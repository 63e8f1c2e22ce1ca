//! The synthesis network prepared for inference.

use anyface_kernels::{
    Inputs, Isa, Noise as ScaledNoise, PreparedWeights, StyledConv, add_upsampled, blocked_len,
    planes_to_blocks, scratch,
};
use burn::tensor::{Tensor, TensorData};

use super::synthesis::first_features;
use super::{Noise, Synthesis, SynthesisLayer, ToRgb};
use crate::layers::{FullyConnected, Settings, runs_on_flex};

/// Precision of the convolutions' operands; sums are always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16 operands in the large products: faster, with at least 45 dB PSNR to the f32 image.
    Bf16,
}

/// The machine, the backend or the architecture does not support bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "bf16 needs a processor with AVX-512 BF16, the CPU as device, and a generator of the \
     architecture skip"
)]
pub struct Unsupported;

/// A synthesis network with constant weights.
///
/// On the CPU, weights are packed and transformed once, and feature buffers are reused. Its f32
/// images equal those of the original [`Synthesis`] bit by bit. On other devices, and for
/// architectures other than `skip`, it runs the original network.
#[derive(Debug)]
pub struct PreparedSynthesis(Body);

#[derive(Debug)]
enum Body {
    Kernels {
        /// The learned constant, `[C, 4, 4]`.
        input: Tensor<3>,
        input_affine: Option<FullyConnected>,
        blocks: Vec<Block>,
    },
    Operations(Synthesis),
}

/// The layers of one resolution, see [`super::SynthesisBlock`].
#[derive(Debug)]
struct Block {
    /// The up-sampling convolution, if there is one, and the plain convolution.
    convs: Vec<Layer>,
    torgb: Layer,
}

/// A styled convolution with all inputs except features and style.
#[derive(Debug)]
struct Layer {
    /// The style is `(w · matrix + offset) · gain`, with matrix `[D, C_in]` and offset `[1, C_in]`.
    affine: [Tensor<2>; 2],
    style_gain: Option<f64>,
    /// The convolution for a batch of one image.
    conv: StyledConv,
    weights: PreparedWeights,
    bias: Vec<f32>,
    /// The constant noise map `[R, R]` and its strength.
    noise: Option<(Vec<f32>, f32)>,
}

impl Synthesis {
    /// Prepares the network for inference.
    ///
    /// ```
    /// use anyface::Device;
    /// use anyface::stylegan2::{GeneratorConfig, Noise, Precision};
    /// use burn::tensor::Tensor;
    ///
    /// let device = Device::flex();
    /// let generator = GeneratorConfig::new(8, 8, vec![4; 4]).init(&device);
    /// let prepared = generator.synthesis.clone().prepare(Precision::F32)?;
    /// let w_plus = Tensor::ones([1, 8, 8], &device);
    /// let [prepared, trained] = [
    ///     prepared.forward(w_plus.clone(), Noise::None),
    ///     generator.synthesis.forward(w_plus, Noise::None),
    /// ];
    /// assert_eq!(prepared.to_data(), trained.to_data());
    /// # Ok::<(), anyface::stylegan2::Unsupported>(())
    /// ```
    ///
    /// # Errors
    /// [`Unsupported`] if `precision` is bf16 and it is not supported.
    pub fn prepare(self, precision: Precision) -> Result<PreparedSynthesis, Unsupported> {
        let input = self.input.val();
        let isa = match precision {
            Precision::F32 => Isa::detect(),
            Precision::Bf16 => Isa::detect().bf16().ok_or(Unsupported)?,
        };
        if !self.is_skip() || !runs_on_flex(&input) {
            return match precision {
                Precision::F32 => Ok(PreparedSynthesis(Body::Operations(self))),
                Precision::Bf16 => Err(Unsupported),
            };
        }
        let blocks = self.blocks.into_iter().enumerate().map(|(level, block)| {
            let side = 4 << level;
            let convs = block.conv0.iter().chain([&block.conv1]);
            let torgb = block.torgb.as_ref();
            let torgb = torgb.expect("every block has colours");
            Block {
                convs: convs
                    .map(|conv| Layer::of_features(isa, conv, side))
                    .collect(),
                torgb: Layer::of_colours(isa, torgb, side),
            }
        });
        Ok(PreparedSynthesis(Body::Kernels {
            blocks: blocks.collect(),
            input,
            input_affine: self.input_affine,
        }))
    }
}

impl PreparedSynthesis {
    /// Maps `w_plus [N, L, D]` to images `[N, 3, R, R]`, nominally from −1 to 1 but not clamped.
    pub fn forward(&self, w_plus: Tensor<3>, noise: Noise<'_>) -> Tensor<4> {
        self.forward_restyled(w_plus, None, noise)
    }

    /// Like [`PreparedSynthesis::forward`], with `style_offset [1, S]` added to the styles of all
    /// convolutions.
    pub fn forward_restyled(
        &self,
        w_plus: Tensor<3>,
        style_offset: Option<&Tensor<2>>,
        mut noise: Noise<'_>,
    ) -> Tensor<4> {
        let (first, blocks) = match &self.0 {
            Body::Kernels {
                input,
                input_affine,
                blocks,
            } => {
                let first = first_features(input.clone(), input_affine.as_ref(), &w_plus);
                (blocked(Isa::detect(), first), blocks)
            }
            Body::Operations(synthesis) => {
                return match style_offset {
                    Some(offset) => synthesis.clone().restyled(offset).forward(w_plus, noise),
                    None => synthesis.forward(w_plus, noise),
                };
            }
        };
        let [n, ..] = w_plus.dims();
        let latent = |index: usize| w_plus.clone().narrow(1, index, 1).squeeze_dim::<2>(1);
        let layers = || blocks.iter().flat_map(|block| &block.convs);
        let largest = layers()
            .map(|layer| blocked_len(layer.output_shape(n)))
            .max();
        let largest = largest.unwrap_or(0).max(first.len());
        let colours = |torgb: &Layer| torgb.output_shape(n).iter().product();
        let largest_image = blocks.last().map_or(0, |block| colours(&block.torgb));

        let [mut x, mut y] = [largest; 2].map(scratch);
        let [mut image, mut smaller] = [largest_image; 2].map(scratch);
        x[..first.len()].copy_from_slice(&first);
        let (mut index, mut first_style) = (0, 0);
        for (level, Block { convs, torgb }) in blocks.iter().enumerate() {
            for layer in convs {
                let inputs = layer.conv.in_channels;
                let offset =
                    style_offset.map(|offset| offset.clone().narrow(1, first_style, inputs));
                first_style += inputs;
                let style = layer.style(latent(index), offset);
                layer.features(&x, style, &mut noise, &mut y);
                std::mem::swap(&mut x, &mut y);
                index += 1;
            }
            std::mem::swap(&mut image, &mut smaller);
            torgb.colours(&x, torgb.style(latent(index), None), &mut noise, &mut image);
            if level > 0 {
                let size = torgb.conv.output_size().map(|side| side / 2);
                let len = colours(torgb);
                add_upsampled(Isa::detect(), size, &smaller[..len / 4], &mut image[..len]);
            }
        }
        let side = 2 << blocks.len();
        let data = TensorData::new(image.to_vec(), [n, 3, side, side]);
        Tensor::from_data(data, &w_plus.device())
    }
}

impl Layer {
    /// The convolution for an input of `side` × `side`.
    fn new(
        isa: Isa,
        side: usize,
        affine: &FullyConnected,
        weight: Tensor<4>,
        bias: Tensor<1>,
        settings: Settings,
    ) -> Self {
        let [out_channels, in_channels, kernel, _] = weight.dims();
        let conv = StyledConv {
            batch: 1,
            in_channels,
            out_channels,
            height: side,
            width: side,
            kernel,
            up: settings.up,
            demodulate: settings.demodulate,
            activation: settings.activation,
            clamp: settings.clamp.map(|limit| limit as f32),
        };
        Self {
            affine: affine.affine(),
            style_gain: None,
            weights: conv.prepare_weights(isa, &values(weight)),
            conv,
            bias: values(bias),
            noise: None,
        }
    }

    /// A convolution of a block, with an output of `side` × `side`.
    fn of_features(isa: Isa, layer: &SynthesisLayer, side: usize) -> Self {
        let input = if layer.settings.up { side / 2 } else { side };
        let (weight, bias) = (layer.weight.val(), layer.bias.val());
        let strength = values(layer.noise_strength.val())[0];
        Self {
            noise: Some((values(layer.noise_const.val()), strength)),
            ..Self::new(isa, input, &layer.affine, weight, bias, layer.settings)
        }
    }

    /// The convolution from features of `side` × `side` to colours.
    fn of_colours(isa: Isa, layer: &ToRgb, side: usize) -> Self {
        let (weight, bias) = (layer.weight.val(), layer.bias.val());
        Self {
            style_gain: Some(layer.style_gain()),
            ..Self::new(isa, side, &layer.affine, weight, bias, layer.settings)
        }
    }

    /// `[N, C_out, pixels]` of the output.
    fn output_shape(&self, n: usize) -> [usize; 3] {
        let [height, width] = self.conv.output_size();
        [n, self.conv.out_channels, height * width]
    }

    /// The style `[N, C_in]` for w `[N, D]`, plus an offset `[1, C_in]`.
    fn style(&self, w: Tensor<2>, style_offset: Option<Tensor<2>>) -> Tensor<2> {
        let [matrix, offset] = self.affine.clone();
        let style = w.matmul(matrix) + offset;
        let style = match style_offset {
            Some(style_offset) => style + style_offset,
            None => style,
        };
        match self.style_gain {
            Some(gain) => style * gain,
            None => style,
        }
    }

    /// Maps x `[N, ⌈C_in/16⌉, H, H, 16]` with styles `[N, C_in]` to y `[N, ⌈C_out/16⌉, R, R, 16]`;
    /// both slices may be longer.
    fn features(&self, x: &[f32], style: Tensor<2>, noise: &mut Noise<'_>, y: &mut [f32]) {
        let y = &mut y[..blocked_len(self.output_shape(style.dims()[0]))];
        self.with_inputs(x, style, noise, |conv, inputs| {
            conv.forward_blocked(&self.weights, inputs, y)
        });
    }

    /// Maps x `[N, ⌈C_in/16⌉, R, R, 16]` with styles `[N, C_in]` to y `[N, 3, R, R]`; both slices
    /// may be longer.
    fn colours(&self, x: &[f32], style: Tensor<2>, noise: &mut Noise<'_>, y: &mut [f32]) {
        let y = &mut y[..self.output_shape(style.dims()[0]).iter().product()];
        self.with_inputs(x, style, noise, |conv, inputs| {
            conv.forward_colours(&self.weights, inputs, y)
        });
    }

    /// Calls a function with the convolution and its inputs.
    fn with_inputs(
        &self,
        x: &[f32],
        style: Tensor<2>,
        noise: &mut Noise<'_>,
        call: impl FnOnce(&StyledConv, &Inputs<'_>),
    ) {
        let [n, _] = style.dims();
        let conv = StyledConv {
            batch: n,
            ..self.conv
        };
        let style = values(style);
        let side = conv.output_size()[0];
        let map = match &self.noise {
            Some((constant, strength)) => noise
                .values(constant, [n, side])
                .map(|map| (map, *strength)),
            None => None,
        };
        let inputs = Inputs {
            x: &x[..blocked_len([n, conv.in_channels, conv.height * conv.width])],
            weight: &[],
            style: Some(&style),
            noise: map.as_ref().map(|(map, strength)| ScaledNoise {
                map,
                strength: *strength,
            }),
            bias: Some(&self.bias),
        };
        call(&conv, &inputs);
    }
}

/// Converts features `[N, C, H, W]` to `[N, ⌈C/16⌉, H, W, 16]`.
fn blocked(isa: Isa, features: Tensor<4>) -> Vec<f32> {
    let [n, channels, height, width] = features.dims();
    let shape = [n, channels, height * width];
    let mut blocks = vec![0.0; blocked_len(shape)];
    planes_to_blocks(isa, shape, &values(features), &mut blocks);
    blocks
}

/// The values of a tensor.
fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let values = tensor.into_data().try_into_vec();
    values.expect("networks are in f32 on the CPU")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stylegan2::{GeneratorConfig, SynthesisInput};
    use burn::tensor::{Device, Distribution};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// A network in which every operand has an effect, with shapes for every algorithm.
    fn network(input: SynthesisInput, device: &Device) -> Synthesis {
        let config = GeneratorConfig::new(8, 16, vec![64, 64, 64, 48, 16]).with_input(Some(input));
        let mut synthesis = config.init(device).synthesis;
        for block in &mut synthesis.blocks {
            for layer in block.conv0.iter_mut().chain([&mut block.conv1]) {
                let strength = &mut layer.noise_strength;
                *strength = strength.clone().map(|strength| strength + 0.1);
                let bias = &mut layer.bias;
                *bias = bias.clone().map(|bias| bias + 0.2);
                let weight = &mut layer.affine.weight;
                *weight = weight.clone().map(|weight| weight * 5.0);
            }
        }
        synthesis
    }

    fn latents(n: usize, device: &Device) -> Tensor<3> {
        Tensor::random([n, 10, 16], Distribution::Normal(0.0, 1.0), device)
    }

    #[test]
    fn the_prepared_network_gives_the_same_bits() {
        for input in [SynthesisInput::Constant, SynthesisInput::W] {
            assert_same_bits(input);
        }
    }

    fn assert_same_bits(input: SynthesisInput) {
        let device = Device::flex();
        let synthesis = network(input, &device);
        let w_plus = latents(2, &device);
        let prepared = synthesis.clone().prepare(Precision::F32).unwrap();
        let mut seeds = [1, 1].map(ChaCha8Rng::seed_from_u64);
        let [first, second] = &mut seeds;
        let noises = [
            [Noise::None, Noise::None],
            [Noise::Const, Noise::Const],
            [Noise::Random(first), Noise::Random(second)],
        ];
        for [noise, same_noise] in noises {
            let expected = values(synthesis.forward(w_plus.clone(), noise));
            let found = values(prepared.forward(w_plus.clone(), same_noise));
            assert!(found == expected, "images differ in bits");
        }
    }

    #[test]
    fn bf16_stays_45_db_from_f32() {
        let device = Device::flex();
        let synthesis = network(SynthesisInput::Constant, &device);
        let w_plus = latents(4, &device);
        let Ok(half) = synthesis.clone().prepare(Precision::Bf16) else {
            return; // This processor does not support bf16.
        };
        let exact = values(synthesis.forward(w_plus.clone(), Noise::Const));
        let rounded = values(half.forward(w_plus, Noise::Const));
        let [low, high] = [f32::min, f32::max].map(|pick| exact.iter().copied().reduce(pick));
        let range = f64::from(high.unwrap() - low.unwrap());
        let squares = exact
            .iter()
            .zip(&rounded)
            .map(|(a, b)| f64::from(a - b).powi(2));
        let error = squares.sum::<f64>() / exact.len() as f64;
        let psnr = 10.0 * (range * range / error).log10();
        assert!((45.0..90.0).contains(&psnr), "{psnr:.1} dB");
    }
}
