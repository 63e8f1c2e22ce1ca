//! Descriptions as text features.

use burn::tensor::Tensor;

use super::Engine;
use crate::Error;
use crate::clip::split_sentences;
use crate::layers::l2_normalize;

/// The most words of one description. Descriptions of a face are much shorter.
pub const MAX_WORDS: usize = 1000;

/// The text features of a description, one per sentence.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Description {
    /// Features of C sentences, `[C, E]`, of unit length.
    pub features: Tensor<2>,
    /// The same features at the length that the text tower outputs, `[C, E]`.
    pub raw_features: Tensor<2>,
}

impl Description {
    /// The mean of the features, `[1, E]`, scaled to unit length.
    pub fn mean(&self) -> Tensor<2> {
        l2_normalize(self.features.clone().mean_dim(0))
    }
}

impl Engine {
    /// Computes the features of any number of captions of one face, sentence by sentence. Splits a
    /// sentence that is too long for the text tower.
    ///
    /// ```
    /// let engine = anyface::Engine::builtin()?;
    /// let description = engine.describe(&["An old sailor. He has a white beard."])?;
    /// assert_eq!(description.features.dims(), [2, 256]);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::EmptyDescription`] if there is no caption or one is empty; [`Error::OutOfRange`] if
    /// they have more than [`MAX_WORDS`] words in total.
    pub fn describe<S: AsRef<str>>(&self, captions: &[S]) -> Result<Description, Error> {
        Self::check(captions)?;
        let context = self.config.text_tower.context;
        let features = captions
            .iter()
            .flat_map(|text| {
                split_sentences(text.as_ref(), |part| self.tokenizer.fits(part, context))
            })
            .map(|part| {
                let tokens = self.tokenizer.batch(&[part], context, &self.device);
                self.text_tower.forward(tokens)
            })
            .collect();
        let raw_features = Tensor::cat(features, 0);
        Ok(Description {
            features: l2_normalize(raw_features.clone()),
            raw_features,
        })
    }

    /// Checks captions, see [`Engine::describe`].
    pub(super) fn check<S: AsRef<str>>(captions: &[S]) -> Result<(), Error> {
        if captions.is_empty() || captions.iter().any(|text| text.as_ref().trim().is_empty()) {
            return Err(Error::EmptyDescription);
        }
        let words: usize = captions
            .iter()
            .map(|text| text.as_ref().split_whitespace().count())
            .sum();
        if words > MAX_WORDS {
            return Err(Error::OutOfRange {
                name: "the description",
                range: "at most 1000 words",
                value: words.to_string(),
            });
        }
        Ok(())
    }
}
