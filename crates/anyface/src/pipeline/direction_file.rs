//! Directions from files of other tools: e4e's directions, InterFaceGAN's boundaries, GANSpace's
//! principal components.

use std::ops::Range;
use std::path::Path;

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::{Tensor, TensorData};

use super::Engine;
use super::edit::{check_layers, only};
use super::latent::finite;
use crate::Error;
use crate::weights::WeightsError;

/// Names of GANSpace's components and standard deviations: in e4e's `ffhq_pca.pt`, and in
/// GANSpace's own files.
const COMPONENTS: [(&str, &str); 2] = [("comp", "std"), ("lat_comp", "lat_stdev")];

impl Engine {
    /// Reads a direction `[1, L, D]` from a file of another tool: one tensor of shape `[D]`, used
    /// for all latent layers, or `[L, D]`; or, with `component` (from 0), a principal component of
    /// GANSpace times its standard deviation. Layers outside `layers` are 0.
    ///
    /// # Errors
    /// Names the file and why it is not a direction for this bundle's generator.
    pub fn load_direction(
        &self,
        path: &Path,
        component: Option<usize>,
        layers: Option<Range<usize>>,
    ) -> Result<Tensor<3>, Error> {
        let file = Checkpoint::open(path)?;
        let refuse = |reason: String| Err(WeightsError::unsupported(&file, reason).into());
        let num_ws = self.config.generator.num_ws();
        let layers = check_layers(layers.unwrap_or(0..num_ws), num_ws)?;
        let components = COMPONENTS.into_iter().find_map(|(components, deviations)| {
            let tensor = |name| Some((name, file.tensors.get(name)?));
            Some([tensor(components)?, tensor(deviations)?])
        });
        let direction = match (components, component) {
            (Some(components), Some(index)) => self.component(&file, components, index)?,
            (Some([(_, tensor), _]), None) => {
                let found = tensor.shape().first().copied().unwrap_or_default();
                return refuse(format!(
                    "the file has {found} principal components: choose one with --component"
                ));
            }
            (None, Some(_)) => {
                return refuse("--component: the file has no principal components".to_owned());
            }
            (None, None) => {
                let mut tensors = file.tensors.iter();
                let (Some((name, tensor)), None) = (tensors.next(), tensors.next()) else {
                    let count = file.tensors.len();
                    return refuse(format!(
                        "a direction is one tensor, but the file has {count}"
                    ));
                };
                let values = finite(&file, name, tensor)?;
                self.layered(&file, name, tensor, values)?
            }
        };
        Ok(only(direction, layers))
    }

    /// One component `[1, L, D]` of `[K, D]` or `[K, 1, D]`, times its standard deviation.
    fn component(
        &self,
        file: &Checkpoint,
        [components, deviations]: [(&str, &StoredTensor); 2],
        index: usize,
    ) -> Result<Tensor<3>, Error> {
        let (name, tensor) = components;
        let values = finite(file, name, tensor)?;
        let deviation = finite(file, deviations.0, deviations.1)?;
        let width = self.config.generator.w_dim;
        let count = tensor.shape().first().copied().unwrap_or_default();
        if tensor.shape().last() != Some(&width) || values.len() != count * width {
            return Err(self.misshapen(file, name, tensor));
        }
        let Some(&deviation) = deviation.get(index).filter(|_| index < count) else {
            let reason =
                format!("--component {index}: the file has {count} components, counted from 0");
            return Err(WeightsError::unsupported(file, reason).into());
        };
        let row = &values[index * width..(index + 1) * width];
        Ok(self.of_rows(row.iter().map(|value| value * deviation).collect()))
    }

    /// Reshapes `[D]` or `[L, D]`, with any leading axes of length 1, to `[1, L, D]`.
    fn layered(
        &self,
        file: &Checkpoint,
        name: &str,
        tensor: &StoredTensor,
        values: Vec<f32>,
    ) -> Result<Tensor<3>, Error> {
        let generator = &self.config.generator;
        let mut shape = tensor.shape();
        while let [1, rest @ ..] = shape {
            shape = rest;
        }
        match *shape {
            [width] if width == generator.w_dim => Ok(self.of_rows(values)),
            [layers, width] if (layers, width) == (generator.num_ws(), generator.w_dim) => {
                Ok(self.of_rows(values))
            }
            _ => Err(self.misshapen(file, name, tensor)),
        }
    }

    /// `[1, L, D]` from the values of one row, or of all rows.
    fn of_rows(&self, values: Vec<f32>) -> Tensor<3> {
        let (num_ws, width) = (self.config.generator.num_ws(), self.config.generator.w_dim);
        let rows = values.len() / width;
        let data = TensorData::new(values, [1, rows, width]);
        Tensor::<3>::from_data(data, &self.device).expand([1, num_ws, width])
    }

    fn misshapen(&self, file: &Checkpoint, name: &str, tensor: &StoredTensor) -> Error {
        let (num_ws, width) = (self.config.generator.num_ws(), self.config.generator.w_dim);
        let found = tensor.shape();
        let reason = format!(
            "`{name}` has shape {found:?}: a direction for this bundle's generator has [{width}] \
             or [{num_ws}, {width}]"
        );
        WeightsError::unsupported(file, reason).into()
    }
}
