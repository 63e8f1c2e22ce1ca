use anyface::prior::{Prior, Schedule};
use burn::tensor::{Int, Tensor, TensorData};

/// Loss of the diffusion prior of clip2latent: the mean squared error between predicted and true
/// latents, in units of their standard deviation (Ramesh et al. 2022, arXiv 2204.06125, section
/// 2.2).
///
/// `w [N, D]` are latents, `noise [N, D]` is standard normal, `times` holds one time step per
/// latent. Where `unseen [N]` is 1, the prior gets no features.
pub fn diffusion(
    prior: &Prior,
    w: Tensor<2>,
    noise: Tensor<2>,
    times: &[usize],
    features: Tensor<2>,
    unseen: Tensor<1>,
) -> Tensor<1> {
    let device = w.device();
    let schedule = Schedule::cosine(prior.net.num_timesteps());
    let column = |share: fn(f64) -> f64| {
        let values = times
            .iter()
            .map(|&time| share(schedule.alpha_cumprod(time)) as f32);
        let values = TensorData::new(values.collect::<Vec<_>>(), [times.len(), 1]);
        Tensor::<2>::from_data(values, &device)
    };
    let x = prior.normalize(w);
    let noised = x.clone() * column(f64::sqrt) + noise * column(|share| (1.0 - share).sqrt());
    let places: Vec<i64> = times.iter().map(|&time| time as i64).collect();
    let times = Tensor::<1, Int>::from_data(places.as_slice(), &device);
    let predicted = prior.net.forward_each(noised, times, features, unseen);
    (predicted - x).square().mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyface::prior::{PriorConfig, Sampling};
    use burn::module::Module;
    use burn::optim::{AdamConfig, GradientsParams};
    use burn::tensor::{Device, Distribution};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const BATCH: usize = 64;
    const STEPS: usize = 600;

    /// Latents follow `w = 3·e + 5` plus a little noise, where `e` are the features.
    #[test]
    fn a_prior_learns_the_latents_of_features() {
        let device = Device::flex();
        device.seed(1);
        let normal = |shape, device: &Device| {
            Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), device)
        };
        let latents = |features: Tensor<2>| {
            let noise = normal(features.dims(), &features.device());
            features * 3.0 + 5.0 + noise * 0.1
        };
        let all = latents(normal([1000, 4], &device));
        let training = device.clone().autodiff();
        let config = PriorConfig::new(4, 2, 2)
            .with_dim_head(16)
            .with_num_timesteps(20);
        let mut prior = config.init(&training).fitted(&all);
        let mut optimizer = AdamConfig::new().init();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for step in 0..STEPS {
            let features = normal([BATCH, 4], &training);
            let w = latents(features.clone());
            let noise = normal([BATCH, 4], &training);
            let times: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..20)).collect();
            let unseen = Tensor::zeros([BATCH], &training);
            let loss = diffusion(&prior, w, noise, &times, features, unseen);
            let gradients = GradientsParams::from_grads(loss.backward(), &prior);
            let rate = 1e-2 * (1.0 - step as f64 / STEPS as f64);
            prior = optimizer.step(rate, prior, gradients);
        }
        let prior = prior.valid();
        let features = normal([100, 4], &device);
        let sampling = Sampling {
            guidance: 1.0,
            ..Sampling::default()
        };
        let noise = Tensor::<3>::random([4, 100, 4], Distribution::Normal(0.0, 1.0), &device);
        let found = prior.sample(features.clone(), noise, &sampling, 1.0);
        let error = (found - (features * 3.0 + 5.0)).abs().mean();
        let error = error.into_scalar::<f32>();
        // A prior that ignores the features has an error of 3.4, the mean distance of two samples.
        // Half of that shows that it uses them.
        assert!(error < 1.7, "{error}");
    }
}
