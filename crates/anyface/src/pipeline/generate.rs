//! Generation of faces from a description.

use burn::tensor::Tensor;
use image::RgbImage;

use super::{Description, Engine, Latent};
use crate::Error;
use crate::bundle::Truncation;
use crate::image::{to_rgb, to_tensor};
use crate::layers::l2_normalize;

/// Options for the faces of one description.
#[derive(Debug, Clone, PartialEq)]
pub struct Generate {
    /// Number of faces.
    pub count: usize,
    /// Face i uses seed `seed + i`.
    pub seed: u64,
    /// ψ for the latents that the seed gives, 0 to 1; `None` for the bundle's default.
    pub truncation: Option<f64>,
}

impl Default for Generate {
    fn default() -> Self {
        Self {
            count: 1,
            seed: 0,
            truncation: None,
        }
    }
}

/// A generated face.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GeneratedFace {
    /// The image.
    pub image: RgbImage,
    /// The latent of the image.
    pub latent: Latent,
    /// The seed.
    pub seed: u64,
    /// Cosine similarity of the image's and the description's features, −1 to 1.
    pub clip_score: f32,
}

impl Engine {
    /// Generates faces for one description.
    ///
    /// ```
    /// use anyface::{Engine, Generate};
    ///
    /// let engine = Engine::builtin()?;
    /// let captions = ["a doctor", "Her glasses are round."];
    /// let options = Generate { count: 3, ..Generate::default() };
    /// let faces = engine.generate(&captions, &options)?;
    ///
    /// // A face depends only on its own seed, not on the number of faces.
    /// let options = Generate { seed: 2, ..Generate::default() };
    /// let third = &engine.generate(&captions, &options)?[0];
    /// assert_eq!(third.image, faces[2].image);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Engine::describe`]; [`Error::OutOfRange`] if the truncation is outside 0
    /// to 1.
    pub fn generate<S: AsRef<str>>(
        &self,
        captions: &[S],
        options: &Generate,
    ) -> Result<Vec<GeneratedFace>, Error> {
        let truncation = self.truncation(options.truncation)?;
        let description = self.describe(captions)?;
        Ok((0..options.count as u64)
            .map(|i| self.face(&description, options.seed.wrapping_add(i), truncation))
            .collect())
    }

    /// The bundle's truncation, with ψ replaced by `psi` if given.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if ψ is outside 0 to 1.
    pub fn truncation(&self, psi: Option<f64>) -> Result<Truncation, Error> {
        let default = self.config.truncation;
        match psi {
            None => Ok(default),
            Some(psi) if (0.0..=1.0).contains(&psi) => Ok(Truncation { psi, ..default }),
            Some(psi) => Err(Error::OutOfRange {
                name: "truncation",
                range: "between 0 and 1",
                value: psi.to_string(),
            }),
        }
    }

    /// Generates the face for one description and seed.
    pub fn face(
        &self,
        description: &Description,
        seed: u64,
        truncation: Truncation,
    ) -> GeneratedFace {
        self.face_with(description, seed, truncation, 0, &mut |_| ())
    }

    /// Generates faces for `tries` seeds from `seed` on and keeps the one with the highest CLIP
    /// score. clip2latent's evaluation uses 16 tries.
    ///
    /// # Panics
    /// If `tries` is 0.
    pub fn best_face(
        &self,
        description: &Description,
        seed: u64,
        tries: u64,
        truncation: Truncation,
    ) -> GeneratedFace {
        (0..tries)
            .map(|i| self.face(description, seed.wrapping_add(i), truncation))
            .max_by(|a, b| a.clip_score.total_cmp(&b.clip_score))
            .expect("there is at least one try")
    }

    /// Like [`Engine::face`]; `show` receives up to `sketches` intermediate images, each with twice
    /// the resolution of the previous one.
    pub fn face_with(
        &self,
        description: &Description,
        seed: u64,
        truncation: Truncation,
        sketches: usize,
        show: &mut dyn FnMut(RgbImage),
    ) -> GeneratedFace {
        let latent = Latent::new(self.mapper.face(description, seed, truncation));
        let image = self.images(&latent, sketches, show);
        let pixels = self.preprocess.images(image.clone());
        let feature = l2_normalize(self.image_tower.forward(pixels));
        let clip_score = (feature * description.mean()).sum().into_scalar();
        GeneratedFace {
            image: to_rgb(image).swap_remove(0),
            latent,
            seed,
            clip_score,
        }
    }

    /// Generates the image of a latent.
    pub fn draw(&self, latent: &Latent) -> RgbImage {
        self.draw_with(latent, 0, &mut |_| ())
    }

    /// Like [`Engine::draw`]; `show` receives up to `sketches` intermediate images.
    pub fn draw_with(
        &self,
        latent: &Latent,
        sketches: usize,
        show: &mut dyn FnMut(RgbImage),
    ) -> RgbImage {
        to_rgb(self.images(latent, sketches, show)).swap_remove(0)
    }

    /// The image tower's feature of a square picture, `[E]`, of unit length.
    pub fn image_feature(&self, picture: &RgbImage) -> Vec<f32> {
        let pixels = self.preprocess.images(to_tensor(&[picture], &self.device));
        let feature = self.image_tower.forward(pixels);
        l2_normalize(feature).into_data().iter().collect()
    }

    /// The image of a face, `[1, 3, R, R]`. The prepared network is faster, with identical bits,
    /// but only the original network can show intermediate images.
    fn images(
        &self,
        latent: &Latent,
        sketches: usize,
        show: &mut dyn FnMut(RgbImage),
    ) -> Tensor<4> {
        let (w_plus, noise) = (latent.w_plus.clone(), self.config.noise.noise());
        let offset = latent.style_offset.as_ref();
        if sketches == 0 {
            return self.synthesis.forward_restyled(w_plus, offset, noise);
        }
        let synthesis = self.generator.synthesis.clone();
        let synthesis = match offset {
            Some(offset) => synthesis.restyled(offset),
            None => synthesis,
        };
        let last = synthesis.blocks.len() - 1;
        synthesis.forward_with(w_plus, noise, |block, images| {
            if block < last && block + sketches >= last {
                show(to_rgb(images.clone()).swap_remove(0));
            }
        })
    }
}
