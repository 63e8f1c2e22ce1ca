//! CLIP's text tower: token ids to a feature.
//!
//! Reference: `CLIP.encode_text` in `clip/model.py` of openai/CLIP. Parameter paths equal the
//! checkpoint's keys.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor, module};

use super::transformer::{Activation, Transformer, TransformerConfig};
use crate::layers::LayerNorm;

/// Sizes of a [`TextTower`].
///
/// ```
/// use anyface::Device;
/// use anyface::clip::{SimpleTokenizer, TextTowerConfig, Tokenizer};
///
/// let device = Device::flex();
/// let tokenizer = Tokenizer::Simple(SimpleTokenizer::new());
/// let config = TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 8, 1, 1, 6);
/// let tokens = tokenizer.batch(&["a doctor", "an old sailor"], config.context, &device);
/// assert_eq!(config.init(&device).forward(tokens).dims(), [2, 6]);
/// ```
#[derive(Config, Debug, PartialEq, Eq)]
pub struct TextTowerConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// The most tokens per text, including start and end.
    pub context: usize,
    /// Channels of the transformer; a multiple of `heads`.
    pub width: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// E, the width of a feature.
    pub embed_dim: usize,
    /// Whether attention is causal, as in every published CLIP.
    #[config(default = true)]
    pub causal: bool,
    /// Non-linearity of the transformer.
    #[config(default = "Activation::QuickGelu")]
    pub activation: Activation,
}

impl TextTowerConfig {
    /// Creates a tower with OpenAI's initialisation.
    pub fn init(&self, device: &Device) -> TextTower {
        let width = self.width;
        let normal = |std| Initializer::Normal { mean: 0.0, std };
        let transformer = TransformerConfig::new(width, self.layers, self.heads)
            .with_causal(self.causal)
            .with_activation(self.activation);
        TextTower {
            token_embedding: TokenEmbedding {
                weight: normal(0.02).init([self.vocab_size, width], device),
            },
            positional_embedding: normal(0.01).init([self.context, width], device),
            transformer: transformer.init(device),
            ln_final: LayerNorm::new(width, device),
            text_projection: normal((width as f64).powf(-0.5))
                .init([width, self.embed_dim], device),
            causal: self.causal,
        }
    }
}

/// A batch of texts as token ids; tokenizers make it.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `[N, T]`, padded on the right with any id; T is at most the tower's context.
    pub ids: Tensor<2, Int>,
    /// Index of the end-of-text token in each row, `[N]`.
    pub eot: Tensor<1, Int>,
}

/// A table of token embeddings.
#[derive(Module, Debug)]
pub struct TokenEmbedding {
    /// `[vocab_size, width]`.
    pub weight: Param<Tensor<2>>,
}

/// The text tower.
#[derive(Module, Debug)]
pub struct TextTower {
    /// Embedding of every token.
    pub token_embedding: TokenEmbedding,
    /// `[context, width]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// The transformer over the tokens.
    pub transformer: Transformer,
    /// Norm before pooling.
    pub ln_final: LayerNorm,
    /// `[width, E]`, applied as `x·P`.
    pub text_projection: Param<Tensor<2>>,
    causal: bool,
}

impl TextTower {
    /// Text features `[N, E]`, not normalised: the projected end-of-text token of each row.
    pub fn forward(&self, tokens: Tokens) -> Tensor<2> {
        let Tokens { ids, eot } = tokens;
        let [batch, length] = ids.dims();
        let device = ids.device();
        // With causal attention, no token up to the end attends to the padding after it.
        let padding = (!self.causal).then(|| {
            let positions = Tensor::<1, Int>::arange(0..length as i64, &device).unsqueeze::<2>();
            positions.greater(eot.clone().unsqueeze_dim(1))
        });
        let x = self.transformer.forward(self.embed(ids), padding);
        let width = x.dims()[2];
        let row_starts = Tensor::arange(0..batch as i64, &device) * length as i64;
        let pooled = x
            .reshape([batch * length, width])
            .select(0, row_starts + eot);
        self.ln_final
            .forward(pooled)
            .matmul(self.text_projection.val())
    }

    /// Token and positional embeddings `[N, T, width]` of `ids` `[N, T]`.
    pub(super) fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let tokens = ids.dims()[1];
        let positions = self.positional_embedding.val().narrow(0, 0, tokens);
        module::embedding(self.token_embedding.weight.val(), ids) + positions.unsqueeze()
    }
}
