//! The pre-norm transformer of both CLIP towers.
//!
//! Reference: `clip/model.py` of openai/CLIP (`ResidualAttentionBlock`, `Transformer`); field names
//! follow its state dict.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Bool, Device, Tensor, activation, module};

use crate::layers::{LayerNorm, Linear, quick_gelu};

/// Added to the attention logits of masked keys. It is finite, because not every GPU handles
/// infinity correctly.
const HIDDEN: f32 = -1e9;

/// The non-linearity of a block's MLP. Checkpoints do not store it: OpenAI's models use
/// [`Activation::QuickGelu`], LAION's and DataComp's [`Activation::Gelu`].
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Activation {
    /// `x·σ(1.702·x)`.
    QuickGelu,
    /// `x·Φ(x)`, with the error function.
    Gelu,
}

impl Activation {
    fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::QuickGelu => quick_gelu(x),
            Self::Gelu => activation::gelu(x),
        }
    }
}

/// Sizes of a [`Transformer`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct TransformerConfig {
    /// Channels of the residual stream; a multiple of `heads`.
    pub width: usize,
    /// Residual blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Whether attention is causal.
    #[config(default = false)]
    pub causal: bool,
    /// Non-linearity of the MLPs.
    #[config(default = "Activation::QuickGelu")]
    pub activation: Activation,
}

impl TransformerConfig {
    /// Creates a transformer with OpenAI's initialisation (`CLIP.initialize_parameters`).
    pub fn init(&self, device: &Device) -> Transformer {
        Transformer {
            resblocks: (0..self.layers).map(|_| self.init_block(device)).collect(),
            causal: self.causal,
        }
    }

    fn init_block(&self, device: &Device) -> ResidualAttentionBlock {
        let width = self.width;
        let attention_std = (width as f64).powf(-0.5);
        let residual_std = attention_std * (2.0 * self.layers as f64).powf(-0.5);
        let hidden_std = (2.0 * width as f64).powf(-0.5);
        ResidualAttentionBlock {
            ln_1: LayerNorm::new(width, device),
            attn: MultiheadAttention {
                in_proj_weight: Initializer::Normal {
                    mean: 0.0,
                    std: attention_std,
                }
                .init([3 * width, width], device),
                in_proj_bias: Initializer::Zeros.init([3 * width], device),
                out_proj: Linear::new(width, width, residual_std, device),
                heads: self.heads,
            },
            ln_2: LayerNorm::new(width, device),
            mlp: Mlp {
                c_fc: Linear::new(width, 4 * width, hidden_std, device),
                c_proj: Linear::new(4 * width, width, residual_std, device),
                activation: self.activation,
            },
        }
    }
}

/// A stack of residual attention blocks.
#[derive(Module, Debug)]
pub struct Transformer {
    /// The blocks, first to last.
    pub resblocks: Vec<ResidualAttentionBlock>,
    causal: bool,
}

impl Transformer {
    /// `x` `[N, T, width]` to the same shape. `padding` `[N, T]` is true at tokens to be masked;
    /// the first token of each row must not be.
    pub fn forward(&self, x: Tensor<3>, padding: Option<Tensor<2, Bool>>) -> Tensor<3> {
        let mask = self.mask(x.dims()[1], padding, &x.device());
        self.resblocks
            .iter()
            .fold(x, |x, block| block.forward(x, mask.clone()))
    }

    /// The mask that is added to the attention logits `[N, heads, T, T]`; may broadcast.
    pub(super) fn mask(
        &self,
        tokens: usize,
        padding: Option<Tensor<2, Bool>>,
        device: &Device,
    ) -> Option<Tensor<4>> {
        let causal = self.causal.then(|| {
            Tensor::<2>::full([tokens, tokens], HIDDEN, device)
                .triu(1)
                .unsqueeze()
        });
        let padding = padding.map(|padding| (padding.float() * HIDDEN).unsqueeze_dims(&[1, 2]));
        match (causal, padding) {
            (Some(causal), Some(padding)) => Some(causal + padding),
            (causal, padding) => causal.or(padding),
        }
    }
}

/// `x + attention(ln_1(x))`, then `x + mlp(ln_2(x))`.
#[derive(Module, Debug)]
pub struct ResidualAttentionBlock {
    /// Norm before attention.
    pub ln_1: LayerNorm,
    /// Self-attention.
    pub attn: MultiheadAttention,
    /// Norm before the MLP.
    pub ln_2: LayerNorm,
    /// Position-wise MLP.
    pub mlp: Mlp,
}

impl ResidualAttentionBlock {
    /// `x` `[N, T, width]`; `mask` is added to the attention logits `[N, heads, T, T]` and may
    /// broadcast.
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4>>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.ln_1.forward(x), mask);
        x.clone() + self.mlp.forward(self.ln_2.forward(x))
    }
}

/// Multi-head self-attention with torch's fused input projection (rows of query, key, value).
#[derive(Module, Debug)]
pub struct MultiheadAttention {
    /// `[3·width, width]`.
    pub in_proj_weight: Param<Tensor<2>>,
    /// `[3·width]`.
    pub in_proj_bias: Param<Tensor<1>>,
    /// Output projection.
    pub out_proj: Linear,
    heads: usize,
}

impl MultiheadAttention {
    fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4>>) -> Tensor<3> {
        let [batch, tokens, width] = x.dims();
        let head_width = width / self.heads;
        let weight = self.in_proj_weight.val();
        let bias = self.in_proj_bias.val();
        // Slices the weight, not the product: the gradient to be assembled is smaller.
        let [query, key, value] = [0, 1, 2].map(|part| {
            let projection = weight.clone().narrow(0, part * width, width).transpose();
            let bias = bias.clone().narrow(0, part * width, width);
            module::linear(x.clone(), projection, Some(bias))
                .reshape([batch, tokens, self.heads, head_width])
                .swap_dims(1, 2)
        });
        let scale = (head_width as f64).powf(-0.5);
        let logits = (query * scale).matmul(key.swap_dims(2, 3));
        let logits = match mask {
            Some(mask) => logits + mask,
            None => logits,
        };
        let attended = activation::softmax(logits, 3).matmul(value);
        self.out_proj
            .forward(attended.swap_dims(1, 2).reshape([batch, tokens, width]))
    }
}

/// `c_proj(activation(c_fc(x)))` with four times the width inside.
#[derive(Module, Debug)]
pub struct Mlp {
    /// `width → 4·width`.
    pub c_fc: Linear,
    /// `4·width → width`.
    pub c_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.c_proj
            .forward(self.activation.apply(self.c_fc.forward(x)))
    }
}
