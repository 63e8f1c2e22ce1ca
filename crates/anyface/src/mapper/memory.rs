//! The memory of AnyFace++: text features to what images of such texts are like.
//!
//! Reference: cripac-sjx/Anyface, its released networks.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor};

use crate::layers::l2_normalize;

/// Sizes of a [`Memory`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// Rows of each bank.
    pub rows: Vec<usize>,
    /// Width of CLIP's features.
    pub feature_dim: usize,
}

impl MemoryConfig {
    /// Banks with fresh rows, about as long as features.
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

/// Banks of features. They stay as they were trained: the released scripts move them a little by every text they read, so
/// that an answer there depends on what was asked before.
#[derive(Module, Debug)]
pub struct Memory {
    banks: Vec<Param<Tensor<2>>>,
}

impl Memory {
    /// Text features `[N, E]`, of any length, to `[N, B, E]`: the feature plus, of each bank, the row that points most its
    /// way.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<3> {
        let directions = l2_normalize(features.clone());
        let answers = self.banks.iter().map(|bank| {
            let rows = bank.val();
            let cosines = directions
                .clone()
                .matmul(l2_normalize(rows.clone()).transpose());
            let nearest: Tensor<1, Int> = cosines.argmax(1).squeeze_dim(1);
            features.clone() + rows.select(0, nearest)
        });
        Tensor::stack(answers.collect(), 1)
    }
}
