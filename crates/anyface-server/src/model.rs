//! The models of a server. Each has a studio, a thread and a queue.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::config::Config;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::studio::{About, Describer, Studio};

/// A running model.
pub(crate) struct LoadedModel {
    /// Description of the model.
    pub(crate) about: About,
    /// Queue of its tasks.
    pub(crate) queue: Queue,
    /// Describer of faces, if the model has one.
    pub(crate) describer: Option<Arc<dyn Describer>>,
}

/// All models. The first is the default.
pub(crate) struct Models {
    first: Arc<LoadedModel>,
    others: Vec<Arc<LoadedModel>>,
    /// Aliases of the first model.
    aliases: Vec<String>,
}

impl Models {
    /// Starts the threads of the studios.
    ///
    /// # Errors
    /// If there is no studio, two have the same name, or a thread cannot be started.
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
        let first = models.next().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a server needs at least one model",
            )
        })?;
        let models = Self {
            first,
            others: models.collect(),
            aliases: config.aliases.clone(),
        };
        Ok((models, threads))
    }

    /// The model with this name or alias; the first model for `None`.
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

    /// The models by their own names, in their order.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = (&str, &LoadedModel)> {
        self.all()
            .map(|model| (model.about.model.as_str(), &**model))
    }

    /// All names and aliases with their models, aliases last.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, &LoadedModel)> {
        let aliases = self.aliases.iter();
        self.own_names()
            .chain(aliases.map(|alias| (alias.as_str(), &*self.first)))
    }

    /// Closes all queues.
    pub(crate) fn close(&self) {
        self.all().for_each(|model| model.queue.close());
    }

    /// Whether all queues are open.
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
