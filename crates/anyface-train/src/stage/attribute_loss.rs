//! The attribute loss: a probe that compares attributes which hardly change a pixel loss.

use std::path::PathBuf;

use anyface::bundle::Bundle;
use anyface::probe::{Probe, ProbeConfig};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

use crate::error::Result;
use crate::loss::{AttributeLosses, attribute_losses};

/// The `[attribute_loss]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeLossConfig {
    /// Folder of a bundle with a probe. It must not be the probe of the evaluation.
    pub bundle: PathBuf,
    /// Weight of the feature distance.
    pub features_weight: f64,
    /// Weight of the difference of the attributes' probabilities.
    pub reading_weight: f64,
}

impl AttributeLossConfig {
    /// Loads the probe.
    ///
    /// # Errors
    /// The bundle has no probe, or it cannot be read.
    pub(super) fn load(&self, device: &Device) -> Result<AttributeLoss> {
        let bundle = Bundle::folder(&self.bundle);
        let probe: ProbeConfig = bundle.section("probe")?;
        Ok(AttributeLoss {
            probe: bundle.network("probe", probe.init(device))?.no_grad(),
            config: self.clone(),
        })
    }
}

/// A frozen probe and the weights of its losses.
pub(super) struct AttributeLoss {
    probe: Probe,
    config: AttributeLossConfig,
}

impl AttributeLoss {
    /// The weighted loss between `output` and `target`, `[N, 3, R, R]` each, and its parts by name.
    pub(super) fn compare(
        &self,
        output: Tensor<4>,
        target: Tensor<4>,
    ) -> (Tensor<1>, [(&'static str, Tensor<1>); 2]) {
        let AttributeLosses { features, reading } = attribute_losses(&self.probe, output, target);
        let loss = features.clone() * self.config.features_weight
            + reading.clone() * self.config.reading_weight;
        (
            loss,
            [
                ("attribute_features", features),
                ("attribute_reading", reading),
            ],
        )
    }
}
