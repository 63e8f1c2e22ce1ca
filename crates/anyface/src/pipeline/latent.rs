//! A face as the generator reads it, between memory and file.

use std::path::Path;

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::{Tensor, TensorData};

use super::Engine;
use crate::Error;
use crate::bundle::Truncation;
use crate::weights::{WeightsError, save_tensor};

/// The tensor of a latent file.
const NAME: &str = "w_plus";

/// A face: one `w` for every layer of the generator.
#[derive(Debug, Clone)]
pub struct Latent {
    /// `[1, L, D]`.
    pub w_plus: Tensor<3>,
}

impl Latent {
    /// The face moved by `strength` times a `direction [1, L, D]`.
    #[must_use]
    pub fn moved(&self, direction: &Tensor<3>, strength: f64) -> Self {
        Self {
            w_plus: self.w_plus.clone() + direction.clone() * strength,
        }
    }

    /// The face that is `t` of the way to another: 0 is this one, 1 the other.
    ///
    /// ```
    /// use anyface::Engine;
    ///
    /// let engine = Engine::builtin()?;
    /// let [from, to] = [1, 2].map(|seed| engine.random_face(seed, engine.config().truncation));
    /// let between = engine.draw(&from.towards(&to, 0.5));
    /// assert_eq!(between.dimensions(), (128, 128));
    /// # Ok::<(), anyface::Error>(())
    /// ```
    #[must_use]
    pub fn towards(&self, other: &Self, t: f64) -> Self {
        self.moved(&(other.w_plus.clone() - self.w_plus.clone()), t)
    }

    /// Its values, layer by layer, `[L·D]`.
    pub fn values(&self) -> Vec<f32> {
        self.w_plus.to_data().iter().collect()
    }

    /// Writes `w_plus [1, L, D]` as safetensors in f32.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let tensor = StoredTensor::from_f32(self.w_plus.dims().to_vec(), &self.values());
        Ok(save_tensor(NAME, &tensor, path)?)
    }
}

impl Engine {
    /// The face with these values, layer by layer; `None` unless there are L·D of them.
    pub fn latent(&self, values: Vec<f32>) -> Option<Latent> {
        let generator = &self.config.generator;
        let shape = [1, generator.num_ws(), generator.w_dim];
        (values.len() == shape.iter().product::<usize>()).then(|| Latent {
            w_plus: Tensor::from_data(TensorData::new(values, shape), &self.device),
        })
    }

    /// Reads a latent that [`Latent::save`] wrote, or any file of one tensor `[L, D]` or `[1, L, D]`, as other tools
    /// write them: safetensors, `.npy`, `.pt`.
    ///
    /// # Errors
    /// Names the file, and the shape when it is no latent of this bundle's generator.
    pub fn load_latent(&self, path: &Path) -> Result<Latent, Error> {
        let file = Checkpoint::open(path)?;
        let generator = &self.config.generator;
        let expected = vec![1, generator.num_ws(), generator.w_dim];
        let mut tensors = file.tensors.iter();
        let (Some((name, tensor)), None) = (tensors.next(), tensors.next()) else {
            return Err(Error::Weights(WeightsError::Unsupported {
                source_name: file.source_name.clone(),
                reason: format!("a latent is one tensor, not {}", file.tensors.len()),
            }));
        };
        let shape = tensor.shape();
        if shape != expected && shape != &expected[1..] {
            return Err(Error::Weights(WeightsError::Shape {
                source_name: file.source_name.clone(),
                tensor: name.clone(),
                expected,
                found: shape.to_vec(),
            }));
        }
        let values = tensor.to_f32().filter(|v| v.iter().all(|x| x.is_finite()));
        values
            .and_then(|values| self.latent(values))
            .ok_or_else(|| {
                Error::Weights(WeightsError::Unsupported {
                    source_name: file.source_name.clone(),
                    reason: format!("`{name}` holds something else than finite floats"),
                })
            })
    }

    /// The face that comes of a seed when nothing is said of it.
    pub fn random_face(&self, seed: u64, truncation: Truncation) -> Latent {
        Latent {
            w_plus: self.mapper.random_face(seed, truncation),
        }
    }
}
