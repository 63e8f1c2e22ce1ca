//! CLIP's image tower as a vision transformer.
//!
//! Reference: `VisionTransformer` in `clip/model.py` of openai/CLIP. Parameter paths equal the
//! checkpoint's keys after `visual.`.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

use super::transformer::{Activation, Transformer, TransformerConfig};
use crate::layers::LayerNorm;

/// Sizes of a [`VisionTransformer`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct VisionTransformerConfig {
    /// R, the side of an input image in pixels; a multiple of `patch_size`.
    pub resolution: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Channels of the transformer; a multiple of `heads`.
    pub width: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// E, the width of a feature.
    pub embed_dim: usize,
    /// Non-linearity of the transformer.
    #[config(default = "Activation::QuickGelu")]
    pub activation: Activation,
}

impl VisionTransformerConfig {
    /// Creates a tower with OpenAI's initialisation.
    pub fn init(&self, device: &Device) -> VisionTransformer {
        let width = self.width;
        let patch_inputs = 3 * self.patch_size * self.patch_size;
        let patches = (self.resolution / self.patch_size).pow(2);
        let normal = |fan_in: usize| Initializer::Normal {
            mean: 0.0,
            std: (fan_in as f64).powf(-0.5),
        };
        VisionTransformer {
            conv1: PatchConv {
                weight: normal(patch_inputs)
                    .init([width, 3, self.patch_size, self.patch_size], device),
            },
            class_embedding: normal(width).init([width], device),
            positional_embedding: normal(width).init([patches + 1, width], device),
            ln_pre: LayerNorm::new(width, device),
            transformer: TransformerConfig::new(width, self.layers, self.heads)
                .with_activation(self.activation)
                .init(device),
            ln_post: LayerNorm::new(width, device),
            proj: normal(width).init([width, self.embed_dim], device),
        }
    }
}

/// A convolution without bias whose stride equals its kernel size.
#[derive(Module, Debug)]
pub struct PatchConv {
    /// `[width, 3, patch, patch]`.
    pub weight: Param<Tensor<4>>,
}

impl PatchConv {
    /// Patches of `images` `[N, 3, R, R]`, row by row: `[N, (R/patch)², width]`. Patches do not
    /// overlap, so this is one matrix product.
    fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let weight = self.weight.val();
        let [width, channels, patch, _] = weight.dims();
        let [batch, _, height, image_width] = images.dims();
        let (rows, columns) = (height / patch, image_width / patch);
        let patch_inputs = channels * patch * patch;
        images
            .reshape([batch, channels, rows, patch, columns, patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch * rows * columns, patch_inputs])
            .matmul(weight.reshape([width, patch_inputs]).transpose())
            .reshape([batch, rows * columns, width])
    }
}

/// The vision transformer image tower.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// Embeds the patches of the image.
    pub conv1: PatchConv,
    /// `[width]`, the token whose output is the feature.
    pub class_embedding: Param<Tensor<1>>,
    /// `[1 + patches, width]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// Norm before the transformer.
    pub ln_pre: LayerNorm,
    /// The transformer over class token and patches.
    pub transformer: Transformer,
    /// Norm of the class token's output.
    pub ln_post: LayerNorm,
    /// `[width, E]`, applied as `x·P`.
    pub proj: Param<Tensor<2>>,
}

impl VisionTransformer {
    /// Maps `images` `[N, 3, R, R]`, normalised by the tower's mean and deviation (see
    /// `preprocess.rs`), to features `[N, E]`, not normalised.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.transformer.forward(self.embed(images), None);
        let [batch, _, width] = x.dims();
        let class_token = x.narrow(1, 0, 1).reshape([batch, width]);
        self.ln_post.forward(class_token).matmul(self.proj.val())
    }

    /// Class token and patches with positions, after `ln_pre`: `[N, 1 + patches, width]`.
    pub(super) fn embed(&self, images: Tensor<4>) -> Tensor<3> {
        let patches = self.conv1.forward(images);
        let [batch, _, width] = patches.dims();
        let class_token = self
            .class_embedding
            .val()
            .reshape([1, 1, width])
            .expand([batch, 1, width]);
        let x = Tensor::cat(vec![class_token, patches], 1)
            + self.positional_embedding.val().unsqueeze();
        self.ln_pre.forward(x)
    }
}
