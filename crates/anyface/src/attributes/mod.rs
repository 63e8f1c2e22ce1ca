//! What is seen in a face: its attributes with how sure a bundle's probe is of each, and a sentence
//! that says them. The way back from a picture to words.

mod words;

use anyface_portraits::Attribute;
use burn::tensor::Device;
use burn::tensor::activation::sigmoid;
use image::RgbImage;

use crate::Error;
use crate::bundle::{Bundle, Domain};
use crate::image::to_tensor;
use crate::probe::Probe;

/// Reads the attributes of faces by the probe of a bundle.
#[derive(Debug)]
pub struct AttributeReader {
    probe: Probe,
    /// The attributes that the probe has learned, the first of [`Attribute::ALL`].
    known: usize,
    device: Device,
}

/// What is seen of one face.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAttributes(Vec<(Attribute, f32)>);

impl AttributeReader {
    /// The reader of a bundle; `None` where it has no probe.
    ///
    /// # Errors
    /// As [`Bundle::network`].
    pub fn load(bundle: &Bundle, device: &Device) -> Result<Option<Self>, Error> {
        let config = bundle.config()?;
        let Some(probe) = config.probe else {
            return Ok(None);
        };
        Ok(Some(Self {
            known: match config.domain {
                Domain::Portraits => Attribute::COUNT,
                // CelebA labels no others, so its photographs teach no others.
                Domain::Photographs => Attribute::CELEBA_COUNT,
            },
            probe: bundle.network("probe", probe.init(device))?,
            device: device.clone(),
        }))
    }

    /// Reads an aligned face of any size.
    pub fn read(&self, face: &RgbImage) -> SeenAttributes {
        let logits = self.probe.forward(to_tensor(&[face], &self.device));
        let confidences = sigmoid(logits).into_data();
        let attributes = Attribute::ALL.iter().copied().take(self.known);
        SeenAttributes(attributes.zip(confidences.iter::<f32>()).collect())
    }
}

impl SeenAttributes {
    /// Every attribute that the probe knows, with how sure it is, 0 to 1, that the face has it.
    pub fn iter(&self) -> impl Iterator<Item = (Attribute, f32)> + '_ {
        self.0.iter().copied()
    }

    /// How sure the probe is that the face has an attribute; 0 for one that it does not know.
    pub fn confidence(&self, attribute: Attribute) -> f32 {
        self.0.get(attribute.index()).map_or(0.0, |(_, sure)| *sure)
    }

    /// Whether the face surely has what words ask for: "with glasses" of one that wears them. Only words of the sentence that
    /// [`SeenAttributes::in_words`] could say are known.
    pub fn shows(&self, words: &str) -> bool {
        words::shows(self, words)
    }

    /// One sentence of what is surely seen: "A young woman with long red hair, wearing glasses, smiling."
    pub fn in_words(&self) -> String {
        words::sentence(self)
    }
}
