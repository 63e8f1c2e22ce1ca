//! The network: a causal transformer over four tokens.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::tensor::activation::silu;
use burn::tensor::module::linear;
use burn::tensor::{Device, Int, Tensor};

use super::attention::{Attention, RelativePositions, hide_first};

/// Ratio of the feed-forward layer's width to the token width.
const EXPANSION: usize = 4;

/// ε of torch's layer norm, in every checkpoint.
const EPSILON: f64 = 1e-5;

/// Sizes of a prior.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct PriorConfig {
    /// D, the width of a latent, which equals the width of a CLIP feature.
    pub dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Query heads; all share one key and value.
    pub heads: usize,
    /// Channels per head.
    #[config(default = 64)]
    pub dim_head: usize,
    /// Number of training time steps.
    #[config(default = 1000)]
    pub num_timesteps: usize,
}

impl PriorConfig {
    pub(super) fn network(&self, device: &Device) -> PriorNetwork {
        let normal = |shape: [usize; 2]| {
            Initializer::Normal {
                mean: 0.0,
                std: 0.02,
            }
            .init(shape, device)
        };
        let dim = self.dim;
        let block = |_| Block {
            attention: Attention::new(dim, self.heads, self.dim_head, device),
            feed_forward: FeedForward {
                norm: Norm::new(dim, device),
                expand: normal([2 * EXPANSION * dim, dim]),
                project: normal([dim, EXPANSION * dim]),
            },
        };
        PriorNetwork {
            learned_query: Initializer::Normal {
                mean: 0.0,
                std: 0.02,
            }
            .init([dim], device),
            time_embedding: normal([self.num_timesteps, dim]),
            positions: RelativePositions::new(self.heads, device),
            blocks: (0..self.depth).map(block).collect(),
            norm: Norm::new(dim, device),
            project_out: normal([dim, dim]),
        }
    }
}

/// Predicts a latent from a noised latent, the time, and a feature.
#[derive(Module, Debug)]
pub struct PriorNetwork {
    learned_query: Param<Tensor<1>>,
    time_embedding: Param<Tensor<2>>,
    positions: RelativePositions,
    blocks: Vec<Block>,
    norm: Norm,
    project_out: Param<Tensor<2>>,
}

impl PriorNetwork {
    /// Number of training time steps.
    pub fn num_timesteps(&self) -> usize {
        self.time_embedding.dims()[0]
    }

    /// Predicts latents `[N, D]` from noised latents `x` `[N, D]` at one time, both normalised.
    /// Without `sees_words`, the features `[N, D]` are masked.
    pub fn forward(
        &self,
        x: Tensor<2>,
        time: usize,
        features: Tensor<2>,
        sees_words: bool,
    ) -> Tensor<2> {
        let ([n, _], device) = (x.dims(), x.device());
        let times = Tensor::<1, Int>::from_data(vec![time as i64; n].as_slice(), &device);
        let unseen = if sees_words { 0.0 } else { 1.0 };
        self.forward_each(x, times, features, Tensor::full([n], unseen, &device))
    }

    /// Like [`PriorNetwork::forward`] with one time per latent, `[N]`; features are masked where
    /// `unseen [N]` is 1.
    pub fn forward_each(
        &self,
        x: Tensor<2>,
        times: Tensor<1, Int>,
        features: Tensor<2>,
        unseen: Tensor<1>,
    ) -> Tensor<2> {
        let [n, d] = x.dims();
        let times = self.time_embedding.val().select(0, times);
        let query = self.learned_query.val().unsqueeze::<2>().expand([n, d]);
        let tokens: Tensor<3> = Tensor::stack(vec![features, times, x, query], 1);
        let [_, count, _] = tokens.dims();
        let bias = self.positions.bias(count) + hide_first(unseen, count);
        let out = self.blocks.iter().fold(tokens, |x, block| {
            let x = x.clone() + block.attention.forward(x, bias.clone());
            x.clone() + block.feed_forward.forward(x)
        });
        let last = self
            .norm
            .forward(out)
            .narrow(1, count - 1, 1)
            .squeeze_dim::<2>(1);
        linear(last, self.project_out.val().transpose(), None)
    }
}

#[derive(Module, Debug)]
struct Block {
    attention: Attention,
    feed_forward: FeedForward,
}

/// `W₂·(a·silu(b))`, where `(a, b) = W₁·norm(x)`.
#[derive(Module, Debug)]
struct FeedForward {
    norm: Norm,
    expand: Param<Tensor<2>>,
    project: Param<Tensor<2>>,
}

impl FeedForward {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let expanded = linear(self.norm.forward(x), self.expand.val().transpose(), None);
        let [.., width] = expanded.dims();
        let value = expanded.clone().narrow(2, 0, width / 2);
        let gate = expanded.narrow(2, width / 2, width / 2);
        linear(value * silu(gate), self.project.val().transpose(), None)
    }
}

/// Layer normalisation without shift.
#[derive(Module, Debug)]
pub(super) struct Norm {
    gamma: Param<Tensor<1>>,
}

impl Norm {
    pub(super) fn new(dim: usize, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([dim], device),
        }
    }

    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        burn::tensor::module::layer_norm(x, self.gamma.val(), None, EPSILON)
    }
}
