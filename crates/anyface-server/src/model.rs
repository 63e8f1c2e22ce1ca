//! The models of a server, each with its studio's thread and queue.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::config::Config;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::studio::{About, Describer, Studio};

/// A model at work.
pub(crate) struct LoadedModel {
    /// What it is and can do.
    pub(crate) about: About,
    /// Its work.
    pub(crate) queue: Queue,
    /// What says what is seen in a face, where the model can.
    pub(crate) describer: Option<Arc<dyn Describer>>,
}

/// All models; the first answers where a request names none.
pub(crate) struct Models {
    first: Arc<LoadedModel>,
    others: Vec<Arc<LoadedModel>>,
    /// Other names of the first.
    aliases: Vec<String>,
}

impl Models {
    /// Starts the threads of the studios.
    ///
    /// # Errors
    /// When there is no studio, two have one name, or the system refuses a thread.
    pub(crate) fn start(
        studios: Vec<Box<dyn Studio>>,
        config: &Config,
        metrics: &Arc<Metrics>,
    ) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (mut models, mut threads) = (Vec::new(), Vec::new());
        for studio in studios {
            let (model, thread) = LoadedModel::start(studio, config, metrics)?;
            let name = &model.about.model;
            if models
                .iter()
                .any(|m: &Arc<LoadedModel>| m.about.model == *name)
            {
                let message = format!("two models are called {name}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            models.push(Arc::new(model));
            threads.push(thread);
        }
        let mut models = models.into_iter();
        let first = models
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a server needs a model"))?;
        let models = Self {
            first,
            others: models.collect(),
            aliases: config.aliases.clone(),
        };
        Ok((models, threads))
    }

    /// The model of that name, or the first.
    ///
    /// # Errors
    /// [`ApiError::NoSuchModel`].
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&Arc<LoadedModel>, ApiError> {
        let Some(name) = name else {
            return Ok(&self.first);
        };
        let by_name = self.all().find(|model| model.about.model == name);
        let by_alias = || {
            self.aliases
                .iter()
                .any(|alias| alias == name)
                .then_some(&self.first)
        };
        by_name
            .or_else(by_alias)
            .ok_or_else(|| ApiError::NoSuchModel(name.to_owned()))
    }

    /// The models under their own names, the first first.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = (&str, &LoadedModel)> {
        self.all()
            .map(|model| (model.about.model.as_str(), &**model))
    }

    /// Every name with its model, own names first.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &LoadedModel)> {
        let aliases = self.aliases.iter();
        self.own_names()
            .chain(aliases.map(|alias| (alias.as_str(), &*self.first)))
    }

    /// Takes no more work.
    pub(crate) fn close(&self) {
        self.all().for_each(|model| model.queue.close());
    }

    /// Whether all take work.
    pub(crate) fn are_open(&self) -> bool {
        self.all().all(|model| model.queue.is_open())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<LoadedModel>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl LoadedModel {
    fn start(
        studio: Box<dyn Studio>,
        config: &Config,
        metrics: &Arc<Metrics>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (about, describer) = (studio.about(), studio.describer());
        let metrics = Arc::clone(metrics);
        let (queue, thread) = Queue::start(studio, config.queue, config.batch, metrics)?;
        let model = Self {
            about,
            queue,
            describer,
        };
        Ok((model, thread))
    }
}
