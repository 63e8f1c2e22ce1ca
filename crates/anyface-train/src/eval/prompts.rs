//! Prompts for evaluation.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyface::image::to_rgb;
use anyface_portraits::caption::{Caption, Grammar, Language, Split};
use anyface_portraits::{Attribute, Attributes, Face, latent, render};
use burn::tensor::Device;
use image::RgbImage;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::data::faces::{Faces, held_out_photographs};
use crate::data::photographs::PhotographsConfig;
use crate::error::{Result, TrainError};
use crate::run::load_config;

/// A prompt and its known content.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The text.
    pub text: String,
    /// Attributes that the text states or denies. Empty if unknown.
    pub said: Vec<(Attribute, bool)>,
    /// The described face.
    pub truth: Truth,
}

/// The face that a prompt describes.
#[derive(Debug, Clone)]
pub enum Truth {
    /// Unknown.
    Unknown,
    /// A face of the built-in domain.
    Rendered(Box<Face>),
    /// A photograph and its labels.
    Photograph {
        /// The picture at training resolution.
        picture: RgbImage,
        /// The labels.
        attributes: Attributes,
    },
}

impl Truth {
    /// The picture of the face. Rendered faces are `side` pixels square.
    pub fn picture(&self, side: u32) -> Option<RgbImage> {
        match self {
            Self::Unknown => None,
            Self::Rendered(face) => Some(render(face, side)),
            Self::Photograph { picture, .. } => Some(picture.clone()),
        }
    }

    /// Known attributes of the face.
    pub fn attributes(&self) -> Attributes {
        match self {
            Self::Unknown => Attributes::UNKNOWN,
            Self::Rendered(face) => face.attributes(),
            Self::Photograph { attributes, .. } => *attributes,
        }
    }
}

/// The part of a training configuration that is read here.
#[derive(Deserialize)]
struct WithPhotographs {
    photographs: PhotographsConfig,
}

/// The held-out photographs of a configuration.
fn held_out(config: &Path) -> Result<Box<dyn Faces>> {
    let WithPhotographs { photographs } = load_config(config)?;
    held_out_photographs(config, &photographs)
}

fn picture(faces: &dyn Faces, face: usize) -> RgbImage {
    to_rgb(faces.images(&[face], &Device::flex())).swap_remove(0)
}

/// At most `count` held-out pictures of the `[photographs]` table of a training configuration.
/// `seed` determines their order.
///
/// # Errors
/// Errors of the configuration and its photographs.
pub fn held_out_pictures(config: &Path, count: usize, seed: u64) -> Result<Vec<RgbImage>> {
    let faces = held_out(config)?;
    let mut order: Vec<usize> = (0..faces.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let chosen = order.into_iter().take(count);
    Ok(chosen.map(|face| picture(&*faces, face)).collect())
}

impl Prompt {
    /// English captions of random faces with seeds from `seed` on. They use templates, synonyms and
    /// roles that training does not use.
    pub fn rendered(seed: u64) -> impl Iterator<Item = Self> {
        Self::rendered_in(Language::English, seed)
    }

    /// As [`Prompt::rendered`], in a given language.
    pub fn rendered_in(language: Language, seed: u64) -> impl Iterator<Item = Self> {
        let write = move |grammar: &Grammar, face: &Attributes, rng: &mut ChaCha8Rng| {
            grammar.caption_in(language, face, rng)
        };
        Self::written(write, seed)
    }

    /// As [`Prompt::rendered`], for captions with denials. `said` has only the denied attributes.
    pub fn denying(seed: u64) -> impl Iterator<Item = Self> {
        let write =
            |grammar: &Grammar, face: &Attributes, rng: &mut ChaCha8Rng| grammar.denial(face, rng);
        let is_denied =
            |&(attribute, state): &(Attribute, bool)| !state || attribute == Attribute::NoBeard;
        Self::written(write, seed).filter_map(move |mut prompt| {
            prompt.said.retain(is_denied);
            (!prompt.said.is_empty()).then_some(prompt)
        })
    }

    /// Texts by `write` for random faces with seeds from `seed` on.
    fn written(
        write: impl Fn(&Grammar, &Attributes, &mut ChaCha8Rng) -> Caption,
        seed: u64,
    ) -> impl Iterator<Item = Self> {
        let grammar = Grammar::new(Split::HeldOut);
        (0..).map(move |i| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(i));
            let face = Face::from_latent(&latent::sample(&mut rng));
            let caption = write(&grammar, &face.attributes(), &mut rng);
            Self::new(caption, Truth::Rendered(Box::new(face)))
        })
    }

    /// One caption each for at most `count` held-out photographs of the `[photographs]` table of a
    /// training configuration. `seed` determines their order.
    ///
    /// # Errors
    /// Errors of the configuration and its photographs, or no photograph has a caption.
    pub fn photographed(config: &Path, count: usize, seed: u64) -> Result<Vec<Self>> {
        let faces = held_out(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..faces.len())
            .filter(|&face| faces.captions(face) > 0)
            .collect();
        order.shuffle(&mut rng);
        if order.is_empty() {
            return Err(TrainError::config(config, "[photographs] has no captions"));
        }
        let prompts = order.into_iter().take(count).map(|face| {
            let number = rng.random_range(0..faces.captions(face));
            let truth = Truth::Photograph {
                picture: picture(&*faces, face),
                attributes: faces.attributes(face),
            };
            Self::new(faces.caption(face, number), truth)
        });
        Ok(prompts.collect())
    }

    fn new(caption: Caption, truth: Truth) -> Self {
        Self {
            text: caption.text,
            said: caption.said,
            truth,
        }
    }

    /// Removes prompts with a repeated text.
    pub fn distinct(prompts: impl Iterator<Item = Self>) -> impl Iterator<Item = Self> {
        let mut known = HashSet::new();
        prompts.filter(move |prompt| known.insert(prompt.text.clone()))
    }

    /// The distinct non-empty lines of a file.
    ///
    /// # Errors
    /// Names the file that cannot be read or has no captions.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let prompts = lines.map(|line| Self {
            text: line.to_owned(),
            said: Vec::new(),
            truth: Truth::Unknown,
        });
        let prompts: Vec<Self> = Self::distinct(prompts).collect();
        match prompts.is_empty() {
            true => Err(TrainError::Damaged {
                path: path.to_owned(),
                message: "has no captions".to_owned(),
            }),
            false => Ok(prompts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_and_empty_lines_are_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("captions.txt");
        fs::write(&path, "a man\n\n  a woman\r\na man\n").expect("written");
        let prompts = Prompt::read(&path).expect("captions");
        let texts: Vec<_> = prompts.into_iter().map(|prompt| prompt.text).collect();
        assert_eq!(texts, ["a man", "a woman"]);
        fs::write(&path, "\n").expect("written");
        let error = Prompt::read(&path).expect_err("nothing").to_string();
        assert!(error.contains("captions.txt: has no captions"), "{error}");
    }

    #[test]
    fn rendered_captions_match_their_faces() {
        let prompts: Vec<_> = Prompt::distinct(Prompt::rendered(1)).take(300).collect();
        let texts: HashSet<_> = prompts.iter().map(|prompt| &prompt.text).collect();
        assert_eq!(texts.len(), 300);
        for prompt in prompts {
            let Truth::Rendered(face) = prompt.truth else {
                panic!("{} has no face", prompt.text);
            };
            let attributes = face.attributes();
            for (attribute, said) in prompt.said {
                assert_eq!(attributes.get(attribute), Some(said), "{}", prompt.text);
            }
        }
    }
}
