//! `anyface eval identity`.

use std::path::PathBuf;

use anyface_train::eval::{CANDIDATES, held_out_pictures, identity};
use anyhow::{Context, Result};

use super::pictures::{FramingArgs, RecognizerArgs, report_left_out};
use super::{Common, text};

/// Do edits preserve the identity?
///
/// Pictures are inverted and edited at strength 0.5. A face is recognised if MobileFaceNet places
/// it closer to its own picture than to each of 99 others. "With details": the same after the
/// compositing of `edit` on photographs. "RFRR": the share of edits that are closer to the picture
/// than the edit by layer crossover. "Shown": by how much the edit raises the share of faces in
/// which the bundle's probe sees the requested attribute.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of at least 100 real pictures, each of another person
    #[arg(long, value_name = "DIR", required_unless_present = "photographs")]
    images: Option<PathBuf>,
    /// Training config with a table [photographs]; uses its held-out photographs instead of a
    /// folder
    #[arg(long, value_name = "CONFIG", conflicts_with = "images")]
    photographs: Option<PathBuf>,
    #[command(flatten)]
    framing: FramingArgs,
    /// Number of pictures to invert and edit
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    #[command(flatten)]
    recognizer: RecognizerArgs,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let samples = self.samples as usize;
        let recognizer = self.recognizer.find(&network.device())?.context(
            "no recogniser: set the weights of MobileFaceNet by --recognizer or ANYFACE_RECOGNIZER",
        )?;
        let engine = network.engine()?;
        let wanted = samples.max(CANDIDATES);
        let faces = match (&self.images, &self.photographs) {
            (Some(folder), _) => {
                let side = engine.resolution();
                let mut found = self.framing.faces(folder, side, *seed)?;
                let faces = found.by_ref().take(wanted).collect::<Result<_, _>>()?;
                report_left_out(&found);
                faces
            }
            (None, Some(config)) => held_out_pictures(config, wanted, *seed)?,
            (None, None) => Vec::new(),
        };
        let source = self.images.as_ref().or(self.photographs.as_ref());
        let report = identity(
            &engine,
            network.probe_if_any()?.as_ref(),
            &recognizer,
            &faces,
            samples,
            *seed,
        )
        .with_context(|| source.map_or_else(String::new, |path| path.display().to_string()))?;
        self.common.print(&report, text::identity)
    }
}
