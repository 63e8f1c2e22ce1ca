//! The studio of an [`Engine`].

use std::collections::VecDeque;
use std::sync::Arc;

use anyface::attributes::AttributeReader;
use anyface::pipeline::Description;
use anyface::{Engine, Error, Latent};
use image::RgbImage;

use crate::studio::{
    About, Describer, Edit, FaceSource, GeneratedFace, LatentValues, SeenFace, Studio, StudioError,
    Task,
};

/// Number of cached results; enough for the requests of a batch.
const REMEMBERED: usize = 32;

/// A studio that runs an [`Engine`]. It caches encoded captions, so that ten faces of one text
/// encode it once, and directions of edits, so that a new strength does not compute the direction
/// again.
pub struct EngineStudio {
    engine: Engine,
    name: String,
    attributes: Option<Arc<AttributeReader>>,
    read: Recent<Vec<String>, ReadCaptions>,
    directions: Recent<DirectionKey, Latent>,
}

/// Encoded captions.
#[derive(Clone)]
struct ReadCaptions {
    description: Description,
    /// Words that have no effect on the face.
    not_understood: Vec<String>,
}

/// All inputs of the direction of an edit.
#[derive(PartialEq)]
struct DirectionKey {
    face: Vec<f32>,
    text: String,
    keep: Vec<String>,
    /// Whether the strength is negative. The opposite has a direction of its own.
    is_opposite: bool,
}

impl EngineStudio {
    /// A studio named `name`. With `attributes`, it describes faces.
    pub fn new(engine: Engine, name: String, attributes: Option<AttributeReader>) -> Self {
        Self {
            engine,
            name,
            attributes: attributes.map(Arc::new),
            read: Recent::default(),
            directions: Recent::default(),
        }
    }

    fn read(&mut self, captions: &[String]) -> Result<ReadCaptions, Error> {
        let engine = &self.engine;
        self.read.get(captions.to_vec(), |captions| {
            let spans = engine.spans(captions)?.into_iter();
            let unclear = spans.filter(|span| !span.is_understood);
            Ok(ReadCaptions {
                description: engine.describe(captions)?,
                not_understood: unclear.map(|span| span.text).collect(),
            })
        })
    }

    fn edit(&mut self, face: &Latent, edit: &Edit) -> Result<Latent, Error> {
        let key = DirectionKey {
            face: face.values(),
            text: edit.text.clone(),
            keep: edit.keep.clone(),
            is_opposite: edit.strength < 0.0,
        };
        let engine = &self.engine;
        let direction = self.directions.get(key, |key| {
            let options = anyface::Edit {
                strength: edit.strength,
                keep: key.keep.clone(),
                ..anyface::Edit::default()
            };
            let w_plus = engine.direction(face, &key.text, &options)?;
            Ok::<_, Error>(Latent::new(w_plus))
        })?;
        Ok(face.moved(&direction.w_plus, edit.strength))
    }

    /// The latent of a request. Parsing has already checked its length.
    fn latent(&self, latent: &LatentValues) -> Result<Latent, StudioError> {
        let latent = self.engine.latent(latent.0.clone());
        latent.ok_or_else(|| StudioError::Failed("the latent belongs to another model".to_owned()))
    }

    /// The latent of a source, before any edit.
    fn source(&mut self, source: &FaceSource) -> Result<Latent, StudioError> {
        Ok(match source {
            FaceSource::Words {
                captions,
                seed,
                truncation,
            } => {
                let truncation = self.engine.truncation(*truncation)?;
                let read = self.read(captions)?;
                let face = self.engine.face(&read.description, *seed, truncation);
                face.latent
            }
            FaceSource::Latent(latent) => self.latent(latent)?,
            FaceSource::Photo(photo) => self.engine.invert(photo, 0),
            FaceSource::Mix { from, to, t } => self.latent(from)?.towards(&self.latent(to)?, *t),
        })
    }
}

impl Studio for EngineStudio {
    fn about(&self) -> About {
        let config = self.engine.config();
        About {
            model: self.name.clone(),
            license: config.license.clone(),
            examples: config.examples.clone(),
            ideas: config.ideas.clone(),
            resolution: self.engine.resolution(),
            latent: [config.generator.num_ws(), config.generator.w_dim],
            truncation: config.truncation.psi,
            edits: true,
            inverts: config.inverts(),
        }
    }

    fn describer(&self) -> Option<Arc<dyn Describer>> {
        Some(Arc::new(AttributeDescriber {
            reader: Arc::clone(self.attributes.as_ref()?),
            ideas: self.engine.config().ideas.clone(),
        }))
    }

    fn make(
        &mut self,
        task: &Task,
        sketch: &mut dyn FnMut(RgbImage),
    ) -> Result<GeneratedFace, StudioError> {
        if let (
            FaceSource::Words {
                captions,
                seed,
                truncation,
            },
            [],
        ) = (&task.source, &task.edits[..])
        {
            let truncation = self.engine.truncation(*truncation)?;
            let ReadCaptions {
                description,
                not_understood,
            } = self.read(captions)?;
            let face =
                self.engine
                    .face_with(&description, *seed, truncation, task.sketches, sketch);
            return Ok(GeneratedFace {
                image: face.image,
                before: None,
                latent: LatentValues(face.latent.values()),
                clip_score: Some(face.clip_score),
                not_understood,
            });
        }
        let mut latent = self.source(&task.source)?;
        let before = match (&task.before, &task.source) {
            (Some(before), _) => Some(self.engine.draw(&self.latent(before)?)),
            (None, FaceSource::Photo(_)) => Some(self.engine.draw(&latent)),
            (None, _) => None,
        };
        for edit in &task.edits {
            latent = self.edit(&latent, edit)?;
        }
        Ok(GeneratedFace {
            image: self.engine.draw_with(&latent, task.sketches, sketch),
            before,
            latent: LatentValues(latent.values()),
            clip_score: None,
            not_understood: Vec::new(),
        })
    }
}

/// Describes faces by their attributes, and suggests ideas for edits.
struct AttributeDescriber {
    reader: Arc<AttributeReader>,
    ideas: Vec<String>,
}

impl Describer for AttributeDescriber {
    fn describe(&self, face: &RgbImage) -> SeenFace {
        let seen = self.reader.read(face);
        let open = self.ideas.iter().filter(|idea| !seen.shows(idea));
        SeenFace {
            description: seen.in_words(),
            ideas: open.cloned().collect(),
            attributes: seen
                .iter()
                .map(|(a, confidence)| (a.name(), confidence))
                .collect(),
        }
    }
}

/// A cache of the most recent results, newest first.
struct Recent<K, V>(VecDeque<(K, V)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    /// The cached result for `key`, else the result of `make`.
    fn get<E>(&mut self, key: K, make: impl FnOnce(&K) -> Result<V, E>) -> Result<V, E> {
        let place = self.0.iter().position(|(known, _)| *known == key);
        let entry = match place.and_then(|place| self.0.remove(place)) {
            Some(entry) => entry,
            None => {
                let value = make(&key)?;
                (key, value)
            }
        };
        let value = entry.1.clone();
        self.0.truncate(REMEMBERED - 1);
        self.0.push_front(entry);
        Ok(value)
    }
}

impl From<Error> for StudioError {
    fn from(error: Error) -> Self {
        match error {
            Error::EmptyDescription | Error::OutOfRange { .. } => Self::Invalid {
                message: error.to_string(),
                param: None,
            },
            other => Self::Failed(other.to_string()),
        }
    }
}
