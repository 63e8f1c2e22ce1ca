//! Mapping and synthesis together.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Mapping, Noise, Synthesis, broadcast};

/// A StyleGAN2 generator.
#[derive(Module, Debug)]
pub struct Generator {
    /// `z → w`.
    pub mapping: Mapping,
    /// `w_plus → image`.
    pub synthesis: Synthesis,
}

impl Generator {
    /// `z [N, Z]` to images `[N, 3, R, R]`, without truncation.
    pub fn forward(&self, z: Tensor<2>, noise: Noise<'_>) -> Tensor<4> {
        let w = self.mapping.forward(z);
        self.synthesis
            .forward(broadcast(w, self.synthesis.num_ws()), noise)
    }
}
