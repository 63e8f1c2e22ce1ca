//! One stream of the mapper: a transformer, then a linear stack.

use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Bool, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::memory::{Memory, MemoryConfig};
use crate::clip::transformer::{Transformer, TransformerConfig};
use crate::layers::{Activation, FullyConnected};
use crate::stylegan2::broadcast;

/// Sizes of one stream.
///
/// ```
/// use anyface::Device;
/// use anyface::clip::transformer::TransformerConfig;
/// use anyface::mapper::StreamConfig;
/// use burn::tensor::Tensor;
///
/// let device = Device::flex();
/// let config = StreamConfig {
///     feature_dim: 16,
///     num_ws: 8,
///     w_dim: 32,
///     transformer: TransformerConfig::new(16, 2, 2),
///     hidden: vec![64],
///     lr_multiplier: 1.0,
///     reads_latent: false,
///     memory: Vec::new(),
/// };
/// // Two captions of one face.
/// let features = Tensor::ones([1, 2, 16], &device);
/// let mapped = config.init(&device).forward(features, None, None);
/// assert_eq!(mapped.w_plus.dims(), [1, 8, 32]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// E, the width of a CLIP feature.
    pub feature_dim: usize,
    /// L, the number of latent layers.
    pub num_ws: usize,
    /// D, the width of a latent.
    pub w_dim: usize,
    /// The transformer; its width d is the width of φ.
    pub transformer: TransformerConfig,
    /// Widths of the linear stack before its last layer, whose width is L·D.
    pub hidden: Vec<usize>,
    /// Learning-rate multiplier of the equalised linear stack.
    pub lr_multiplier: f64,
    /// Whether the stream also reads a latent `w_c` and outputs a change of it. Anything the text
    /// leaves open then follows `w_c`, so a new `w_c` is a new face in all layers, not only the
    /// coarse ones.
    #[serde(default)]
    pub reads_latent: bool,
    /// Rows of each memory bank that features pass first (AnyFace++); empty for no memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<usize>,
}

/// One stream of the mapper.
///
/// Attention has no effect on a sequence of one token, such as a single CLIP feature. So the tokens
/// are the features (one per caption, or per caption and memory bank), the latent `w_c` if the
/// stream reads it, and one learned query per latent layer. φ is the mean of the queries' outputs.
#[derive(Module, Debug)]
pub struct Stream {
    /// Text features to features of matching images.
    pub memory: Option<Memory>,
    /// Features to tokens, `[E, d]`.
    pub embed: Linear,
    /// The latent to a token, `[D, d]`.
    pub embed_latent: Option<Linear>,
    /// Learned queries `[L, d]`.
    pub queries: Param<Tensor<2>>,
    /// Bidirectional attention over all tokens.
    pub transformer: Transformer,
    /// Equalised linear layers with leaky ReLU, including the last, from φ to L·D. In a stream that
    /// reads a latent they map φ and `w_c` to the change of `w_c` per layer, without the last
    /// activation.
    pub stack: Vec<FullyConnected>,
    num_ws: usize,
    w_dim: usize,
}

/// Output of a stream.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// Hidden feature φ `[N, d]`, which Cross Modal Distillation aligns with the other stream's.
    pub phi: Tensor<2>,
    /// Extended latent `[N, L, D]`.
    pub w_plus: Tensor<3>,
}

impl StreamConfig {
    /// Creates the stream with random weights.
    pub fn init(&self, device: &Device) -> Stream {
        let width = self.transformer.width;
        let latent_width = if self.reads_latent { self.w_dim } else { 0 };
        let mut widths = vec![width + latent_width];
        widths.extend(&self.hidden);
        widths.push(self.num_ws * self.w_dim);
        let last = widths.len() - 2;
        let stack = widths
            .windows(2)
            .enumerate()
            .map(|(i, pair)| {
                let activation = match i == last && self.reads_latent {
                    true => Activation::Linear,
                    false => Activation::LeakyRelu,
                };
                FullyConnected::new(pair[0], pair[1], self.lr_multiplier, activation, device)
            })
            .collect();
        let query = Initializer::Normal {
            mean: 0.0,
            std: 0.5,
        };
        let banks = MemoryConfig::new(self.memory.clone(), self.feature_dim);
        Stream {
            memory: (!self.memory.is_empty()).then(|| banks.init(device)),
            embed: LinearConfig::new(self.feature_dim, width).init(device),
            embed_latent: self
                .reads_latent
                .then(|| LinearConfig::new(self.w_dim, width).init(device)),
            queries: query.init([self.num_ws, width], device),
            transformer: self.transformer.init(device),
            stack,
            num_ws: self.num_ws,
            w_dim: self.w_dim,
        }
    }
}

