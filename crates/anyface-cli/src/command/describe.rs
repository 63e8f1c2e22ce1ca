//! `anyface describe`: a description of a face.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::face_source::FaceArgs;
use super::network::NetworkArgs;

/// Describe a face in words
///
/// The bundle's attribute probe reads the face. The probe of portraits knows 61 attributes of
/// rendered faces, the probe of photographs 38 of CelebA's attributes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The picture
    image: PathBuf,
    /// Print one JSON object with the probe's confidence in each attribute, 0 to 1
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    face: FaceArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    path: &'a Path,
    /// Number of faces in the picture; 1 without a detector.
    faces: usize,
    description: String,
    attributes: BTreeMap<&'static str, f32>,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let (reader, side) = self.network.attribute_reader()?;
        let photograph = self.face.open(&self.image, side)?;
        let seen = reader.read(&photograph.face);
        let mut out = std::io::stdout().lock();
        if !self.json {
            writeln!(out, "{}", seen.in_words())?;
            return Ok(());
        }
        let report = Report {
            path: &self.image,
            faces: photograph.found.map_or(1, |faces| faces.len()),
            description: seen.in_words(),
            attributes: seen
                .iter()
                .map(|(a, confidence)| (a.name(), confidence))
                .collect(),
        };
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        Ok(())
    }
}
