//! The download cache. Its folders `blobs`, `refs` and `snapshots` follow Hugging Face's
//! `huggingface_hub`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::download::Remote;
use super::{HubError, Model, ModelSource};
use crate::weights::write_atomically;

/// The folders of the cache.
#[derive(Debug, Clone)]
pub struct Cache {
    /// `HF_HOME`.
    pub home: PathBuf,
    /// `HF_HUB_CACHE`: one folder per repository.
    pub hub: PathBuf,
}

impl Cache {
    /// The cache selected by the environment, `~/.cache/huggingface` by default; `None` without a
    /// home folder.
    pub fn from_env() -> Option<Self> {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let home = folder("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = folder("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")));
            Some(cache?.join("huggingface"))
        })?;
        let hub = folder("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        Some(Self { home, hub })
    }

    /// The files of a model, if all are in the cache.
    pub fn find(&self, model: &Model) -> Option<Vec<PathBuf>> {
        let all_in = |folder: &Path| -> Option<Vec<PathBuf>> {
            let files = model.files.iter().map(|file| folder.join(&file.path));
            files.map(|path| path.exists().then_some(path)).collect()
        };
        match &model.source {
            ModelSource::Url(_) => all_in(&self.own(model)),
            ModelSource::HuggingFace { repo, revisions } => revisions.iter().find_map(|revision| {
                let folder = self.repo(repo);
                let commit = fs::read_to_string(folder.join("refs").join(revision)).ok()?;
                all_in(&folder.join("snapshots").join(commit.trim()))
            }),
        }
    }

    /// The folder that contains a model.
    pub(super) fn folder(&self, model: &Model) -> PathBuf {
        match &model.source {
            ModelSource::Url(_) => self.own(model),
            ModelSource::HuggingFace { repo, .. } => self.repo(repo),
        }
    }

    /// The folder of a model that is not on Hugging Face.
    pub(super) fn own(&self, model: &Model) -> PathBuf {
        self.home.join("anyface").join(&model.name)
    }

    /// The folder of a repository.
    pub(super) fn repo(&self, repo: &str) -> PathBuf {
        self.hub
            .join(format!("models--{}", repo.replace('/', "--")))
    }
}

/// Final and temporary path of a download.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Temporary file, one per version of the file, so that versions never mix.
    pub(super) partial: PathBuf,
    /// Whether an existing partial file can be of the same version.
    pub(super) resumable: bool,
}

impl Place {
    /// For a blob of a repository.
    pub(super) fn blob(folder: &Path, name: &str) -> Self {
        let blobs = folder.join("blobs");
        Self {
            path: blobs.join(name),
            partial: blobs.join(format!("{name}.incomplete")),
            resumable: true,
        }
    }

    /// For a file under its own name.
    pub(super) fn file(path: &Path, remote: &Remote) -> Self {
        let version = remote.blob_name();
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(
            ".{}.incomplete",
            version.as_deref().unwrap_or("unknown")
        ));
        Self {
            path: path.to_owned(),
            partial: partial.into(),
            resumable: version.is_some(),
        }
    }
}

/// Links `blob` into a snapshot and returns the link's path.
pub(super) fn link(
    folder: &Path,
    commit: &str,
    name: &str,
    blob: &Path,
) -> Result<PathBuf, HubError> {
    let path = folder.join("snapshots").join(commit).join(name);
    if path.exists() {
        return Ok(path);
    }
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(HubError::io(parent))?;
    // The existing path is a link whose blob was deleted.
    fs::remove_file(&path).ok();
    #[cfg(unix)]
    {
        let depth = 2 + Path::new(name).components().count();
        let blob_name = blob.file_name().unwrap_or_default();
        let target = Path::new(&"../".repeat(depth - 1))
            .join("blobs")
            .join(blob_name);
        std::os::unix::fs::symlink(target, &path).map_err(HubError::io(&path))?;
    }
    #[cfg(not(unix))]
    fs::rename(blob, &path).map_err(HubError::io(&path))?;
    Ok(path)
}

/// Records the commit of a revision.
pub(super) fn write_ref(folder: &Path, revision: &str, commit: &str) -> Result<(), HubError> {
    let path = folder.join("refs").join(revision);
    write_atomically(&path, commit.as_bytes()).map_err(HubError::io(&path))
}
