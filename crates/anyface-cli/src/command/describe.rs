//! `anyface describe`: what is seen in a face, in words.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::face_source::FaceArgs;
use super::network::NetworkArgs;

/// Say in words what is seen in a face
///
/// The bundle's attribute probe looks. The one of portraits knows 61 attributes of drawn faces; that of photographs, the 38
/// of CelebA.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The picture
    image: PathBuf,
    /// Print one JSON object: each attribute with how sure the probe is of it, 0 to 1
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    face: FaceArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// `--json`.
#[derive(Serialize)]
struct Report<'a> {
    path: &'a Path,
    /// How many faces the picture has; 1 where nothing looked for them.
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
            attributes: seen.iter().map(|(a, sure)| (a.name(), sure)).collect(),
        };
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        Ok(())
    }
}
