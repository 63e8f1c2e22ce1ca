//! `anyface models`: public weights, and what weight files hold.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyface::checkpoint::Checkpoint;
use anyface::convert::Kind;
use anyface::hub::{Cache, Model};
use anyhow::Result;

/// List public weights, look into weight files
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the models that `anyface pull` fetches, and which are there
    List,
    /// Print what a file is, and the type and shape of every tensor in it
    Inspect {
        /// Any file that `anyface convert` reads
        file: PathBuf,
    },
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        match self.action {
            Action::List => list(),
            Action::Inspect { file } => inspect(&file),
        }
    }
}

fn list() -> Result<()> {
    let cache = Cache::from_env();
    let width = Model::all().map(|model| model.name.len()).max();
    let width = width.unwrap_or_default();
    let mut out = std::io::stdout().lock();
    for model in Model::all() {
        let (name, about) = (&model.name, &model.about);
        let terms = match model.non_commercial {
            true => ", not for commercial use",
            false => "",
        };
        let found = cache.as_ref().and_then(|cache| cache.find(model));
        let here = if found.is_some() { ", here" } else { "" };
        writeln!(
            out,
            "{name:width$}  {about} ({}{terms}){here}",
            model.license.name()
        )?;
    }
    Ok(())
}

fn inspect(file: &Path) -> Result<()> {
    let checkpoint = Checkpoint::open(file)?;
    let tensors = &checkpoint.tensors;
    let elements: usize = tensors.values().map(|tensor| tensor.len()).sum();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}  {} from {}  {} tensors, {elements} elements",
        file.display(),
        Kind::of(&checkpoint).name(),
        checkpoint.container,
        tensors.len(),
    )?;
    let width = tensors.keys().map(String::len).max().unwrap_or_default();
    for (name, tensor) in tensors {
        let dtype = tensor.dtype().to_string();
        writeln!(out, "{name:width$}  {dtype:4}  {:?}", tensor.shape())?;
    }
    for part in &checkpoint.left_out {
        writeln!(out, "left out {}: {}", part.name, part.reason)?;
    }
    Ok(())
}
