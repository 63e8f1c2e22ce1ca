//! all-MiniLM-L6-v2: a BERT encoder with mean pooling and L2 normalisation.
//!
//! Layout and computation follow `transformers`' `BertModel` and `sentence-transformers`
//! (<https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2>, Apache-2.0).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyface::layers::l2_normalize;
use burn::tensor::activation::gelu;
use burn::tensor::module::{attention, layer_norm, linear};
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use tokenizers::Tokenizer;

use crate::error::{Result, TrainError};

/// Maximum number of tokens in one forward pass.
const TOKENS_PER_BATCH: usize = 1024;

/// A sentence encoder for inference only.
pub struct MiniLm {
    tokenizer: Tokenizer,
    tokenizer_path: PathBuf,
    words: Tensor<2>,
    positions: Tensor<2>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    device: Device,
}

/// The entries of `config.json` that do not follow from the weights.
#[derive(Deserialize)]
struct Config {
    num_attention_heads: usize,
    num_hidden_layers: usize,
}

impl MiniLm {
    /// Reads `config.json`, `model.safetensors` and `tokenizer.json` from a folder.
    ///
    /// # Errors
    /// A file cannot be read, or a tensor is missing or not f32.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        let path = folder.join("config.json");
        let text = std::fs::read(&path).map_err(TrainError::io(&path))?;
        let config: Config = serde_json::from_slice(&text).map_err(damaged(&path))?;

        let tokenizer_path = folder.join("tokenizer.json");
        let mut tokenizer =
            Tokenizer::from_file(&tokenizer_path).map_err(damaged(&tokenizer_path))?;
        tokenizer.with_padding(None);

        let path = folder.join("model.safetensors");
        let bytes = std::fs::read(&path).map_err(TrainError::io(&path))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(damaged(&path))?;
        let weights = Weights {
            path: &path,
            tensors,
            device,
        };
        // All texts are segment 0, so its embedding is added to the positions.
        let segment = weights
            .matrix("embeddings.token_type_embeddings.weight")?
            .narrow(0, 0, 1);
        Ok(Self {
            tokenizer,
            tokenizer_path,
            words: weights.matrix("embeddings.word_embeddings.weight")?,
            positions: weights.matrix("embeddings.position_embeddings.weight")? + segment,
            norm: Norm::read(&weights, "embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::read(&weights, &format!("encoder.layer.{i}")))
                .collect::<Result<_>>()?,
            heads: config.num_attention_heads,
            device: device.clone(),
        })
    }

    /// Number of features of an embedding: 384 for the published weights.
    pub fn dim(&self) -> usize {
        self.words.dims()[1]
    }

    /// Embeds texts in order: unit vectors `[texts, dim]`, row-major.
    ///
    /// Texts of equal length form a batch, so there is no padding. `progress` gets the number of
    /// texts of each finished batch.
    ///
    /// # Errors
    /// The tokenizer fails on a text.
    pub fn embed(&self, texts: &[String], progress: impl Fn(usize) + Sync) -> Result<Vec<f32>> {
        let tokens = texts
            .par_iter()
            .map(|text| {
                let encoding = self.tokenizer.encode_fast(text.as_str(), true);
                encoding
                    .map(|e| e.get_ids().to_vec())
                    .map_err(damaged(&self.tokenizer_path))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut by_length: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, ids) in tokens.iter().enumerate() {
            by_length.entry(ids.len()).or_default().push(index);
        }
        let batches: Vec<&[usize]> = by_length
            .iter()
            .flat_map(|(length, indices)| indices.chunks((TOKENS_PER_BATCH / length).max(1)))
            .collect();

        let dim = self.dim();
        let embedded: Vec<Vec<f32>> = batches
            .par_iter()
            .map(|batch| {
                let rows: Vec<&[u32]> = batch.iter().map(|&i| tokens[i].as_slice()).collect();
                let features = self.forward(&rows);
                progress(batch.len());
                features
                    .into_data()
                    .try_to_vec()
                    .expect("embeddings are f32")
            })
            .collect();

        let mut out = vec![0.0; texts.len() * dim];
        for (batch, features) in batches.iter().zip(&embedded) {
            for (&index, row) in batch.iter().zip(features.chunks_exact(dim)) {
                out[index * dim..(index + 1) * dim].copy_from_slice(row);
            }
        }
        Ok(out)
    }

    /// Embeds texts of one length `T`: token ids `[N, T]` to unit vectors `[N, dim]`.
    fn forward(&self, rows: &[&[u32]]) -> Tensor<2> {
        let (n, t) = (rows.len(), rows[0].len());
        let ids: Vec<i64> = rows
            .iter()
            .flat_map(|row| row.iter().map(|&id| i64::from(id)))
            .collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [n * t]), &self.device);
        let words = self
            .words
            .clone()
            .select(0, ids)
            .reshape([n, t, self.dim()]);
        let positions = self.positions.clone().narrow(0, 0, t).unsqueeze();
        let x = self.norm.apply(words + positions);
        let x = self
            .layers
            .iter()
            .fold(x, |x, layer| layer.forward(x, self.heads));
        l2_normalize(x.mean_dim(1).squeeze_dim(1))
    }
}

