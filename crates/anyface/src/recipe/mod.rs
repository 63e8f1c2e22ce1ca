//! Whole bundles of public weights: of which models they are made, and how these are put together, and
//! where they are found.

mod find;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyface_checkpoint::Checkpoint;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;
use crate::bundle::Bundle;
use crate::convert::convert;
use crate::hub::{Hub, HubError, License, Model, Progress};

pub use find::{BUILTIN, bundle_folder, find_bundle};

static RECIPES: LazyLock<BTreeMap<String, Recipe>> = LazyLock::new(|| {
    let entries: BTreeMap<String, Entry> =
        toml::from_str(include_str!("recipes.toml")).expect("tested");
    let recipes = entries.into_iter().map(|(name, entry)| {
        let models = entry
            .models
            .iter()
            .map(|model| Model::named(model).cloned());
        let recipe = Recipe {
            name: name.clone(),
            about: entry.about,
            models: models.collect::<Result<_, _>>().expect("tested"),
            fields: entry.fields,
        };
        (name, recipe)
    });
    recipes.collect()
});

/// A recipe as `recipes.toml` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    about: String,
    models: Vec<String>,
    fields: Map<String, Value>,
}

/// A bundle that can be put together of public weights.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of the bundle.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// What it is made of, in the order in which it is put together.
    pub models: Vec<Model>,
    /// Fields of `config.json` beside the networks.
    pub fields: Map<String, Value>,
}

impl Recipe {
    /// Every recipe by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RECIPES.values()
    }

    /// A recipe by name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RECIPES.get(name)
    }

    /// The models that are not yet in the hub's cache.
    pub fn missing(&self, hub: &Hub) -> Vec<&Model> {
        let models = self.models.iter();
        models
            .filter(|model| hub.cache.find(model).is_none())
            .collect()
    }

    /// The licences of its models, each once.
    pub fn licenses(&self) -> Vec<License> {
        let mut licenses = Vec::new();
        for model in &self.models {
            if !licenses.contains(&model.license) {
                licenses.push(model.license);
            }
        }
        licenses
    }

    /// The terms of the whole in one line.
    pub fn terms(&self) -> String {
        let mut names: Vec<&str> = self.licenses().into_iter().map(License::name).collect();
        if self.models.iter().any(|model| model.non_commercial) {
            names.push("not for commercial use");
        }
        names.join(", ")
    }

    /// The files of weights of all models: those kept already, the others fetched as [`Hub::pull`]
    /// does.
    ///
    /// # Errors
    /// As [`Hub::pull`]. Offline it names every model that is missing.
    pub fn pull(
        &self,
        hub: &Hub,
        show: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<PathBuf>, HubError> {
        let missing = self.missing(hub);
        if hub.offline && !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|model| model.name.as_str()).collect();
            return Err(HubError::Offline {
                model: names.join(", "),
                folder: hub.cache.home.clone(),
            });
        }
        let mut files = Vec::new();
        for model in &self.models {
            files.extend(hub.pull(model, show)?);
        }
        files.retain(|path| is_weights(path));
        Ok(files)
    }

    /// Puts the bundle together of the files that [`Self::pull`] gives. `folder` is there whole or
    /// not at all.
    ///
    /// # Errors
    /// When a file cannot be converted, the networks do not fit each other, or `folder` is there or
    /// cannot be written.
    pub fn assemble(&self, files: &[PathBuf], folder: &Path) -> Result<(), Error> {
        let parent = folder.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| Error::io(parent, source))?;
        let unfinished = tempfile::Builder::new()
            .prefix(&format!(".{}-", self.name))
            .tempdir_in(parent)
            .map_err(|source| Error::io(parent, source.kind().into()))?;
        for file in files {
            convert(&Checkpoint::open(file)?)?.put(unfinished.path())?;
        }
        let mut fields = self.fields.clone();
        fields.insert("license".to_owned(), self.terms().into());
        Bundle::merge(unfinished.path(), &[], fields)?;
        Bundle::folder(unfinished.path()).config()?;
        make_readable(unfinished.path())?;
        let finished = unfinished.keep();
        fs::rename(&finished, folder).map_err(|source| {
            fs::remove_dir_all(&finished).ok();
            Error::io(folder, source)
        })
    }
}

/// Whether a file of a model holds weights, and not their config.
fn is_weights(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    extension != "json" && extension != "yaml"
}

/// Temporary folders are private; this one becomes an ordinary folder.
fn make_readable(folder: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder, mode).map_err(|source| Error::io(folder, source))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Where bundles of recipes are kept: `anyface/models` below the user's data folder, which
/// `XDG_DATA_HOME` names (`LOCALAPPDATA` on Windows), `~/.local/share` by default; none without a
/// home.
pub fn bundles_folder() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA").filter(|_| cfg!(windows)))
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".local/share")))?;
    Some(data.join("anyface/models"))
}

#[cfg(test)]
mod tests;
