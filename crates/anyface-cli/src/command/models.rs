//! `anyface models`: lists public weights and inspects weight files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::checkpoint::Checkpoint;
use anyface::convert::Kind;
use anyface::hub::{Cache, Model};
use anyface::recipe::{Recipe, bundles_folder};
use anyhow::Result;
use indicatif::HumanBytes;

/// List public weights, or inspect a weight file
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the installed bundles, with size, licence and abilities, and everything that
    /// `anyface pull` fetches
    List,
    /// Print the kind of a file, and the type and shape of every tensor in it
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
    let names = Recipe::all().map(|recipe| &recipe.name);
    let names = names.chain(Model::all().map(|model| &model.name));
    let width = names.map(String::len).max().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let installed = installed();
    if !installed.is_empty() {
        writeln!(out, "installed bundles, for --model:")?;
    }
    for (name, folder) in installed {
        writeln!(out, "{name:width$}  {}", description(&folder))?;
    }
    writeln!(out, "bundles that `anyface pull` assembles:")?;
    for recipe in Recipe::all() {
        let (name, about, terms) = (&recipe.name, &recipe.about, recipe.terms());
        writeln!(out, "{name:width$}  {about} ({terms})")?;
    }
    writeln!(out, "weights that `anyface pull` fetches:")?;
    for model in Model::all() {
        let (name, about) = (&model.name, &model.about);
        let terms = match model.non_commercial {
            true => ", not for commercial use",
            false => "",
        };
        let found = cache.as_ref().and_then(|cache| cache.find(model));
        let here = if found.is_some() { ", downloaded" } else { "" };
        writeln!(
            out,
            "{name:width$}  {about} ({}{terms}){here}",
            model.license.name()
        )?;
    }
    Ok(())
}

/// Names and folders of the bundles that `--model` finds by name, sorted.
fn installed() -> Vec<(String, PathBuf)> {
    let places = [Some(PathBuf::from("models")), bundles_folder()];
    let entries = places
        .into_iter()
        .flatten()
        .filter_map(|place| fs::read_dir(place).ok());
    let folders = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let named = folders.filter_map(|folder| {
        let name = folder.file_name()?.to_str()?.to_owned();
        let is_bundle = !name.starts_with('.') && folder.join("config.json").exists();
        is_bundle.then_some((name, folder))
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// Size, licence and abilities of a bundle, or why it does not open.
fn description(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten();
    let sizes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
    let size = HumanBytes(sizes.sum());
    let config = match Bundle::folder(folder).config() {
        Ok(config) => config,
        Err(error) => return format!("{size}, does not open: {error}"),
    };
    let resolution = config.generator.resolution();
    let pictures = match config.inverts() {
        true => "an encoder",
        false => "optimisation",
    };
    let directions = match config.directions {
        Some(_) => ", edits by directions",
        None => "",
    };
    let license = match config.license.as_str() {
        "" => "licence unknown",
        license => license,
    };
    format!(
        "{size}, {resolution} pixels, text by {}, inversion by {pictures}{directions} ({license})",
        config.mapper.name()
    )
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