/// A post-norm transformer block.
struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    attention_out: Dense,
    attention_norm: Norm,
    expand: Dense,
    contract: Dense,
    norm: Norm,
}

impl Layer {
    fn read(weights: &Weights<'_>, name: &str) -> Result<Self> {
        let dense = |part: &str| Dense::read(weights, &format!("{name}.{part}"));
        let norm = |part: &str| Norm::read(weights, &format!("{name}.{part}"));
        Ok(Self {
            query: dense("attention.self.query")?,
            key: dense("attention.self.key")?,
            value: dense("attention.self.value")?,
            attention_out: dense("attention.output.dense")?,
            attention_norm: norm("attention.output.LayerNorm")?,
            expand: dense("intermediate.dense")?,
            contract: dense("output.dense")?,
            norm: norm("output.LayerNorm")?,
        })
    }

    /// `[N, T, dim]` to `[N, T, dim]`.
    fn forward(&self, x: Tensor<3>, heads: usize) -> Tensor<3> {
        let [n, t, dim] = x.dims();
        let split = |y: Tensor<3>| y.reshape([n, t, heads, dim / heads]).swap_dims(1, 2);
        let attended = attention(
            split(self.query.apply(x.clone())),
            split(self.key.apply(x.clone())),
            split(self.value.apply(x.clone())),
            None,
            None,
            AttentionModuleOptions::default(),
        );
        let attended = attended.swap_dims(1, 2).reshape([n, t, dim]);
        let x = self
            .attention_norm
            .apply(x + self.attention_out.apply(attended));
        let hidden = gelu(self.expand.apply(x.clone()));
        self.norm.apply(x + self.contract.apply(hidden))
    }
}

/// A linear layer with bias.
struct Dense {
    /// `[in, out]`, transposed from the stored weight.
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Dense {
    fn read(weights: &Weights<'_>, name: &str) -> Result<Self> {
        Ok(Self {
            weight: weights.matrix(&format!("{name}.weight"))?.transpose(),
            bias: weights.vector(&format!("{name}.bias"))?,
        })
    }

    fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        linear(x, self.weight.clone(), Some(self.bias.clone()))
    }
}

/// Layer normalisation over the features.
struct Norm {
    gamma: Tensor<1>,
    beta: Tensor<1>,
}

impl Norm {
    fn read(weights: &Weights<'_>, name: &str) -> Result<Self> {
        Ok(Self {
            gamma: weights.vector(&format!("{name}.weight"))?,
            beta: weights.vector(&format!("{name}.bias"))?,
        })
    }

    fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.gamma.clone(), Some(self.beta.clone()), 1e-12)
    }
}

/// Tensors of one file by name.
struct Weights<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    device: &'a Device,
}

impl Weights<'_> {
    fn matrix(&self, name: &str) -> Result<Tensor<2>> {
        self.read(name)
    }

    fn vector(&self, name: &str) -> Result<Tensor<1>> {
        self.read(name)
    }

    fn read<const D: usize>(&self, name: &str) -> Result<Tensor<D>> {
        let view = self.tensors.tensor(name).map_err(damaged(self.path))?;
        if view.dtype() != Dtype::F32 || view.shape().len() != D {
            let found = format!(
                "{name} is {} of shape {:?}, expected F32 of {D} dimensions",
                view.dtype(),
                view.shape()
            );
            return Err(damaged(self.path)(found));
        }
        let values: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().expect("chunks of four bytes")))
            .collect();
        Ok(Tensor::from_data(
            TensorData::new(values, view.shape().to_vec()),
            self.device,
        ))
    }
}

fn damaged<E: ToString>(path: &Path) -> impl Fn(E) -> TrainError {
    move |error| TrainError::Damaged {
        path: path.to_owned(),
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tools/parity/minilm.py` writes the folder: random weights, and their embeddings by
    /// transformers.
    #[test]
    fn embeddings_match_the_reference() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/minilm");
        let expected: HashMap<String, Vec<f32>> =
            serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let texts: Vec<String> = expected.keys().cloned().collect();

        let teacher = MiniLm::open(&folder, &Device::flex()).unwrap();
        let found = teacher.embed(&texts, |_| ()).unwrap();

        for (text, row) in texts.iter().zip(found.chunks_exact(teacher.dim())) {
            for (found, wanted) in row.iter().zip(&expected[text]) {
                assert!(
                    (found - wanted).abs() < 1e-5,
                    "{text}: found {found}, expected {wanted}"
                );
            }
        }
    }

    #[test]
    fn a_folder_without_weights_is_an_error_that_names_the_file() {
        let Err(error) = MiniLm::open(Path::new("nowhere"), &Device::flex()) else {
            panic!("a folder that does not exist must be an error");
        };
        assert!(error.to_string().contains("nowhere/config.json"), "{error}");
    }
}
