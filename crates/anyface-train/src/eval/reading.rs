//! Probe readings of a picture.

use anyface::image::to_tensor;
use anyface::probe::Probe;
use anyface_portraits::Attribute;
use burn::module::Module;
use burn::tensor::Tensor;
use image::RgbImage;

/// The probe's output for one picture.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Logit of each attribute, in the order of [`Attribute::ALL`].
    logits: Vec<f32>,
    /// Features of each layer with unit length at every position, scaled so that the sum of squared
    /// differences is [`Reading::distance`].
    features: Vec<f32>,
}

/// Reads a picture at the probe's resolution.
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
    /// Logit of the attribute, positive if the probe sees it.
    pub fn logit(&self, attribute: Attribute) -> f32 {
        self.logits[attribute.index()]
    }

    /// Whether the probe sees the attribute.
    pub fn has(&self, attribute: Attribute) -> bool {
        self.logit(attribute) > 0.0
    }

    /// Perceptual distance: the sum over layers of the mean over positions of the squared
    /// difference of unit-length features. It is LPIPS with the probe as backbone and without
    /// learned weights, so it is valid only for pictures of the probe's domain.
    pub fn distance(&self, other: &Self) -> f64 {
        let pairs = self.features.iter().zip(&other.features);
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }
}

/// Features `[1, C, H, W]` with unit length over C, scaled by 1 / √(H·W).
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
