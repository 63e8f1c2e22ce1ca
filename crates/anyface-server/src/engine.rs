//! The studio of an [`Engine`].

use std::collections::VecDeque;

use anyface::pipeline::Description;
use anyface::{Engine, Error};
use image::RgbImage;

use crate::studio::{About, Face, Latent, Source, Studio, StudioError, Task};

/// Descriptions that are kept: those of a batch, so that ten faces of one text read it once.
const REMEMBERED: usize = 32;

/// An engine that remembers what it read last.
pub struct EngineStudio {
    engine: Engine,
    read: VecDeque<(Vec<String>, Description)>,
}

impl EngineStudio {
    /// The studio of an engine.
    pub const fn new(engine: Engine) -> Self {
        Self {
            engine,
            read: VecDeque::new(),
        }
    }

    fn describe(&mut self, captions: &[String]) -> Result<Description, StudioError> {
        if let Some((_, known)) = self.read.iter().find(|(words, _)| words == captions) {
            return Ok(known.clone());
        }
        let description = self.engine.describe(captions)?;
        self.read.truncate(REMEMBERED - 1);
        self.read
            .push_front((captions.to_vec(), description.clone()));
        Ok(description)
    }
}

impl Studio for EngineStudio {
    fn about(&self) -> About {
        let config = self.engine.config();
        About {
            model: config.domain.clone(),
            license: config.license.clone(),
            resolution: config.generator.resolution() as u32,
            latent: [config.generator.num_ws(), config.generator.w_dim],
            truncation: config.truncation.psi,
            edits: false,
            inverts: false,
        }
    }

    fn make(
        &mut self,
        task: &Task,
        _sketch: &mut dyn FnMut(RgbImage),
    ) -> Result<Face, StudioError> {
        let Source::Words {
            captions,
            seed,
            truncation,
        } = &task.source
        else {
            return Err(StudioError::Unsupported("this model cannot edit yet"));
        };
        let truncation = self.engine.truncation(*truncation)?;
        let description = self.describe(captions)?;
        let face = self.engine.face(&description, *seed, truncation);
        Ok(Face {
            latent: Latent(face.w_plus.into_data().iter::<f32>().collect()),
            image: face.image,
            clip_score: Some(face.clip_score),
        })
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
