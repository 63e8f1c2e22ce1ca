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

/// Results that are kept: enough for the requests of a batch.
const REMEMBERED: usize = 32;

/// An engine that remembers what it read last: ten faces of one text read it once, and while a slider moves only the
/// strength of an edit changes, not its direction.
pub struct EngineStudio {
    engine: Engine,
    name: String,
    attributes: Option<Arc<AttributeReader>>,
    read: Recent<Vec<String>, ReadCaptions>,
    directions: Recent<Way, Latent>,
}

/// Captions that have been read.
#[derive(Clone)]
struct ReadCaptions {
    description: Description,
    /// Words that do not bear on the face.
    not_understood: Vec<String>,
}

/// What the direction of an edit depends on.
#[derive(PartialEq)]
struct Way {
    face: Vec<f32>,
    text: String,
    keep: Vec<String>,
    /// The way to the opposite is another one.
    back: bool,
}

impl EngineStudio {
    /// The studio of an engine under a name, with what describes its faces where there is such a thing.
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
        let way = Way {
            face: face.values(),
            text: edit.text.clone(),
            keep: edit.keep.clone(),
            back: edit.strength < 0.0,
        };
        let engine = &self.engine;
        let direction = self.directions.get(way, |way| {
            let options = anyface::Edit {
                strength: edit.strength,
                keep: way.keep.clone(),
                ..anyface::Edit::default()
            };
            let w_plus = engine.direction(face, &way.text, &options)?;
            Ok::<_, Error>(Latent::new(w_plus))
        })?;
        Ok(face.moved(&direction.w_plus, edit.strength))
    }

    /// A latent of a request, whose length was checked when it was read.
    fn latent(&self, latent: &LatentValues) -> Result<Latent, StudioError> {
        let latent = self.engine.latent(latent.0.clone());
        latent.ok_or_else(|| StudioError::Failed("a latent of another model".to_owned()))
    }

    /// Where the face of a task that is not from words alone comes from.
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
        Some(Arc::new(Onlooker {
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

/// Reads attributes, and knows what there is to try.
struct Onlooker {
    reader: Arc<AttributeReader>,
    ideas: Vec<String>,
}

impl Describer for Onlooker {
    fn describe(&self, face: &RgbImage) -> SeenFace {
        let seen = self.reader.read(face);
        let open = self.ideas.iter().filter(|idea| !seen.shows(idea));
        SeenFace {
            description: seen.in_words(),
            ideas: open.cloned().collect(),
            attributes: seen.iter().map(|(a, sure)| (a.name(), sure)).collect(),
        }
    }
}

/// The last few results, newest first.
struct Recent<K, V>(VecDeque<(K, V)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, V: Clone> Recent<K, V> {
    /// The result for `key`, made if it is not there.
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
