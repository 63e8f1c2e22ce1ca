//! Attributes of a face: a bundle's probe reads them from a picture, each with a probability, and a
//! sentence describes them.

mod words;

use anyface_portraits::Attribute;
use burn::tensor::Device;
use burn::tensor::activation::sigmoid;
use image::RgbImage;

use crate::Error;
use crate::bundle::{Bundle, Domain};
use crate::image::to_tensor;
use crate::probe::Probe;

/// Reads attributes of faces with a bundle's probe.
#[derive(Debug)]
pub struct AttributeReader {
    probe: Probe,
    /// The number of attributes that the probe was trained on, the first of [`Attribute::ALL`].
    known: usize,
    device: Device,
}

/// The attributes of one face with their probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAttributes(Vec<(Attribute, f32)>);

impl AttributeReader {
    /// Loads the probe of a bundle; `None` if it has none.
    ///
    /// # Errors
    /// The errors of [`Bundle::config`] and [`Bundle::network`].
    pub fn load(bundle: &Bundle, device: &Device) -> Result<Option<Self>, Error> {
        let config = bundle.config()?;
        let Some(probe) = config.probe else {
            return Ok(None);
        };
        Ok(Some(Self {
            known: match config.domain {
                Domain::Portraits => Attribute::COUNT,
                // Probes of photographs are trained on CelebA, which has no other labels.
                Domain::Photographs => Attribute::CELEBA_COUNT,
            },
            probe: bundle.network("probe", probe.init(device))?,
            device: device.clone(),
        }))
    }

    /// Reads an aligned face, a square of any size.
    pub fn read(&self, face: &RgbImage) -> SeenAttributes {
        let logits = self.probe.forward(to_tensor(&[face], &self.device));
        let confidences = sigmoid(logits).into_data();
        let attributes = Attribute::ALL.iter().copied().take(self.known);
        SeenAttributes(attributes.zip(confidences.iter::<f32>()).collect())
    }
}

impl SeenAttributes {
    /// Every attribute that the probe was trained on, with its probability, 0 to 1.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, f32)> + '_ {
        self.0.iter().copied()
    }

    /// The probability of an attribute, 0 to 1; 0 if the probe was not trained on it.
    pub fn confidence(&self, attribute: Attribute) -> f32 {
        self.0
            .get(attribute.index())
            .map_or(0.0, |(_, probability)| *probability)
    }

    /// Whether the face very likely has an attribute that `words` name, e.g. "with glasses". Knows
    /// the phrases of [`SeenAttributes::in_words`] and a few synonyms.
    pub fn shows(&self, words: &str) -> bool {
        words::shows(self, words)
    }

    /// Describes the very likely attributes in one sentence: "A young woman with long red hair,
    /// wearing glasses, smiling."
    pub fn in_words(&self) -> String {
        words::sentence(self)
    }
}
