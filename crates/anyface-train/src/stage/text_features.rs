//! What the text tower of a bundle reads in sentences.

use anyface::bundle::Bundle;
use anyface::clip::{TextTower, TextTowerConfig, Tokenizer};
use anyface::layers::l2_normalize;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rayon::prelude::*;

use crate::error::Result;

/// Texts read at once, each with its neighbours in length.
const READ_BATCH: usize = 64;

/// A frozen text tower with its tokenizer.
pub(super) struct TextFeatures {
    tower: TextTower,
    tokenizer: Tokenizer,
    /// Tokens that the tower reads at most.
    context: usize,
    /// E, the width of a feature.
    feature_dim: usize,
    device: Device,
}

impl TextFeatures {
    /// The text tower of `bundle`.
    pub(super) fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let config: TextTowerConfig = bundle.section("text_tower")?;
        let tower = bundle.network("text_tower", config.init(device))?;
        Ok(Self {
            tower: tower.no_grad(),
            tokenizer: bundle.tokenizer()?,
            context: config.context,
            feature_dim: config.embed_dim,
            device: device.clone(),
        })
    }

    /// E, the width of a feature.
    pub(super) const fn feature_dim(&self) -> usize {
        self.feature_dim
    }

    /// Unit features of texts in their order, `[N, E]`.
    pub(super) fn read(&self, texts: &[&str]) -> Tensor<2> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| texts[i].len());
        let read = order.par_chunks(READ_BATCH).map(|batch| {
            let batch: Vec<&str> = batch.iter().map(|&i| texts[i]).collect();
            let tokens = self.tokenizer.batch(&batch, self.context, &self.device);
            l2_normalize(self.tower.forward(tokens))
        });
        let sorted = Tensor::cat(read.collect(), 0);
        let mut places = vec![0i64; order.len()];
        for (place, &text) in (0..).zip(&order) {
            places[text] = place;
        }
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.device);
        sorted.select(0, places)
    }
}
