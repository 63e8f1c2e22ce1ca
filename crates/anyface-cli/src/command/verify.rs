//! `anyface verify`: what an image says of its making.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyface::image::read_mark;
use anyhow::{Context, Result, bail};
use serde_json::json;

/// Read back what an image says of itself: whether it is AI-generated, by what model, from which words
///
/// Exit code 0 when the image carries the mark, 1 when not. A mark can be removed: an image without one may still be generated.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// PNG, JPEG or GIF file
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let name = self.file.display();
        let bytes = fs::read(&self.file).with_context(|| format!("{name}"))?;
        let Some(mark) = read_mark(&bytes) else {
            bail!("{name}: no mark found: it does not say whether it is AI-generated");
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            let report = json!({
                "path": self.file,
                "ai_generated": true,
                "software": mark.software,
                "model": mark.model,
                "prompt": mark.prompt,
                "seed": mark.seed,
            });
            writeln!(out, "{report}")?;
            return Ok(());
        }
        writeln!(out, "{name}  AI-generated")?;
        writeln!(out, "software  {}", mark.software)?;
        writeln!(out, "model     {}", mark.model)?;
        if let Some(prompt) = &mark.prompt {
            writeln!(out, "prompt    {prompt}")?;
        }
        if let Some(seed) = mark.seed {
            writeln!(out, "seed      {seed}")?;
        }
        Ok(())
    }
}
