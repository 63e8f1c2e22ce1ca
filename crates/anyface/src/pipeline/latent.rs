//! [`Latent`]: the generator's representation of a face, in memory and in files.

use std::collections::BTreeMap;
use std::path::Path;

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::{Tensor, TensorData};

use super::Engine;
use crate::Error;
use crate::bundle::Truncation;
use crate::weights::{WeightsError, save_tensors};

/// Name of the tensor in a latent file.
const NAME: &str = "w_plus";
/// Name of the optional tensor of edits in style space.
const STYLE_OFFSET: &str = "style_offset";

/// A face: one `w` per layer of the generator, and an optional offset in style space.
#[derive(Debug, Clone)]
pub struct Latent {
    /// `[1, L, D]`.
    pub w_plus: Tensor<3>,
    /// Offset of the convolutions' styles by edits in style space, `[1, S]`; `None` without any.
    pub style_offset: Option<Tensor<2>>,
}

impl Latent {
    /// The face with this `w_plus [1, L, D]`.
    pub const fn new(w_plus: Tensor<3>) -> Self {
        Self {
            w_plus,
            style_offset: None,
        }
    }

    /// Moves the face by `strength` times `direction [1, L, D]`.
    #[must_use]
    pub fn moved(&self, direction: &Tensor<3>, strength: f64) -> Self {
        Self {
            w_plus: self.w_plus.clone() + direction.clone() * strength,
            style_offset: self.style_offset.clone(),
        }
    }

    /// Moves the styles by `strength` times `direction [1, S]`.
    #[must_use]
    pub fn restyled(&self, direction: &Tensor<2>, strength: f64) -> Self {
        let step = direction.clone() * strength;
        Self {
            w_plus: self.w_plus.clone(),
            style_offset: Some(match self.style_offset.clone() {
                Some(offset) => offset + step,
                None => step,
            }),
        }
    }

    /// Interpolates linearly: `t` = 0 is this face, 1 is `other`.
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
        let moved = self.moved(&(other.w_plus.clone() - self.w_plus.clone()), t);
        let mut moved = match &self.style_offset {
            Some(offset) => moved.restyled(offset, -t),
            None => moved,
        };
        if let Some(offset) = &other.style_offset {
            moved = moved.restyled(offset, t);
        }
        moved
    }

    /// The values of `w_plus`, layer by layer, `[L·D]`.
    pub fn values(&self) -> Vec<f32> {
        self.w_plus.to_data().iter().collect()
    }

    /// Writes `w_plus [1, L, D]`, and `style_offset [1, S]` if there is one, as safetensors in f32.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let w_plus = StoredTensor::from_f32(self.w_plus.dims().to_vec(), &self.values());
        let offset = self.style_offset.as_ref().map(|offset| {
            let values: Vec<f32> = offset.to_data().iter().collect();
            StoredTensor::from_f32(offset.dims().to_vec(), &values)
        });
        let mut tensors = BTreeMap::from([(NAME.to_owned(), &w_plus)]);
        tensors.extend(
            offset
                .as_ref()
                .map(|offset| (STYLE_OFFSET.to_owned(), offset)),
        );
        Ok(save_tensors(tensors, path)?)
    }
}

impl Engine {
    /// The face with these values, layer by layer; `None` unless there are L·D values.
    pub fn latent(&self, values: Vec<f32>) -> Option<Latent> {
        let generator = &self.config.generator;
        let shape = [1, generator.num_ws(), generator.w_dim];
        (values.len() == shape.iter().product::<usize>()).then(|| {
            Latent::new(Tensor::from_data(
                TensorData::new(values, shape),
                &self.device,
            ))
        })
    }

    /// Reads a latent written by [`Latent::save`], or a file of another tool with one tensor
    /// `[L, D]` or `[1, L, D]`: safetensors, `.npy`, `.pt`.
    ///
    /// # Errors
    /// Names the file, and the shape if it does not match this bundle's generator.
    pub fn load_latent(&self, path: &Path) -> Result<Latent, Error> {
        let mut file = Checkpoint::open(path)?;
        let offset = file.tensors.remove(STYLE_OFFSET);
        let generator = &self.config.generator;
        let expected = vec![1, generator.num_ws(), generator.w_dim];
        let mut tensors = file.tensors.iter();
        let (Some((name, tensor)), None) = (tensors.next(), tensors.next()) else {
            let reason = format!(
                "a latent is one tensor, but the file has {}",
                file.tensors.len()
            );
            return Err(WeightsError::unsupported(&file, reason).into());
        };
        if tensor.shape() != &expected[1..] {
            check_shape(&file, name, tensor, expected)?;
        }
        let latent = self.latent(finite(&file, name, tensor)?);
        let latent = latent.expect("as many values as the shape has");
        let Some(offset) = offset else {
            return Ok(latent);
        };
        let expected = [1, generator.style_width()];
        check_shape(&file, STYLE_OFFSET, &offset, expected.to_vec())?;
        let values = finite(&file, STYLE_OFFSET, &offset)?;
        let offset = Tensor::from_data(TensorData::new(values, expected), &self.device);
        Ok(latent.restyled(&offset, 1.0))
    }

    /// A random face: the latent of a seed without text.
    pub fn random_face(&self, seed: u64, truncation: Truncation) -> Latent {
        Latent::new(self.mapper.random_face(seed, truncation))
    }
}

/// Checks the shape of a tensor in a file.
fn check_shape(
    file: &Checkpoint,
    name: &str,
    tensor: &StoredTensor,
    expected: Vec<usize>,
) -> Result<(), Error> {
    let found = tensor.shape();
    if found == expected {
        return Ok(());
    }
    Err(Error::Weights(WeightsError::Shape {
        source_name: file.source_name.clone(),
        tensor: name.to_owned(),
        expected,
        found: found.to_vec(),
    }))
}

/// The values of a tensor in a file, which must be finite.
pub(super) fn finite(
    file: &Checkpoint,
    name: &str,
    tensor: &StoredTensor,
) -> Result<Vec<f32>, Error> {
    let values = tensor.to_f32().filter(|v| v.iter().all(|x| x.is_finite()));
    values.ok_or_else(|| {
        let reason = format!("`{name}` has values that are not finite floats");
        WeightsError::unsupported(file, reason).into()
    })
}
