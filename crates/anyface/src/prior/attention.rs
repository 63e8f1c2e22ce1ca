//! Multi-query attention (Shazeer 2019, arXiv 1911.02150) with rotary and relative positions.

use burn::module::{Initializer, Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::module::linear;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::network::Norm;

/// Rows in the table of relative positions. Distances below 16 have one row each, and there are
/// never more tokens.
const BUCKETS: usize = 32;

/// Largest number of rotated channels per head.
const ROTATED: usize = 32;

/// Added to the logits of masked keys.
const HIDDEN: f32 = -1e9;

/// A learned bias per head and distance of two tokens.
#[derive(Module, Debug)]
pub(super) struct RelativePositions {
    weight: Param<Tensor<2>>,
}

impl RelativePositions {
    pub(super) fn new(heads: usize, device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            weight: normal.init([BUCKETS, heads], device),
        }
    }

    /// The bias of the logits, `[1, heads, T, 1 + T]`. Key 0 is the null key, key j is token j − 1.
    /// Tokens after the query are masked.
    pub(super) fn bias(&self, tokens: usize) -> Tensor<4> {
        let weight = self.weight.val();
        let [_, heads] = weight.dims();
        let device = weight.device();
        let pairs = || (0..tokens).flat_map(|i| (0..=tokens).map(move |j| (i, j)));
        // The reference counts the null key as a token, but only among the keys.
        let buckets: Vec<i64> = pairs().map(|(i, j)| i.saturating_sub(j) as i64).collect();
        let hidden: Vec<f32> = pairs()
            .map(|(i, j)| if j > i + 1 { HIDDEN } else { 0.0 })
            .collect();
        let rows = Tensor::<1, Int>::from_data(buckets.as_slice(), &device);
        let bias = weight
            .select(0, rows)
            .transpose()
            .reshape([1, heads, tokens, tokens + 1]);
        let mask = TensorData::new(hidden, [1, 1, tokens, tokens + 1]);
        bias + Tensor::from_data(mask, &device)
    }
}

/// The mask, `[N, 1, 1, 1 + T]`, that hides token 0 from the others where `unseen [N]` is 1.
pub(super) fn hide_first(unseen: Tensor<1>, tokens: usize) -> Tensor<4> {
    let [n] = unseen.dims();
    let mut keys = vec![0.0; tokens + 1];
    keys[1] = HIDDEN;
    let keys = Tensor::<4>::from_data(
        TensorData::new(keys, [1, 1, 1, tokens + 1]),
        &unseen.device(),
    );
    unseen.reshape([n, 1, 1, 1]) * keys
}

/// Causal attention.
#[derive(Module, Debug)]
pub(super) struct Attention {
    norm: Norm,
    /// Null key and value, `[2, K]`.
    null_kv: Param<Tensor<2>>,
    to_q: Param<Tensor<2>>,
    to_kv: Param<Tensor<2>>,
    to_out: Param<Tensor<2>>,
    norm_out: Norm,
}

impl Attention {
    pub(super) fn new(dim: usize, heads: usize, dim_head: usize, device: &Device) -> Self {
        let normal = |shape: [usize; 2]| {
            Initializer::Normal {
                mean: 0.0,
                std: 0.02,
            }
            .init(shape, device)
        };
        Self {
            norm: Norm::new(dim, device),
            null_kv: normal([2, dim_head]),
            to_q: normal([heads * dim_head, dim]),
            to_kv: normal([2 * dim_head, dim]),
            to_out: normal([dim, heads * dim_head]),
            norm_out: Norm::new(dim, device),
        }
    }

    /// `x` `[N, T, D]` to the same shape; `bias` comes from [`RelativePositions::bias`].
    pub(super) fn forward(&self, x: Tensor<3>, bias: Tensor<4>) -> Tensor<3> {
        let [n, tokens, _] = x.dims();
        let [_, k] = self.null_kv.dims();
        let [_, heads, _, _] = bias.dims();
        let x = self.norm.forward(x);
        let query = linear(x.clone(), self.to_q.val().transpose(), None)
            .reshape([n, tokens, heads, k])
            .swap_dims(1, 2);
        let key_value = linear(x, self.to_kv.val().transpose(), None);
        let part = |part: usize| {
            key_value
                .clone()
                .narrow(2, part * k, k)
                .reshape([n, 1, tokens, k])
        };
        let nobody = |part: usize| {
            let row = self.null_kv.val().narrow(0, part, 1);
            row.reshape([1, 1, 1, k]).expand([n, 1, 1, k])
        };
        let key = Tensor::cat(vec![nobody(0), rotate(part(0))], 2);
        let value = Tensor::cat(vec![nobody(1), part(1)], 2);
        let query = rotate(query) * (k as f64).powf(-0.5);
        let shared = |x: Tensor<4>| x.expand([n, heads, tokens + 1, k]);
        let logits = query.matmul(shared(key).swap_dims(2, 3)) + bias;
        let attended = softmax(logits, 3).matmul(shared(value));
        let joined = attended.swap_dims(1, 2).reshape([n, tokens, heads * k]);
        self.norm_out
            .forward(linear(joined, self.to_out.val().transpose(), None))
    }
}

/// Rotary position embedding: rotates pairs of the first channels of `[N, H, T, K]` by angles
/// proportional to the position (Su et al. 2021, arXiv 2104.09864).
fn rotate(x: Tensor<4>) -> Tensor<4> {
    let [n, h, tokens, k] = x.dims();
    let rotated = ROTATED.min(k);
    let device = x.device();
    let angles = |function: fn(f64) -> f64| {
        let values: Vec<f32> = (0..tokens)
            .flat_map(|position| {
                (0..rotated / 2).map(move |pair| {
                    let frequency = 10_000_f64.powf(-2.0 * pair as f64 / rotated as f64);
                    function(position as f64 * frequency) as f32
                })
            })
            .collect();
        Tensor::<5>::from_data(
            TensorData::new(values, [1, 1, tokens, rotated / 2, 1]),
            &device,
        )
    };
    let (cos, sin) = (angles(f64::cos), angles(f64::sin));
    let pairs = x
        .clone()
        .narrow(3, 0, rotated)
        .reshape([n, h, tokens, rotated / 2, 2]);
    let (a, b) = (pairs.clone().narrow(4, 0, 1), pairs.narrow(4, 1, 1));
    let turned = Tensor::cat(
        vec![
            a.clone() * cos.clone() - b.clone() * sin.clone(),
            b * cos + a * sin,
        ],
        4,
    )
    .reshape([n, h, tokens, rotated]);
    match k - rotated {
        0 => turned,
        rest => Tensor::cat(vec![turned, x.narrow(3, rotated, rest)], 3),
    }
}
