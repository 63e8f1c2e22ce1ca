//! The float parameters of a module as safetensors, under their dotted module paths
//! (`mapping.fc0.weight`).
//!
//! Buffers (a running mean, a noise constant) are parameters without gradient, so they are stored
//! too. burn has no rank-0 tensors: a scalar on disk (`[]`) fits a parameter of shape `[1]`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyface_checkpoint::{StoredTensor, map_file, to_f32};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors, View};

use super::atomic::replace_file;
use super::{WeightsError, write_atomically};

/// Element type of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredDtype {
    /// Half precision: half the size, 11 significant bits.
    F16,
    /// Single precision: exact.
    F32,
}

/// Loads the safetensors file at `path`, with floats of any size, into `module` on its device.
///
/// # Errors
/// If the file cannot be read, or its tensors are not exactly the module's: one is missing,
/// superfluous, misshapen or of another element type.
pub fn load_module<M: Module>(module: M, path: &Path) -> Result<M, WeightsError> {
    load_module_bytes(module, &map_file(path)?, &path.display().to_string())
}

/// Like [`load_module`] for the bytes of a file; `source_name` replaces the path in errors.
///
/// # Errors
/// See [`load_module`].
pub fn load_module_bytes<M: Module>(
    module: M,
    bytes: &[u8],
    source_name: &str,
) -> Result<M, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|source| WeightsError::Format {
        source_name: source_name.to_owned(),
        source,
    })?;
    let views = file.tensors();
    let tensors = views.iter().map(|(name, view)| (name.clone(), view));
    fill(module, tensors.collect(), source_name)
}

/// Like [`load_module`] for tensors by name; `source_name` replaces the path in errors.
///
/// # Errors
/// See [`load_module`].
pub fn load_module_tensors<M: Module>(
    module: M,
    tensors: &BTreeMap<String, StoredTensor>,
    source_name: &str,
) -> Result<M, WeightsError> {
    let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor));
    fill(module, tensors.collect(), source_name)
}

/// Sets each parameter of `module` to its tensor, and checks that no tensor is left.
fn fill<M: Module, V: View>(
    module: M,
    tensors: BTreeMap<String, V>,
    source_name: &str,
) -> Result<M, WeightsError> {
    let mut loader = Loader {
        tensors,
        source_name,
        path: TensorPath::default(),
        error: None,
    };
    let module = module.map(&mut loader);
    if let Some(error) = loader.error {
        return Err(error);
    }
    match loader.tensors.pop_first() {
        Some((tensor, _)) => Err(WeightsError::Unexpected {
            source_name: source_name.to_owned(),
            tensor,
        }),
        None => Ok(module),
    }
}

