//! Pooling of the sentences of a description into one vector.

use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{silu, softmax};
use burn::tensor::{Bool, Device, Tensor};

/// Attention logit of an absent sentence.
const ABSENT: f64 = -1e9;

/// Attention of learned queries over the sentences of a description and over a learned null token,
/// which is always present. Each query stands for a topic: a sentence about the topic outweighs the
/// null token, however many other sentences there are.
#[derive(Module, Debug)]
pub(super) struct SentencePooling {
    /// `[H, W / H]`, one per head.
    queries: Param<Tensor<2>>,
    key: Linear,
    value: Linear,
    /// Key and value of the null token, `[2, W]`.
    nothing: Param<Tensor<2>>,
    output: Linear,
}

impl SentencePooling {
    /// Creates pooling from features of width E to vectors of width W with H heads; H must divide
    /// W.
    pub(super) fn new([feature_dim, width, heads]: [usize; 3], device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        let linear = |inputs| LinearConfig::new(inputs, width).init(device);
        Self {
            queries: normal.init([heads, width / heads], device),
            key: linear(feature_dim),
            value: linear(feature_dim),
            nothing: Initializer::Zeros.init([2, width], device),
            output: linear(width),
        }
    }

    /// Unit text features `[N, C, E]` of C sentences to `[N, W]`; `absent [N, C]` is true where
    /// there are fewer.
    pub(super) fn forward(
        &self,
        features: Tensor<3>,
        absent: Option<Tensor<2, Bool>>,
    ) -> Tensor<2> {
        let [n, sentences, width_in] = features.dims();
        // Linear layers are initialised for entries of variance 1; the entries of unit features are
        // smaller.
        let features = features * (width_in as f64).sqrt();
        let [key, value] = [(&self.key, 0), (&self.value, 1)].map(|(layer, row)| {
            let nothing = self.nothing.val().narrow(0, row, 1).unsqueeze::<3>();
            let nothing = nothing.repeat_dim(0, n);
            Tensor::cat(vec![nothing, layer.forward(features.clone())], 1)
        });
        let absent = absent.map(|absent| {
            let nothing = Tensor::<2, Bool>::full([n, 1], false, &absent.device());
            Tensor::cat(vec![nothing, absent], 1)
        });
        self.attend(key, value, absent, [n, sentences + 1])
    }

    /// The output without any sentence, `[1, W]`.
    pub(super) fn null_output(&self) -> Tensor<2> {
        let value = self.nothing.val().narrow(0, 1, 1);
        self.output.forward(silu(value))
    }

    /// Attends over keys and values `[N, T, W]`: `[N, W]`.
    fn attend(
        &self,
        key: Tensor<3>,
        value: Tensor<3>,
        absent: Option<Tensor<2, Bool>>,
        [n, tokens]: [usize; 2],
    ) -> Tensor<2> {
        let [heads, head_width] = self.queries.dims();
        let by_head = |x: Tensor<3>| x.reshape([n, tokens, heads, head_width]);
        let queries = self.queries.val().unsqueeze::<4>();
        let scores = (by_head(key) * queries).sum_dim(3) / (head_width as f64).sqrt();
        let scores = match absent {
            Some(absent) => {
                let absent = absent.reshape([n, tokens, 1, 1]);
                scores.mask_fill(absent.expand([n, tokens, heads, 1]), ABSENT)
            }
            None => scores,
        };
        let pooled = (by_head(value) * softmax(scores, 1)).sum_dim(1);
        let pooled = pooled.reshape([n, heads * head_width]);
        self.output.forward(silu(pooled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    fn pooling() -> SentencePooling {
        let device = Device::flex();
        device.seed(1);
        SentencePooling::new([4, 12, 3], &device)
    }

    fn equal(found: Tensor<2>, expected: Tensor<2>) {
        found
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-5));
    }

    #[test]
    fn an_absent_sentence_changes_nothing() {
        let device = Device::flex();
        let pooling = pooling();
        let features = Tensor::<3>::random([1, 3, 4], Distribution::Default, &device);
        let absent = Tensor::<2, Bool>::from_data([[false, false, true]], &device);
        let found = pooling.forward(features.clone(), Some(absent));
        equal(found, pooling.forward(features.narrow(1, 0, 2), None));
    }

    #[test]
    fn a_description_without_sentences_gives_the_null_output() {
        let device = Device::flex();
        let pooling = pooling();
        let features = Tensor::<3>::random([1, 2, 4], Distribution::Default, &device);
        let absent = Tensor::<2, Bool>::full([1, 2], true, &device);
        equal(
            pooling.forward(features, Some(absent)),
            pooling.null_output(),
        );
    }
}
