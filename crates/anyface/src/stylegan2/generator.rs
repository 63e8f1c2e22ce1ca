//! The generator: mapping and synthesis.

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
    /// Maps `z [N, Z]` to images `[N, 3, R, R]`, without truncation.
    pub fn forward(&self, z: Tensor<2>, noise: Noise<'_>) -> Tensor<4> {
        let w = self.mapping.forward(z);
        self.synthesis
            .forward(broadcast(w, self.synthesis.num_ws()), noise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stylegan2::GeneratorConfig;
    use burn::tensor::{Device, Distribution};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn latents(n: usize, device: &Device) -> Tensor<2> {
        Tensor::random([n, 24], Distribution::Normal(0.0, 1.0), device)
    }

    fn values(images: Tensor<4>) -> Vec<f32> {
        images.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn every_resolution_renders() {
        let device = Device::flex();
        for levels in 4..=9 {
            let config = GeneratorConfig::new(24, 16, vec![3; levels]);
            let images = config
                .init(&device)
                .forward(latents(1, &device), Noise::Const);
            let side = config.resolution();
            assert_eq!(images.dims(), [1, 3, side, side]);
            assert!(values(images).iter().all(|v| v.is_finite()));
        }
    }

    #[test]
    fn an_image_does_not_depend_on_its_batch() {
        let device = Device::flex();
        // The sizes of the built-in generator, where matrix products are large enough to be split
        // into blocks.
        let channels = vec![256, 256, 256, 128, 64, 32];
        let generator = GeneratorConfig::new(24, 256, channels).init(&device);
        let z = latents(5, &device);
        let batch = values(generator.forward(z.clone(), Noise::Const));
        let alone: Vec<f32> = (0..5)
            .flat_map(|i| values(generator.forward(z.clone().narrow(0, i, 1), Noise::Const)))
            .collect();
        assert!(batch == alone, "images differ in bits");
    }

    #[test]
    fn random_noise_follows_its_seed() {
        let device = Device::flex();
        let mut generator = GeneratorConfig::new(24, 16, vec![4; 4]).init(&device);
        let strength = &mut generator.synthesis.blocks[2].conv1.noise_strength;
        *strength = strength.clone().map(|s| s + 1.0);
        let z = latents(2, &device);
        let render = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            values(generator.forward(z.clone(), Noise::Random(&mut rng)))
        };
        assert_eq!(render(1), render(1));
        assert_ne!(render(1), render(2));
    }
}
