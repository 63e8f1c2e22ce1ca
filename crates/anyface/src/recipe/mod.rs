//! Recipes that assemble bundles from public weights, and lookup of bundles by name.

mod find;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyface_checkpoint::Checkpoint;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;
use crate::bundle::Bundle;
use crate::convert::convert;
use crate::data_folder::data_folder;
use crate::hub::{Hub, HubError, License, Model, Progress};

pub use find::{BUILTIN, bundle_folder, find_bundle};

static RECIPES: LazyLock<BTreeMap<String, Recipe>> = LazyLock::new(|| {
    let entries: BTreeMap<String, Entry> =
        toml::from_str(include_str!("recipes.toml")).expect("the built-in recipes are valid");
    let recipes = entries.into_iter().map(|(name, entry)| {
        let models = entry
            .models
            .iter()
            .map(|model| Model::named(model).cloned());
        let recipe = Recipe {
            name: name.clone(),
            about: entry.about,
            models: models
                .collect::<Result<_, _>>()
                .expect("recipes use models of the registry"),
            fields: entry.fields,
        };
        (name, recipe)
    });
    recipes.collect()
});

/// A recipe in `recipes.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    about: String,
    models: Vec<String>,
    fields: Map<String, Value>,
}

/// A bundle that can be assembled from public weights.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Name of the bundle.
    pub name: String,
    /// Short description.
    pub about: String,
    /// Its models, in the order of assembly.
    pub models: Vec<Model>,
    /// Fields of `config.json` besides the networks.
    pub fields: Map<String, Value>,
}

impl Recipe {
    /// All recipes, by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RECIPES.values()
    }

    /// The recipe of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RECIPES.get(name)
    }

    /// The models that are not in the hub's cache.
    pub fn missing(&self, hub: &Hub) -> Vec<&Model> {
        let models = self.models.iter();
        models
            .filter(|model| hub.cache.find(model).is_none())
            .collect()
    }

    /// The distinct licences of its models.
    pub fn licenses(&self) -> Vec<License> {
        let mut licenses = Vec::new();
        for model in &self.models {
            if !licenses.contains(&model.license) {
                licenses.push(model.license);
            }
        }
        licenses
    }

    /// The terms of the whole bundle in one line.
    pub fn terms(&self) -> String {
        let mut names: Vec<&str> = self.licenses().into_iter().map(License::name).collect();
        if self.models.iter().any(|model| model.non_commercial) {
            names.push("not for commercial use");
        }
        names.join(", ")
    }

    /// The weight files of all models. Missing files are downloaded, see [`Hub::pull`].
    ///
    /// # Errors
    /// See [`Hub::pull`]. Offline, the error names every missing model.
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

    /// Assembles the bundle from the files of [`Self::pull`]. `folder` is created atomically.
    ///
    /// # Errors
    /// If a file cannot be converted, the networks do not fit each other, or `folder` exists or
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

/// Whether a file of a model contains weights, not config.
fn is_weights(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    extension != "json" && extension != "yaml"
}

/// Makes a private temporary folder readable like an ordinary folder.
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

/// Folder for bundles from recipes: `models` in the [`data_folder`]; `None` without a home folder.
pub fn bundles_folder() -> Option<PathBuf> {
    Some(data_folder()?.join("models"))
}

#[cfg(test)]
mod tests;
