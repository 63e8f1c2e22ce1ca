//! Public weights fetched by name, each file whole and checked or not there.
//!
//! Files of Hugging Face stand in its cache, where other programs find them too; those of other places below
//! `$HF_HOME/anyface`.

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

/// Why weights could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// No such model.
    #[error("no model is called `{0}`: see `anyface models list`")]
    Unknown(String),
    /// There is nowhere to keep files.
    #[error("there is no home folder: set HF_HOME")]
    NoHome,
    /// The model is not there, and must not be fetched.
    #[error("{} lacks {model}, and HF_HUB_OFFLINE forbids to fetch it", folder.display())]
    Offline {
        /// Its name, or those of several.
        model: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The server does not have the file, or not for us.
    #[error("{url}: {reason}")]
    Refused {
        /// The file.
        url: String,
        /// What the server says.
        reason: String,
    },
    /// Nothing came, in several tries.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The file.
        url: String,
        /// What went wrong last.
        reason: String,
    },
    /// The connection failed, and did so again.
    #[error("{url}: {reason}; what came is kept, and the next try goes on from there")]
    Broken {
        /// The file.
        url: String,
        /// What went wrong last.
        reason: String,
    },
    /// The bytes are not those that were published.
    #[error("{url}: the file that came has the SHA-256 {found}, not {expected}; it was deleted")]
    Checksum {
        /// The file.
        url: String,
        /// Of what came.
        found: String,
        /// As published, or how it begins.
        expected: String,
    },
    /// Another process fetches the same file.
    #[error("{}: another process is fetching it", .0.display())]
    Busy(PathBuf),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl HubError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Where weights come from and where they are kept.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Where files are kept.
    pub cache: Cache,
    /// Address of Hugging Face.
    pub endpoint: String,
    /// Who asks, for files that Hugging Face does not give to all; no other server gets to see it.
    pub token: Option<String>,
    /// Whether to leave the network alone.
    pub offline: bool,
    /// How long a server may be silent.
    pub patience: Duration,
    /// Pause before the second try; it doubles from one to the next.
    pub pause: Duration,
}

impl Hub {
    /// The hub that Hugging Face's variables describe: `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_ENDPOINT`,
    /// `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    /// [`HubError::NoHome`] when none says where to keep files.
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

    /// The files of a model in the order of the registry: those kept already, the others fetched, while `show` hears how
    /// far each is.
    ///
    /// # Errors
    /// Names the address or file and what is wrong with it. Files that came whole stay.
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
                let reason = "the answer is not Hugging Face's: no commit or ETag".to_owned();
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

/// The file of weights at `path`, else the one that the environment's `variable` names, which may be empty for none, else
/// the first of the registry's `model`, where `anyface pull` fetched it.
pub fn find(path: Option<&Path>, variable: &str, model: Option<&str>) -> Option<PathBuf> {
    let named = || std::env::var_os(variable).map(PathBuf::from);
    let pulled = || pulled(model?)?.into_iter().next();
    let path = path.map(Path::to_owned).or_else(named).or_else(pulled);
    path.filter(|path| !path.as_os_str().is_empty())
}

/// The files of the registry's `model`, where `anyface pull` fetched them.
pub fn pulled(model: &str) -> Option<Vec<PathBuf>> {
    Cache::from_env()?.find(Model::named(model).ok()?)
}

#[cfg(test)]
mod tests;
