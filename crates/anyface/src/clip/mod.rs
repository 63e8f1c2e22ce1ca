//! CLIP: a text tower and an image tower with a shared feature space.
//!
//! Paper: Radford et al. 2021, arXiv 2103.00020. Reference: <https://github.com/openai/CLIP>. The
//! compact towers of the built-in domain are the same modules with other sizes.

mod image_tower;
#[cfg(test)]
mod parity;
mod preprocess;
mod resnet;
mod text;
mod tokenizer;
pub mod transformer;
mod vision;

pub use image_tower::{ImageTower, ImageTowerConfig};
pub use preprocess::Preprocess;
pub use resnet::{ModifiedResNet, ModifiedResNetConfig};
pub use text::{TextTower, TextTowerConfig, TokenEmbedding, Tokens};
pub use tokenizer::{
    CompactTokenizer, SimpleTokenizer, Tokenizer, TokenizerError, split_sentences,
};
pub use vision::{PatchConv, VisionTransformer, VisionTransformerConfig};

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::layers::l2_normalize;

/// Conventions of the CLIP towers in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Family {
    /// The built-in domain: a tokenizer in the bundle, and images in the generator's range.
    #[default]
    Compact,
    /// OpenAI's tokenizer and preprocessing, also used by Hugging Face's and open_clip's models.
    Openai,
}

impl Family {
    /// Preprocessing for an image tower of this resolution.
    pub const fn preprocess(self, resolution: usize) -> Preprocess {
        match self {
            Self::Compact => Preprocess::compact(resolution),
            Self::Openai => Preprocess::openai(resolution),
        }
    }
}

/// Cosine similarity of matching rows of two feature matrices `[N, E]`: `[N]`, from −1 to 1.
pub fn clip_score(image_features: Tensor<2>, text_features: Tensor<2>) -> Tensor<1> {
    (l2_normalize(image_features) * l2_normalize(text_features))
        .sum_dim(1)
        .squeeze_dim(1)
}
