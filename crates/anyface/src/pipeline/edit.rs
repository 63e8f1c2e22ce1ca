//! Edits by text: a direction specific to each face, continuous in its strength.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{Description, Engine, Latent};
use crate::Error;
use crate::bundle::Truncation;
use crate::stylegan2::mix;

/// A text that asks for nothing.
pub(super) const NEUTRAL: &str = "a face";

/// Number of random faces whose mean change is the usual change.
const USUAL_FACES: u64 = 16;

/// How the direction of an edit is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditMethod {
    /// The bundle's mapper.
    #[default]
    Mapper,
    /// StyleCLIP's latent optimisation.
    Optimize,
}

/// Options of an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// How the direction is found.
    pub method: EditMethod,
    /// From −1 to 1: 0 changes nothing, 1 applies the text fully, −1 the opposite.
    pub strength: f64,
    /// Descriptions of what must not change.
    pub keep: Vec<String>,
    /// Latent layers to change; `None` for the layers that text controls.
    pub layers: Option<Range<usize>>,
}

impl Default for Edit {
    fn default() -> Self {
        Self {
            method: EditMethod::Mapper,
            strength: 1.0,
            keep: Vec::new(),
            layers: None,
        }
    }
}

impl Engine {
    /// Edits a face by a text.
    ///
    /// ```
    /// use anyface::{Edit, Engine};
    ///
    /// let engine = Engine::builtin()?;
    /// let face = engine.random_face(24, engine.config().truncation);
    /// let edit = Edit {
    ///     strength: 0.5,
    ///     keep: vec!["red hair".to_owned()],
    ///     ..Edit::default()
    /// };
    /// let old = engine.edit(&face, "an old man", &edit)?;
    /// assert_ne!(engine.draw(&old), engine.draw(&face));
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Engine::direction`]; [`Error::OutOfRange`] if the strength is not a number
    /// from −1 to 1.
    pub fn edit(&self, face: &Latent, text: &str, edit: &Edit) -> Result<Latent, Error> {
        let direction = self.direction(face, text, edit)?;
        Ok(face.moved(&direction, edit.strength))
    }

    /// The direction `[1, L, D]` of an edit of this face at full strength, for strengths with the
    /// sign of `edit.strength`.
    ///
    /// # Errors
    /// The errors of [`Engine::describe`]; [`Error::OutOfRange`] if the generator lacks one of the
    /// layers or the strength is outside −1 to 1.
    pub fn direction(&self, face: &Latent, text: &str, edit: &Edit) -> Result<Tensor<3>, Error> {
        if !(-1.0..=1.0).contains(&edit.strength) {
            return Err(Error::OutOfRange {
                name: "strength",
                range: "between -1 and 1",
                value: edit.strength.to_string(),
            });
        }
        let layers = edit.layers.clone();
        let layers = layers.unwrap_or_else(|| self.described_layers());
        let layers = check_layers(layers, self.config.generator.num_ws())?;
        let text = self.describe(&[text])?;
        let change = match edit.strength < 0.0 {
            // The face may already have what the text asks for. Then the face itself does not
            // determine the opposite direction.
            true => self.usual_change(&text, edit.method)?,
            false => self.change(&text, face.w_plus.clone(), edit.method)?,
        };
        let mut kept = Vec::with_capacity(edit.keep.len());
        for text in &edit.keep {
            kept.push(self.usual_change(&self.describe(&[text])?, edit.method)?);
        }
        let change = only(without(change, kept), layers);
        Ok(change)
    }

    /// Replaces the layers of a face from `first` on by those of another face, generated from
    /// `text`. This is the manipulation in the release of the paper, kept for comparison. Fewer
    /// layers change less.
    ///
    /// # Errors
    /// The errors of [`Engine::describe`].
    pub fn crossover(
        &self,
        face: &Latent,
        text: &str,
        seed: u64,
        first: usize,
    ) -> Result<Latent, Error> {
        let description = self.describe(&[text])?;
        let described = self.mapper.face(&description, seed, self.untruncated());
        Ok(Latent::new(mix(face.w_plus.clone(), described, first)))
    }

    /// The latent layers that text controls.
    pub fn described_layers(&self) -> Range<usize> {
        self.mapper.layers()
    }

    /// The mean change `[1, L, D]` that `text` makes in random faces.
    fn usual_change(&self, text: &Description, method: EditMethod) -> Result<Tensor<3>, Error> {
        let truncation = self.untruncated();
        let faces = (0..USUAL_FACES).map(|seed| self.mapper.random_face(seed, truncation));
        let faces = Tensor::cat(faces.collect(), 0);
        Ok(self.change(text, faces, method)?.mean_dim(0))
    }

    const fn untruncated(&self) -> Truncation {
        Truncation {
            psi: 1.0,
            ..self.config.truncation
        }
    }

    /// The change `[N, L, D]` that `text` makes in faces `[N, L, D]`.
    fn change(
        &self,
        text: &Description,
        faces: Tensor<3>,
        method: EditMethod,
    ) -> Result<Tensor<3>, Error> {
        let neutral = self.describe(&[NEUTRAL])?;
        let recognizer = self.recognizer.as_ref();
        Ok(match method {
            EditMethod::Mapper => self.mapper.change(text, &neutral, faces, recognizer),
            EditMethod::Optimize => self.optimizer.change(text, &neutral, faces, recognizer),
        })
    }
}

/// Removes from `change` its components along the `kept` directions, `[1, L, D]` each.
fn without(change: Tensor<3>, kept: Vec<Tensor<3>>) -> Tensor<3> {
    let project = |x: Tensor<3>, basis: &[Tensor<3>]| {
        basis.iter().fold(x, |x, unit| {
            let along = (x.clone() * unit.clone()).sum().reshape([1, 1, 1]);
            x - unit.clone() * along
        })
    };
    let mut basis: Vec<Tensor<3>> = Vec::new();
    for direction in kept {
        let direction = project(direction, &basis);
        let length = direction.clone().square().sum().sqrt() + 1e-12;
        basis.push(direction / length.reshape([1, 1, 1]));
    }
    project(change, &basis)
}

/// Returns `layers` if they are a non-empty range within `num_ws` layers.
pub(super) fn check_layers(layers: Range<usize>, num_ws: usize) -> Result<Range<usize>, Error> {
    if layers.end > num_ws || layers.is_empty() {
        return Err(Error::OutOfRange {
            name: "layers",
            range: "a range of the generator's latent layers",
            value: format!("{}..{}", layers.start, layers.end),
        });
    }
    Ok(layers)
}

/// `change` in `layers`, 0 in the others.
pub(super) fn only(change: Tensor<3>, layers: Range<usize>) -> Tensor<3> {
    let nothing = change.zeros_like();
    let from = mix(nothing.clone(), change, layers.start);
    mix(from, nothing, layers.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn latent(values: [[f32; 2]; 3]) -> Tensor<3> {
        Tensor::from_floats([values], &Device::flex())
    }

    fn values(x: Tensor<3>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn only_the_requested_layers_change() {
        let change = only(latent([[1.0; 2], [2.0; 2], [3.0; 2]]), 1..2);
        assert_eq!(values(change), [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn no_component_along_kept_directions_is_left() {
        let a = latent([[1.0, 0.0], [0.0, 2.0], [0.5, 0.0]]);
        let b = latent([[1.0, 1.0], [0.0, -1.0], [0.0, 0.0]]);
        let left = without(
            latent([[3.0, 1.0], [1.0, 1.0], [0.0, 4.0]]),
            vec![a.clone(), b.clone()],
        );
        for kept in [a, b] {
            let along: f32 = (left.clone() * kept).sum().into_scalar();
            assert!(along.abs() < 1e-5, "{along}");
        }
        assert!(values(left).iter().any(|x| x.abs() > 1.0));
    }
}
