//! Photographs with what is known of their faces, in the layouts of the field.
//!
//! A layout is read to records, which name a picture and what stands of it in the labels; then the faces to learn from
//! are told from those for evaluation, and the pictures of both are decoded to memory.

mod captioned;
mod celeba;
mod entry;
mod json;
mod lafite;
#[cfg(feature = "parquet")]
mod parquet;
mod record;
mod sidecar;
mod split;
mod text;

use std::path::PathBuf;

use anyface::image::Color;
use anyface_portraits::Attributes;
use anyface_portraits::caption::{Caption, Grammar, Split};
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

use self::captioned::{CELEBA_TEXT_HQ, MULTI_MODAL_CELEBA_HQ};
use self::record::Record;
use super::captions::{quote, write_caption};
use super::faces::{CAPTIONS, FaceSplit, Faces};
use super::images::ImageSet;
use super::picture::{Cut, Picture};
use crate::bounds;
use crate::error::Result;

/// The `[photographs]` table: faces to learn from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotographsConfig {
    /// The folder, or the file of a layout that is one file.
    pub path: PathBuf,
    /// How it holds pictures and labels.
    pub layout: Layout,
    /// Side in pixels, R.
    #[serde(deserialize_with = "bounds::side")]
    pub size: u32,
    /// What to cut out of every picture: left, top, width and height in pixels. The largest square in its middle when
    /// left out.
    pub crop: Option<[u32; 4]>,
    /// What is laid over everything but the person, whom the built-in mask finds: `#RRGGBB`. Backgrounds stay without it.
    pub background: Option<Color>,
    /// Folder that keeps the squares made of pictures for the next run.
    pub cache: Option<PathBuf>,
    /// Where the layout has no split of its own: one person in so many is for evaluation only, or one picture where
    /// persons are not known.
    pub held_out: usize,
    /// Seed of the captions that the grammar writes.
    pub seed: u64,
}

/// How photographs and their labels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// CelebA: a table of attributes beside a folder of pictures.
    Celeba,
    /// Multi-Modal CelebA-HQ: pictures, ten captions of each, and the lists of its split.
    MultiModalCelebaHq,
    /// CelebAText-HQ, and what `anyface portraits` writes.
    CelebaTextHq,
    /// A file of captions beside each picture.
    #[serde(alias = "beside")]
    Sidecar,
    /// Captions in one JSON file, or in lines of JSON.
    Json,
    /// A table, or a folder of tables, with captions and perhaps the pictures.
    Parquet,
    /// LAFITE's archive of pictures and CLIP's features of captions.
    Lafite,
}

impl PhotographsConfig {
    fn images(&self, pictures: &[Picture]) -> Result<ImageSet> {
        let cut = Cut {
            size: self.size,
            crop: self.crop,
            background: self.background,
        };
        ImageSet::read(pictures, cut, self.cache.as_deref())
    }
}

/// The records of a layout: those to learn from, and those that are held out.
fn records(config: &PhotographsConfig) -> Result<(Vec<Record>, Vec<Record>)> {
    let records = match config.layout {
        Layout::Celeba => celeba::read(&config.path),
        Layout::MultiModalCelebaHq => captioned::read(&config.path, &MULTI_MODAL_CELEBA_HQ),
        Layout::CelebaTextHq => captioned::read(&config.path, &CELEBA_TEXT_HQ),
        Layout::Sidecar => sidecar::read(&config.path),
        Layout::Json => json::read(&config.path),
        #[cfg(feature = "parquet")]
        Layout::Parquet => parquet::read(&config.path),
        #[cfg(not(feature = "parquet"))]
        Layout::Parquet => Err(crate::error::TrainError::config(
            &config.path,
            "this build reads no Parquet: build `anyface` with --features parquet",
        )),
        Layout::Lafite => lafite::read(&config.path),
    }?;
    Ok(split::split(records, config.held_out))
}

/// The pictures alone: those to learn from, and all that are held out.
///
/// # Errors
/// As those of the faces with their labels.
pub(crate) fn pictures(config: &PhotographsConfig) -> Result<(ImageSet, ImageSet)> {
    let (training, held_out) = records(config)?;
    let read = |records: Vec<Record>| {
        let pictures: Vec<_> = records.into_iter().map(|record| record.picture).collect();
        config.images(&pictures)
    };
    Ok((read(training)?, read(held_out)?))
}

/// Photographs in memory.
pub(super) struct Photographs {
    images: ImageSet,
    labels: Vec<Labels>,
    grammar: Grammar,
    /// Of the captions.
    seed: u64,
}

/// What is known of a face.
struct Labels {
    attributes: Attributes,
    /// What people wrote of it.
    captions: Vec<String>,
    /// Of captions that are not there.
    features: Vec<Vec<f32>>,
}

impl Photographs {
    /// Reads the faces of a layout. For evaluation are those of its validation part, or else of its test part, or else
    /// those that `config.held_out` picks; evenly drawn from these, if they are more than `held_out`.
    ///
    /// # Errors
    /// In one line that names the file, and its line or entry: what is missing, no picture, or not as the layout has it.
    pub(super) fn open(config: &PhotographsConfig, held_out: usize) -> Result<FaceSplit> {
        let (training, others) = records(config)?;
        let others = split::thin(others, held_out);
        Ok(FaceSplit {
            training: Box::new(Self::read(training, config, Split::Train)?),
            held_out: Box::new(Self::read(others, config, Split::HeldOut)?),
        })
    }

    /// Reads all faces that are for evaluation, and no other.
    ///
    /// # Errors
    /// As [`Photographs::open`].
    pub(super) fn held_out(config: &PhotographsConfig) -> Result<Self> {
        let (_, others) = records(config)?;
        Self::read(others, config, Split::HeldOut)
    }

    fn read(records: Vec<Record>, config: &PhotographsConfig, split: Split) -> Result<Self> {
        let of_record = |record: Record| {
            let labels = Labels {
                attributes: record.attributes,
                captions: record.captions,
                features: record.features,
            };
            (record.picture, labels)
        };
        let (pictures, labels): (Vec<Picture>, _) = records.into_iter().map(of_record).unzip();
        Ok(Self {
            images: config.images(&pictures)?,
            labels,
            grammar: Grammar::new(split),
            seed: config.seed,
        })
    }
}

impl Faces for Photographs {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn size(&self) -> usize {
        self.images.size()
    }

    fn images(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        self.images.images(indices, device)
    }

    fn attributes(&self, index: usize) -> Attributes {
        self.labels[index].attributes
    }

    /// As many as people wrote; else ten by the grammar, if there is anything to say.
    fn captions(&self, index: usize) -> usize {
        let labels = &self.labels[index];
        match labels.captions.len() {
            0 if labels.attributes == Attributes::UNKNOWN => 0,
            0 => CAPTIONS,
            written => written,
        }
    }

    fn caption(&self, index: usize, number: usize) -> Caption {
        let labels = &self.labels[index];
        match labels.captions.get(number) {
            Some(text) => quote(text),
            None => write_caption(
                &self.grammar,
                &labels.attributes,
                self.seed,
                (index * CAPTIONS + number) as u64,
            ),
        }
    }

    fn features(&self, index: usize) -> &[Vec<f32>] {
        &self.labels[index].features
    }
}

#[cfg(test)]
mod tests;
