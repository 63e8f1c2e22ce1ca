//! Photographs with labels, in the common layouts.
//!
//! A layout is read to records of a picture and its labels. The records are split into training and
//! held-out sets, then the pictures of both are decoded into memory.

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

/// The `[photographs]` table: labelled faces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotographsConfig {
    /// Path of the folder, or of the file for layouts of one file.
    pub path: PathBuf,
    /// Layout of pictures and labels.
    pub layout: Layout,
    /// Side in pixels, R.
    #[serde(deserialize_with = "bounds::side")]
    pub size: u32,
    /// Crop of every picture: left, top, width and height in pixels. Default: the largest centred
    /// square.
    pub crop: Option<[u32; 4]>,
    /// Colour that replaces the background, `#RRGGBB`. The built-in segmentation mask finds the
    /// person. Without it, backgrounds are kept.
    pub background: Option<Color>,
    /// Folder that caches the cropped and resized pictures for later runs.
    pub cache: Option<PathBuf>,
    /// For layouts without a split: every `held_out`-th person is for evaluation only. Where
    /// persons are unknown, every `held_out`-th picture is.
    pub held_out: usize,
    /// Seed of the captions written by the grammar.
    pub seed: u64,
}

/// Storage layout of photographs and their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// CelebA: a table of attributes and a folder of pictures.
    Celeba,
    /// Multi-Modal CelebA-HQ: pictures, ten captions each, and lists of the split.
    MultiModalCelebaHq,
    /// CelebAText-HQ, and the output of `anyface portraits`.
    CelebaTextHq,
    /// A caption file beside each picture.
    #[serde(alias = "beside")]
    Sidecar,
    /// Captions in one JSON or JSON Lines file.
    Json,
    /// A table or a folder of tables with captions, and optionally the pictures.
    Parquet,
    /// LAFITE archive of pictures and CLIP features of captions.
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

/// Training and held-out records of a layout.
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
            "this build does not read Parquet; build `anyface` with --features parquet",
        )),
        Layout::Lafite => lafite::read(&config.path),
    }?;
    Ok(split::split(records, config.held_out))
}

/// Training and held-out pictures without labels.
///
/// # Errors
/// As [`FaceSplit::open`].
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
    /// Seed of the captions.
    seed: u64,
}

/// Labels of a face.
struct Labels {
    attributes: Attributes,
    /// Captions written by people.
    captions: Vec<String>,
    /// Caption features, for layouts without caption texts.
    features: Vec<Vec<f32>>,
}

impl Photographs {
    /// Reads the faces of a layout. Held-out faces come from its validation part, else from its
    /// test part, else from `config.held_out`. They are thinned evenly to at most `held_out`.
    ///
    /// # Errors
    /// A line that names the file, the line or entry, and the cause: a missing file, a file that is
    /// not a picture, or labels that do not match the layout.
    pub(super) fn open(config: &PhotographsConfig, held_out: usize) -> Result<FaceSplit> {
        let (training, others) = records(config)?;
        let others = split::thin(others, held_out);
        Ok(FaceSplit {
            training: Box::new(Self::read(training, config, Split::Train)?),
            held_out: Box::new(Self::read(others, config, Split::HeldOut)?),
        })
    }

    /// Reads only the held-out faces.
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

    /// The number of captions written by people. Otherwise ten by the grammar, or none if all
    /// attributes are unknown.
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
