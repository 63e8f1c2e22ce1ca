//! Download of public weights by name. Each file is complete and checked, or absent.
//!
//! Files from Hugging Face are in its cache, shared with other programs; files from elsewhere are
//! under `$HF_HOME/anyface`.

mod cache;
mod download;
mod registry;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use cache::Cache;
pub use download::Progress;
pub use registry::{HubFile, License, Model, ModelSource};

use cache::Place;
use download::Client;

/// Why weights could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// There is no such model.
    #[error("no model is called `{0}`: see `anyface models list`")]
    Unknown(String),
    /// No folder for files is known.
    #[error("there is no home folder: set HF_HOME")]
    NoHome,
    /// The model is not in the cache, and downloads are disabled.
    #[error("{} lacks {model}, and HF_HUB_OFFLINE forbids downloads", folder.display())]
    Offline {
        /// Names of one or several models.
        model: String,
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// The server does not have the file, or denies access.
    #[error("{url}: {reason}")]
    Refused {
        /// Address of the file.
        url: String,
        /// The server's answer.
        reason: String,
    },
    /// Several attempts received nothing.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// Address of the file.
        url: String,
        /// The last failure.
        reason: String,
    },
    /// The connection failed repeatedly.
    #[error("{url}: {reason}; the received part is kept, and the next attempt resumes from there")]
    Broken {
        /// Address of the file.
        url: String,
        /// The last failure.
        reason: String,
    },
    /// The file does not match its published checksum.
    #[error("{url}: the downloaded file has the SHA-256 {found}, not {expected}; it was deleted")]
    Checksum {
        /// Address of the file.
        url: String,
        /// SHA-256 of the received file.
        found: String,
        /// Published SHA-256, or its first digits.
        expected: String,
    },
    /// Another process is downloading the same file.
    #[error("{}: another process is downloading it", .0.display())]
    Busy(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl HubError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Source and destination of downloads.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Cache for the files.
    pub cache: Cache,
    /// Address of Hugging Face.
    pub endpoint: String,
    /// Access token for restricted files on Hugging Face; sent to no other server.
    pub token: Option<String>,
    /// Whether downloads are disabled.
    pub offline: bool,
    /// Time-out for a silent server.
    pub patience: Duration,
    /// Pause before the second attempt; it doubles each time.
    pub pause: Duration,
}

impl Hub {
    /// Settings from Hugging Face's environment variables: `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`,
    /// `HF_ENDPOINT`, `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// [`HubError::NoHome`] if no folder for files is known.
    pub fn from_env() -> Result<Self, HubError> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let cache = Cache::from_env().ok_or(HubError::NoHome)?;
        let stored_token = || fs::read_to_string(cache.home.join("token")).ok();
        let token = text("HF_TOKEN").or_else(stored_token);
        let offline = text("HF_HUB_OFFLINE").map(|value| value.to_lowercase());
        Ok(Self {
            token: token.map(|token| token.trim().to_owned()),
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            offline: offline.is_some_and(|value| !["0", "false", "no", "off"].contains(&&*value)),
            patience: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            cache,
        })
    }

    /// The files of a model in registry order. Missing files are downloaded; `show` receives the
    /// progress.
    ///
    /// # Errors
    /// Names the address or file and the cause. Complete files are kept.
    pub fn pull(
        &self,
        model: &Model,
        show: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<PathBuf>, HubError> {
        if let Some(files) = self.cache.find(model) {
            return Ok(files);
        }
        if self.offline {
            return Err(HubError::Offline {
                model: model.name.clone(),
                folder: self.cache.folder(model),
            });
        }
        let client = Client::new(self);
        match &model.source {
            ModelSource::Url(base) => {
                let files = model.files.iter();
                files
                    .map(|file| self.pull_url(&client, model, base, file, show))
                    .collect()
            }
            ModelSource::HuggingFace { repo, revisions } => {
                let mut last = None;
                for revision in revisions {
                    match self.pull_revision(&client, model, repo, revision, show) {
                        Err(HubError::Refused { url, reason }) => {
                            last.get_or_insert(HubError::Refused { url, reason });
                        }
                        done => return done,
                    }
                }
                Err(last.unwrap_or_else(|| HubError::Unknown(model.name.clone())))
            }
        }
    }

    fn pull_url(
        &self,
        client: &Client,
        model: &Model,
        base: &str,
        file: &HubFile,
        show: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, HubError> {
        let path = self.cache.own(model).join(&file.path);
        if !path.exists() {
            let url = file.url.clone();
            let url = url.unwrap_or_else(|| format!("{base}{}", file.path));
            let remote = client.locate(&url)?;
            client.fetch(&remote, file, &Place::file(&path, &remote), show)?;
        }
        Ok(path)
    }

    fn pull_revision(
        &self,
        client: &Client,
        model: &Model,
        repo: &str,
        revision: &str,
        show: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<PathBuf>, HubError> {
        let folder = self.cache.repo(repo);
        let mut paths = Vec::new();
        for file in &model.files {
            let escaped = revision.replace('/', "%2F");
            let endpoint = &self.endpoint;
            let url = format!("{endpoint}/{repo}/resolve/{escaped}/{}", file.path);
            let remote = client.locate(&url)?;
            let (Some(commit), Some(blob)) = (remote.commit.clone(), remote.blob_name()) else {
                let reason =
                    "the server is not Hugging Face: it sends no commit or ETag".to_owned();
                return Err(HubError::Refused { url, reason });
            };
            let place = Place::blob(&folder, &blob);
            if !place.path.exists() {
                client.fetch(&remote, file, &place, show)?;
            }
            paths.push(cache::link(&folder, &commit, &file.path, &place.path)?);
            cache::write_ref(&folder, revision, &commit)?;
        }
        Ok(paths)
    }
}

/// The weights at `path`; else at the path in the environment `variable`, where an empty value
/// means none; else the first file of the registry's `model`, if `anyface pull` has downloaded it.
pub fn find(path: Option<&Path>, variable: &str, model: Option<&str>) -> Option<PathBuf> {
    let named = || std::env::var_os(variable).map(PathBuf::from);
    let pulled = || pulled(model?)?.into_iter().next();
    let path = path.map(Path::to_owned).or_else(named).or_else(pulled);
    path.filter(|path| !path.as_os_str().is_empty())
}

/// The files of the registry's `model`, if `anyface pull` has downloaded them.
pub fn pulled(model: &str) -> Option<Vec<PathBuf>> {
    Cache::from_env()?.find(Model::named(model).ok()?)
}

#[cfg(test)]
mod tests;
