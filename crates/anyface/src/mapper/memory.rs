//! The memory of AnyFace++: text features to features of matching images.
//!
//! Reference: the released networks of cripac-sjx/Anyface.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor};

use crate::layers::l2_normalize;

/// Sizes of a [`Memory`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Number of rows in each bank.
    pub rows: Vec<usize>,
    /// E, the width of CLIP's features.
    pub feature_dim: usize,
}

impl MemoryConfig {
    /// Creates banks with random rows, about as long as features.
    pub fn init(&self, device: &Device) -> Memory {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0 / (self.feature_dim as f64).sqrt(),
        };
        let banks = self.rows.iter();
        Memory {
            banks: banks
                .map(|&rows| normal.init([rows, self.feature_dim], device))
                .collect(),
        }
    }
}

/// Banks of features, constant in inference. The released scripts update them slightly with every
/// text, so their results depend on earlier texts.
#[derive(Module, Debug)]
pub struct Memory {
    banks: Vec<Param<Tensor<2>>>,
}

impl Memory {
    /// Text features `[N, E]`, of any length, to `[N, B, E]`: per bank, the feature plus the row
    /// most similar to it.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<3> {
        let directions = l2_normalize(features.clone());
        let outputs = self.banks.iter().map(|bank| {
            let rows = bank.val();
            let cosines = directions
                .clone()
                .matmul(l2_normalize(rows.clone()).transpose());
            let nearest: Tensor<1, Int> = cosines.argmax(1).squeeze_dim(1);
            features.clone() + rows.select(0, nearest)
        });
        Tensor::stack(outputs.collect(), 1)
    }
}