impl Stream {
    /// Maps features to a latent.
    ///
    /// # Shapes
    /// - `features`: `[N, C, E]`, unit length, C captions per face
    /// - `absent`: `[N, C]`, true where a face has fewer than C captions
    /// - `w_c`: `[N, D]`, read only if the config sets `reads_latent`
    ///
    /// # Panics
    /// If the stream reads a latent and `w_c` is `None`.
    pub fn forward(
        &self,
        features: Tensor<3>,
        absent: Option<Tensor<2, Bool>>,
        w_c: Option<Tensor<2>>,
    ) -> Mapped {
        let (features, absent) = match &self.memory {
            Some(memory) => pass_memory(memory, features, absent),
            None => (features, absent),
        };
        let [batch, ..] = features.dims();
        let device = features.device();
        let queries = self.queries.val().unsqueeze::<3>().repeat_dim(0, batch);
        let mut tokens = vec![queries, self.embed.forward(features)];
        let latent = self.embed_latent.as_ref().map(|embed| {
            let w_c = w_c.expect("a stream that reads a latent needs `w_c`");
            tokens.push(embed.forward(w_c.clone()).unsqueeze_dim(1));
            w_c
        });
        let padding = absent.map(|absent| {
            let queries = Tensor::<2, Bool>::full([batch, self.num_ws], false, &device);
            let mut parts = vec![queries, absent];
            if latent.is_some() {
                parts.push(Tensor::full([batch, 1], false, &device));
            }
            Tensor::cat(parts, 1)
        });

        let hidden = self.transformer.forward(Tensor::cat(tokens, 1), padding);
        let phi = hidden
            .narrow(1, 0, self.num_ws)
            .mean_dim(1)
            .squeeze_dim::<2>(1);
        let stack = |start| self.stack.iter().fold(start, |x, layer| layer.forward(x));
        let shape = [batch, self.num_ws, self.w_dim];
        let w_plus = match latent {
            Some(w_c) => {
                let change = stack(Tensor::cat(vec![phi.clone(), w_c.clone()], 1));
                broadcast(w_c, self.num_ws) + change.reshape(shape)
            }
            None => stack(phi.clone()).reshape(shape),
        };
        Mapped { phi, w_plus }
    }
}

/// Passes captions through the memory: features `[N, C, E]` to `[N, C·B, E]`, `absent` `[N, C]` to
/// `[N, C·B]`.
fn pass_memory(
    memory: &Memory,
    features: Tensor<3>,
    absent: Option<Tensor<2, Bool>>,
) -> (Tensor<3>, Option<Tensor<2, Bool>>) {
    let [batch, captions, width] = features.dims();
    let outputs = memory.forward(features.reshape([batch * captions, width]));
    let [_, banks, _] = outputs.dims();
    let absent = absent.map(|absent| {
        let absent: Tensor<3, Bool> = absent.unsqueeze_dim(2);
        absent
            .repeat_dim(2, banks)
            .reshape([batch, captions * banks])
    });
    (outputs.reshape([batch, captions * banks, width]), absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::load_module_bytes;
    use burn::tensor::TensorData;
    use safetensors::{SafeTensors, serialize};

    /// Made by `tools/parity/mapper.py`.
    const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/mapper.safetensors");

    fn config() -> StreamConfig {
        StreamConfig {
            feature_dim: 6,
            num_ws: 4,
            w_dim: 5,
            transformer: TransformerConfig::new(8, 2, 2),
            hidden: vec![10],
            lr_multiplier: 0.01,
            reads_latent: true,
            memory: Vec::new(),
        }
    }

    fn stream(file: &SafeTensors<'_>) -> Stream {
        let weights = file.iter().filter(|(name, _)| !name.starts_with("io."));
        let bytes = serialize(weights, None).unwrap();
        load_module_bytes(config().init(&Device::flex()), &bytes, "fixture").unwrap()
    }

    fn tensor<const D: usize>(file: &SafeTensors<'_>, name: &str) -> Tensor<D> {
        let view = file.tensor(name).unwrap();
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
        Tensor::from_data(
            TensorData::new(values, view.shape().to_vec()),
            &Device::flex(),
        )
    }

    /// Largest difference relative to the largest expected magnitude.
    fn error<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f32 {
        let difference = (found - expected.clone()).abs().max().into_scalar::<f32>();
        difference / expected.abs().max().into_scalar::<f32>()
    }

    #[test]
    fn a_stream_equals_the_reference() {
        let file = SafeTensors::deserialize(FIXTURE).unwrap();
        let absent = tensor::<2>(&file, "io.absent").greater_elem(0.5);
        let mapped = stream(&file).forward(
            tensor(&file, "io.features"),
            Some(absent),
            Some(tensor(&file, "io.w_c")),
        );
        assert!(error(mapped.phi, tensor(&file, "io.phi")) < 1e-5);
        assert!(error(mapped.w_plus, tensor(&file, "io.w_plus")) < 1e-5);
    }

    #[test]
    fn an_absent_caption_changes_nothing() {
        let file = SafeTensors::deserialize(FIXTURE).unwrap();
        let stream = stream(&file);
        let features = tensor::<3>(&file, "io.features");
        let w_c = tensor::<2>(&file, "io.w_c");
        let one = stream.forward(features.clone().narrow(1, 0, 1), None, Some(w_c.clone()));
        let absent = Tensor::<2, Bool>::from_data(
            [[false, true], [false, true], [false, true]],
            &Device::flex(),
        );
        let two = stream.forward(features, Some(absent), Some(w_c));
        assert!(error(two.w_plus, one.w_plus) < 1e-5);
    }

    #[test]
    fn a_memory_outputs_features_for_every_present_caption() {
        let device = Device::flex();
        let config = StreamConfig {
            memory: vec![3, 7],
            ..config()
        };
        let stream = config.init(&device);
        let features = Tensor::<3>::from_floats([[[0.1, 0.9, 0.0, 0.0, 0.2, -0.4]; 2]], &device);
        let w_c = Tensor::<2>::ones([1, 5], &device);
        let absent = Tensor::<2, Bool>::from_data([[false, true]], &device);
        let one = features.clone().narrow(1, 0, 1);
        let one = stream.forward(one, None, Some(w_c.clone())).w_plus;
        let other = features.clone().narrow(1, 0, 1).mul_scalar(-1.0);
        let two = Tensor::cat(vec![features.clone().narrow(1, 0, 1), other], 1);
        let cut = stream.forward(two.clone(), Some(absent), Some(w_c.clone()));
        assert!(error(cut.w_plus, one.clone()) < 1e-5);
        let both = stream.forward(two, None, Some(w_c)).w_plus;
        assert!(error(both, one) > 1e-3);
    }
}
