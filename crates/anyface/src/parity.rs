//! Fixtures of reference implementations: inputs, outputs and weights by name.

#![allow(dead_code, reason = "shared with tests/parity, which reads more")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyface_checkpoint::Checkpoint;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::weights::load_module_tensors;

/// A file of `tests/fixtures`.
pub(crate) struct Fixture {
    file: Checkpoint,
    pub(crate) device: Device,
}

/// Path of a fixture.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

impl Fixture {
    pub(crate) fn open(path: &Path) -> Self {
        Self {
            file: Checkpoint::open(path).unwrap(),
            device: Device::flex(),
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.file.tensors[name].data().into_owned()
    }

    pub(crate) fn ints(&self, name: &str) -> Vec<i64> {
        bytemuck::pod_collect_to_vec(&self.file.tensors[name].data())
    }

    pub(crate) fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        let tensor = &self.file.tensors[name];
        let shape = match tensor.shape() {
            [] => vec![1],
            shape => shape.to_vec(),
        };
        let values = tensor.to_f32().unwrap();
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// Loads a module from the tensors under `prefix`; `rename` maps their names to this library's.
    pub(crate) fn load<M: Module>(
        &self,
        module: M,
        prefix: &str,
        rename: impl Fn(&str) -> Option<String>,
    ) -> M {
        let tensors: BTreeMap<_, _> = self
            .file
            .tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let name = rename(name.strip_prefix(prefix)?)?;
                Some((name, tensor.clone()))
            })
            .collect();
        load_module_tensors(module, &tensors, prefix).unwrap()
    }

    /// Fails if the largest difference exceeds `tolerance` times the largest expected value.
    pub(crate) fn check<const D: usize>(&self, name: &str, found: Tensor<D>, tolerance: f32) {
        let expected = self.get::<D>(name);
        assert_eq!(found.dims(), expected.dims(), "{name}");
        let scale: f32 = expected.clone().abs().max().into_scalar();
        let error: f32 = (found - expected).abs().max().into_scalar();
        assert!(error <= tolerance * scale, "{name}: {:e}", error / scale);
    }
}