/// Writes every float parameter of `module` to `path`, atomically.
///
/// # Errors
/// If the file cannot be written.
pub fn save_module<M: Module>(
    module: &M,
    path: &Path,
    dtype: StoredDtype,
) -> Result<(), WeightsError> {
    let mut collector = Collector {
        dtype,
        path: TensorPath::default(),
        tensors: Vec::new(),
    };
    module.visit(&mut collector);
    let stored = match dtype {
        StoredDtype::F16 => Dtype::F16,
        StoredDtype::F32 => Dtype::F32,
    };
    let views = collector.tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(stored, shape.clone(), bytes)
            .expect("the bytes were made from a tensor of this shape");
        (name, view)
    });
    let bytes = safetensors::serialize(views, None).expect("views of valid tensors serialise");
    write_atomically(path, &bytes).map_err(|source| WeightsError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes tensors to `path`, one after another and without conversion, atomically.
///
/// # Errors
/// If the file cannot be written.
pub fn save_tensors(
    tensors: BTreeMap<String, &StoredTensor>,
    path: &Path,
) -> Result<(), WeightsError> {
    replace_file(path, |temporary| {
        safetensors::serialize_to_file(tensors, None, temporary).map_err(|error| match error {
            SafeTensorError::IoError(error) => error,
            error => io::Error::other(error),
        })
    })
    .map_err(|source| WeightsError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The path of a visitor in a module. Enum variants are skipped: the config selects the variant,
/// and tensor names do not contain it.
#[derive(Default)]
struct TensorPath(Vec<String>);

impl TensorPath {
    fn enter(&mut self, name: &str, container_type: &str) {
        if !is_enum(container_type) {
            self.0.push(name.to_owned());
        }
    }

    fn exit(&mut self, container_type: &str) {
        if !is_enum(container_type) {
            self.0.pop();
        }
    }

    fn name(&self) -> String {
        self.0.join(".")
    }
}

fn is_enum(container_type: &str) -> bool {
    container_type.starts_with("Enum:")
}

/// Replaces each parameter by the tensor of its name, which is removed. Keeps the first error and
/// then skips the remaining parameters.
struct Loader<'a, V> {
    tensors: BTreeMap<String, V>,
    source_name: &'a str,
    path: TensorPath,
    error: Option<WeightsError>,
}

impl<V: View> Loader<'_, V> {
    fn read(&mut self, tensor: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let source_name = self.source_name.to_owned();
        let tensor = tensor.to_owned();
        let Some(view) = self.tensors.remove(&tensor) else {
            return Err(WeightsError::Missing {
                source_name,
                tensor,
            });
        };
        let is_scalar = view.shape().is_empty() && expected == [1];
        if view.shape() != expected && !is_scalar {
            return Err(WeightsError::Shape {
                source_name,
                tensor,
                expected: expected.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        to_f32(view.dtype(), &view.data()).ok_or(WeightsError::Dtype {
            source_name,
            tensor,
            found: view.dtype(),
        })
    }
}

impl<V: View> ModuleMapper for Loader<'_, V> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let shape = param.lazy_shape();
        match self.read(&self.path.name(), &shape) {
            Ok(values) => {
                let value = Tensor::from_data(TensorData::new(values, shape), &param.lazy_device());
                let id = param.id;
                param.transform_for_load(value, id)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

/// Names and shapes of the float parameters of `module`, without initialising their values.
pub(crate) fn parameter_shapes<M: Module>(module: &M) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = Shapes::default();
    module.visit(&mut shapes);
    shapes.by_name
}

/// Collects the shape of each parameter.
#[derive(Default)]
struct Shapes {
    path: TensorPath,
    by_name: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().to_vec();
        self.by_name.insert(self.path.name(), shape);
    }
}

/// Collects `(name, shape, little-endian bytes)` of each parameter.
struct Collector {
    dtype: StoredDtype,
    path: TensorPath,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data().convert::<f32>();
        let shape = data.shape().to_vec();
        let values: Vec<f32> = data.try_into_vec().expect("converted to f32 just above");
        let bytes = match self.dtype {
            StoredDtype::F16 => values
                .iter()
                .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                .collect(),
            StoredDtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        self.tensors.push((self.path.name(), shape, bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Net {
        layers: Vec<Linear>,
        mean: Param<Tensor<1>>,
    }

    fn net(device: &Device, widths: [usize; 3], mean: [f32; 2]) -> Net {
        let layers = widths
            .windows(2)
            .map(|w| LinearConfig::new(w[0], w[1]).init(device))
            .collect();
        let mean = Param::from_tensor(Tensor::from_floats(mean, device)).set_require_grad(false);
        Net { layers, mean }
    }

    fn saved(dtype: StoredDtype) -> (tempfile::TempDir, std::path::PathBuf, Net) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let net = net(&Device::flex(), [3, 4, 2], [0.1, -2.5]);
        save_module(&net, &path, dtype).unwrap();
        (folder, path, net)
    }

    #[test]
    fn weights_load_with_their_gradient_flags() {
        let (_folder, path, before) = saved(StoredDtype::F32);
        let device = Device::flex().autodiff();
        let after = load_module(net(&device, [3, 4, 2], [0.0; 2]), &path).unwrap();
        let weight = after.layers[1].weight.val();
        weight
            .to_data()
            .assert_eq(&before.layers[1].weight.val().into_data(), true);
        assert!(weight.is_require_grad());
        assert!(!after.mean.is_require_grad());
        assert_eq!(
            after.mean.val().into_data().try_to_vec::<f32>().unwrap(),
            [0.1, -2.5]
        );
    }

    #[test]
    fn half_precision_rounds_to_half() {
        let (_folder, path, _) = saved(StoredDtype::F16);
        let after = load_module(net(&Device::flex(), [3, 4, 2], [0.0; 2]), &path).unwrap();
        let mean = after.mean.val().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(mean, [f16::from_f32(0.1).to_f32(), -2.5]);
    }

    #[test]
    fn names_are_dotted_paths() {
        let (_folder, path, _) = saved(StoredDtype::F32);
        let bytes = fs::read(path).unwrap();
        let mut names = SafeTensors::deserialize(&bytes).unwrap().names().join(" ");
        names.make_ascii_lowercase();
        for name in ["layers.0.weight", "layers.1.bias", "mean"] {
            assert!(names.contains(name), "{name} not in {names}");
        }
    }

    #[test]
    fn every_mismatch_names_the_tensor() {
        let (_folder, path, whole) = saved(StoredDtype::F32);
        let device = Device::flex();
        let message = |net: Net| load_module(net, &path).unwrap_err().to_string();

        let shape = message(net(&device, [3, 5, 2], [0.0; 2]));
        assert!(
            shape.contains("layers.0.weight") && shape.contains("[3, 4]"),
            "{shape}"
        );

        let mut more = whole.clone();
        more.layers.push(LinearConfig::new(2, 2).init(&device));
        assert!(message(more).contains("lacks the tensor `layers.2.weight`"));

        let mut fewer = whole;
        fewer.layers.pop();
        assert!(message(fewer).contains("`layers.1.bias`"));
    }

    #[test]
    fn a_truncated_file_is_a_format_error() {
        let (_folder, path, whole) = saved(StoredDtype::F32);
        let bytes = fs::read(path).unwrap();
        let cut = load_module_bytes(whole, &bytes[..bytes.len() - 1], "the bundle");
        assert!(matches!(cut, Err(WeightsError::Format { .. })));
    }
}
