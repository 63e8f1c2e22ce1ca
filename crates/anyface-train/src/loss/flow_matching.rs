use anyface::mapper::FlowPrior;
use burn::tensor::Tensor;

/// Conditional flow matching on straight paths (Lipman et al. 2023, arXiv 2210.02747): the mean
/// squared error of the velocity `x − z` at `(1 − t)·z + t·x`, for whitened latents `x [N, D]`,
/// noise `z [N, D]`, times `t [N, 1]` in [0, 1] and conditions `[N, W]`.
pub fn flow_matching(
    prior: &FlowPrior,
    x: Tensor<2>,
    noise: Tensor<2>,
    t: Tensor<2>,
    condition: Tensor<2>,
) -> Tensor<1> {
    let velocity = x - noise.clone();
    let point = noise + velocity.clone() * t.clone();
    (prior.velocity(point, t, condition) - velocity)
        .square()
        .mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface::mapper::{FlowPriorConfig, FlowSampling};
    use burn::module::Module;
    use burn::optim::{AdamConfig, GradientsParams};
    use burn::tensor::{Bool, Device, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    const BATCH: usize = 64;
    const STEPS: usize = 400;

    /// Mean of the first coordinate of the latents of each of two sentences.
    const CLUSTERS: [f32; 2] = [5.0, 1.0];

    fn normal(shape: [usize; 2], device: &Device, rng: &mut ChaCha8Rng) -> Tensor<2> {
        let values = StandardNormal.sample_iter(rng).take(shape[0] * shape[1]);
        Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), device)
    }

    /// Latents `[N, 2]` of faces of the given sentences: the first coordinate has the mean of its
    /// cluster and standard deviation 0.3, the second is noise of standard deviation 2.
    fn latents(which: &[usize], device: &Device, rng: &mut ChaCha8Rng) -> Tensor<2> {
        let scale = Tensor::<1>::from_floats([0.3, 2.0], device).unsqueeze();
        let centers: Vec<f32> = which.iter().flat_map(|&i| [CLUSTERS[i], 0.0]).collect();
        let centers = Tensor::from_data(TensorData::new(centers, [which.len(), 2]), device);
        normal([which.len(), 2], device, rng) * scale + centers
    }

    /// A prior trained on faces of two sentences. A quarter of the faces has no sentence.
    fn trained() -> FlowPrior {
        let device = Device::flex();
        device.seed(1);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let config = FlowPriorConfig::new(2, 2).with_width(48).with_blocks(2);
        let all: Vec<usize> = (0..1000).map(|i| i % 2).collect();
        let w = latents(&all, &device, &mut rng);
        let device = device.autodiff();
        let mut prior = config.with_heads(4).init(&device).fitted(w);
        let mut optimizer = AdamConfig::new().init();
        for step in 0..STEPS {
            let which: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..2)).collect();
            let x = prior.whiten(latents(&which, &device, &mut rng));
            let said: Vec<f32> = which
                .iter()
                .flat_map(|&i| if i == 0 { [1.0, 0.0] } else { [0.0, 1.0] })
                .collect();
            let said = Tensor::from_data(TensorData::new(said, [BATCH, 1, 2]), &device);
            let silent: Vec<bool> = (0..BATCH).map(|_| rng.random_bool(0.25)).collect();
            let absent = TensorData::new(silent, [BATCH, 1]);
            let absent = Tensor::<2, Bool>::from_data(absent, &device);
            let condition = prior.condition(said, Some(absent));
            let noise = normal([BATCH, 2], &device, &mut rng);
            let t: Vec<f32> = (0..BATCH).map(|_| rng.random()).collect();
            let t = Tensor::from_data(TensorData::new(t, [BATCH, 1]), &device);
            let loss = flow_matching(&prior, x, noise, t, condition);
            let gradients = GradientsParams::from_grads(loss.backward(), &prior);
            let rate = 5e-3 * (1.0 - step as f64 / STEPS as f64);
            prior = optimizer.step(rate, prior, gradients);
        }
        prior.valid()
    }

    /// First coordinate of each latent.
    fn first(w: Tensor<2>) -> Vec<f32> {
        w.narrow(1, 0, 1).into_data().iter().collect()
    }

    #[test]
    fn a_prior_learns_latents_with_and_without_sentences() {
        let prior = trained();
        let seeds: Vec<u64> = (0..100).collect();
        let unguided = FlowSampling {
            guidance: 1.0,
            steps: 24,
        };
        for (said, center) in [[1.0, 0.0], [0.0, 1.0]].into_iter().zip(CLUSTERS) {
            let features = Tensor::from_floats([said], &Device::flex());
            let found = first(prior.sample(features, &seeds, unguided));
            let mean = found.iter().sum::<f32>() / 100.0;
            assert!((mean - center).abs() < 0.3, "{mean} for {center}");
            let stray = found.iter().filter(|x| (*x - center).abs() > 1.5).count();
            assert!(
                stray <= 3,
                "{stray} of 100 are more than 1.5 away from {center}"
            );
        }
        let noise = Tensor::cat(seeds.iter().map(|&seed| prior.noise(seed)).collect(), 0);
        let found = first(prior.unconditional_latents(noise, 24));
        let high = found.iter().filter(|x| **x > 3.0).count();
        assert!(
            (35..=65).contains(&high),
            "{high} of 100 are in the first cluster"
        );
    }
}
