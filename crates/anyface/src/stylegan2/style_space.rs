//! The style space S: the scales of all features that convolutions read (Wu et al. 2021, arXiv
//! 2011.12799). Single entries control single attributes of a face.
//!
//! As in StyleCLIP, styles of `ToRgb` layers are not included.

use burn::tensor::Tensor;

use super::{Synthesis, SynthesisLayer};

impl Synthesis {
    /// Styles `[N, S]` of `w_plus [N, L, D]`, in the order of the convolutions.
    pub fn styles(&self, w_plus: Tensor<3>) -> Tensor<2> {
        // Convolution i reads latent layer i: `conv1` of 4², then `conv0` and `conv1` of 8², and so
        // on.
        let styles = self.convs().enumerate().map(|(index, conv)| {
            let w = w_plus.clone().narrow(1, index, 1).squeeze_dim(1);
            conv.affine.forward(w)
        });
        Tensor::cat(styles.collect(), 1)
    }

    /// Adds `offset [1, S]` to the styles of all images.
    #[must_use]
    pub fn restyled(mut self, offset: &Tensor<2>) -> Self {
        let mut start = 0;
        for block in &mut self.blocks {
            for conv in block.conv0.iter_mut().chain([&mut block.conv1]) {
                let inputs = conv.inputs();
                let own = offset.clone().narrow(1, start, inputs).squeeze_dim(0);
                conv.affine.bias = conv.affine.bias.clone().map(|bias| bias + own);
                start += inputs;
            }
        }
        self
    }

    fn convs(&self) -> impl Iterator<Item = &SynthesisLayer> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|block| block.conv0.iter().chain([&block.conv1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stylegan2::{GeneratorConfig, Noise, Precision};
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn both_networks_apply_a_style_offset_in_the_same_way() {
        let device = Device::flex();
        device.seed(3);
        let channels = vec![8, 6, 5, 4];
        let config = GeneratorConfig::new(4, 4, channels);
        let synthesis = config.init(&device).synthesis;
        let normal = Distribution::Normal(0.0, 1.0);
        let w_plus = Tensor::<3>::random([1, 8, 4], normal, &device);
        // 8 at 4², 8 and 6 at 8², 6 and 5 at 16², 5 and 4 at 32².
        assert_eq!(config.style_width(), 42);
        let offset = Tensor::<2>::random([1, 42], normal, &device);
        let restyled = synthesis.clone().restyled(&offset);
        let tolerance = Tolerance::<f32>::absolute(1e-5);
        let expected = synthesis.styles(w_plus.clone()) + offset.clone();
        let found = restyled.styles(w_plus.clone()).into_data();
        found.assert_approx_eq(&expected.into_data(), tolerance);

        let prepared = synthesis.clone().prepare(Precision::F32).unwrap();
        let plain = prepared.forward(w_plus.clone(), Noise::None);
        let found = prepared.forward_restyled(w_plus.clone(), Some(&offset), Noise::None);
        let moved: f32 = (found.clone() - plain).abs().max().into_scalar();
        assert!(moved > 1e-2, "{moved}");
        let expected = restyled.forward(w_plus, Noise::None).into_data();
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        found.into_data().assert_approx_eq(&expected, tolerance);
    }
}
