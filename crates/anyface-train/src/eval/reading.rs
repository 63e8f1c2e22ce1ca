//! What the probe sees in a picture.

use anyface::image::to_tensor;
use anyface::probe::Probe;
use anyface_portraits::Attribute;
use burn::module::Module;
use burn::tensor::Tensor;
use image::RgbImage;

/// The probe's answer for one picture.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Logit of each attribute, in the order of [`Attribute::ALL`].
    logits: Vec<f32>,
    /// Features of each layer, every position of unit length, scaled so that squared differences add up to a
    /// distance: see [`Reading::distance`].
    features: Vec<f32>,
}

/// Reads one picture of the probe's size.
pub fn read(probe: &Probe, image: &RgbImage) -> Reading {
    let device = probe
        .devices()
        .into_iter()
        .next()
        .expect("a probe has parameters");
    let (logits, layers) = probe.forward_with_features(to_tensor(&[image], &device));
    let features = layers.into_iter().flat_map(unit_features).collect();
    Reading {
        logits: logits.into_data().iter::<f32>().collect(),
        features,
    }
}

impl Reading {
    /// How sure the probe is that the attribute is there: above 0 where it sees it.
    pub fn logit(&self, attribute: Attribute) -> f32 {
        self.logits[attribute.index()]
    }

    /// Whether the attribute is seen.
    pub fn has(&self, attribute: Attribute) -> bool {
        self.logit(attribute) > 0.0
    }

    /// LPIPS-like distance: over the probe's layers, the mean over positions of the squared difference of
    /// unit-length features, summed. It has LPIPS's form with the probe for a backbone and no learned
    /// weights, so it compares pictures of one domain and nothing else.
    pub fn distance(&self, other: &Self) -> f64 {
        let pairs = self.features.iter().zip(&other.features);
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }
}

/// Features `[1, C, H, W]` with unit length over C and 1 / √(H·W) in all.
fn unit_features(layer: Tensor<4>) -> Vec<f32> {
    let [_, _, height, width] = layer.dims();
    let norm = layer.clone().square().sum_dim(1).sqrt() + 1e-8;
    let scale = ((height * width) as f32).sqrt().recip();
    (layer / norm)
        .mul_scalar(scale)
        .into_data()
        .iter::<f32>()
        .collect()
}
