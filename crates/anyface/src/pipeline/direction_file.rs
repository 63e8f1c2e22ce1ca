//! Directions of faces from files: those of e4e's repository, boundaries of InterFaceGAN, principal
//! components of GANSpace.

use std::ops::Range;
use std::path::Path;

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::{Tensor, TensorData};

use super::Engine;
use super::edit::{check_layers, only};
use super::latent::finite;
use crate::Error;
use crate::weights::WeightsError;

/// Components and deviations of GANSpace: as e4e's `ffhq_pca.pt` has them, and as its own files.
const COMPONENTS: [(&str, &str); 2] = [("comp", "std"), ("lat_comp", "lat_stdev")];

impl Engine {
    /// Reads a direction `[1, L, D]` from a file that other tools wrote: one tensor of `[D]`, the
    /// same for all latent layers, or `[L, D]`; or one `component` of GANSpace, from 0, times its
    /// deviation. In the `layers` asked for, or in all; 0 in the others.
    ///
    /// # Errors
    /// Names the file, and what in it is no direction of this bundle's generator.
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
                    "it holds {found} principal components: choose one by --component"
                ));
            }
            (None, Some(_)) => {
                return refuse("--component: no principal components in it".to_owned());
            }
            (None, None) => {
                let mut tensors = file.tensors.iter();
                let (Some((name, tensor)), None) = (tensors.next(), tensors.next()) else {
                    let count = file.tensors.len();
                    return refuse(format!("a direction is one tensor, not {count}"));
                };
                let values = finite(&file, name, tensor)?;
                self.layered(&file, name, tensor, values)?
            }
        };
        Ok(only(direction, layers))
    }

    /// A component `[1, L, D]` of `[K, D]` or `[K, 1, D]`, times its deviation.
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
            let reason = format!("--component {index}: it holds {count} of them, from 0");
            return Err(WeightsError::unsupported(file, reason).into());
        };
        let row = &values[index * width..(index + 1) * width];
        Ok(self.of_rows(row.iter().map(|value| value * deviation).collect()))
    }

    /// A tensor of `[D]` or `[L, D]`, after any axes of length 1, as `[1, L, D]`.
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

    /// `[1, L, D]` of the values of one row, or of all.
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
            "`{name}` has the shape {found:?}: a direction of this bundle's generator has [{width}] \
             or [{num_ws}, {width}]"
        );
        WeightsError::unsupported(file, reason).into()
    }
}
