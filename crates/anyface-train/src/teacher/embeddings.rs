//! Cached embeddings of texts by the teacher.

use std::path::Path;
use std::sync::Mutex;

use anyface::weights::write_atomically;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::MiniLm;
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// One unit vector per text.
pub struct Embeddings {
    dim: usize,
    values: Vec<f16>,
}

impl Embeddings {
    /// The embeddings of `texts` by the teacher in the folder `teacher`. They are read from
    /// `cache`, or computed and written there.
    ///
    /// The file name in `cache` is a hash of the texts, their order and the size of the teacher, so
    /// a cached file is never stale.
    ///
    /// # Errors
    /// The teacher cannot be read, or the cache cannot be read or written.
    pub fn of(texts: &[String], teacher: &Path, cache: &Path) -> Result<Self> {
        let weights = teacher.join("model.safetensors");
        let size = std::fs::metadata(&weights)
            .map_err(TrainError::io(&weights))?
            .len();
        let path = cache.join(format!("minilm-{:016x}.safetensors", key(texts, size)));
        if path.exists() {
            Self::read(&path)
        } else {
            Self::compute(texts, teacher, &path)
        }
    }

    fn compute(texts: &[String], teacher: &Path, path: &Path) -> Result<Self> {
        let teacher = MiniLm::open(teacher, &Device::flex())?;
        let progress = Mutex::new((0, Progress::new(0, texts.len() as u64)));
        let values = teacher.embed(texts, |count| {
            let (done, progress) = &mut *progress.lock().expect("no thread panicked");
            *done += count as u64;
            progress.show(*done, "texts embedded by the teacher");
        })?;
        let values: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
        let view = TensorView::new(
            Dtype::F16,
            vec![texts.len(), teacher.dim()],
            bytemuck::cast_slice(&values),
        )
        .expect("the values match the shape");
        let bytes = safetensors::serialize([("embeddings", view)], None)
            .expect("a single tensor has a unique name");
        write_atomically(path, &bytes).map_err(TrainError::io(path))?;
        Ok(Self {
            dim: teacher.dim(),
            values,
        })
    }

    fn read(path: &Path) -> Result<Self> {
        let damaged = |message: String| TrainError::Damaged {
            path: path.to_owned(),
            message,
        };
        let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
        let view = file
            .tensor("embeddings")
            .map_err(|e| damaged(e.to_string()))?;
        let &[_, dim] = view.shape() else {
            return Err(damaged(format!("embeddings have shape {:?}", view.shape())));
        };
        let values = view
            .data()
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]))
            .collect();
        Ok(Self { dim, values })
    }

    /// Number of features of an embedding.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Embeddings of texts by index: `[N, dim]`.
    pub fn batch(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        let mut values = vec![0.0; indices.len() * self.dim];
        for (row, &index) in values.chunks_exact_mut(self.dim).zip(indices) {
            self.values[index * self.dim..(index + 1) * self.dim].convert_to_f32_slice(row);
        }
        Tensor::from_data(TensorData::new(values, [indices.len(), self.dim]), device)
    }
}

/// FNV-1a of the teacher's size and the zero-terminated texts.
fn key(texts: &[String], size: u64) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    size.to_le_bytes()
        .into_iter()
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_are_read_from_the_cache() {
        let teacher = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/minilm");
        let cache = tempfile::tempdir().unwrap();
        let texts = ["a sailor".to_owned(), "the young woman".to_owned()];

        let computed = Embeddings::of(&texts, &teacher, cache.path()).unwrap();
        let read = Embeddings::of(&texts, &teacher, cache.path()).unwrap();
        assert_eq!(computed.values, read.values);
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);

        let swapped = [texts[1].clone(), texts[0].clone()];
        let swapped = Embeddings::of(&swapped, &teacher, cache.path()).unwrap();
        let device = Device::flex();
        swapped
            .batch(&[1, 0], &device)
            .into_data()
            .assert_eq(&computed.batch(&[0, 1], &device).into_data(), true);
    }
}
