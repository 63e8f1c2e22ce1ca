//! Training of a generator of photographs as an autoencoder with discriminators.
//!
//! Training starts with reconstruction only, so that every latent has its own face. The
//! discriminators join later, and reconstruction continues. This prevents mode collapse. Frozen
//! EfficientNet-Lite0 features are the perceptual loss and the input of the discriminators
//! (Projected GANs, Sauer et al. 2021, arXiv 2111.01007). MobileFaceNet is used for evaluation
//! only.

mod config;
mod discriminator;
mod measure;
mod mixing;
mod networks;
mod running_gaussian;
mod views;

use std::path::Path;

use anyface::bundle::{Bundle, Domain, ZDistribution};
use anyface::convert::open_efficientnet;
use anyface::efficientnet::EfficientNetLite0;
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::stylegan2::Noise;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::config::FEATURE_SIZE;
pub use self::config::GanConfig;
use self::measure::{Appearance, nearest, thumbnails};
use self::mixing::Mixing;
use self::networks::Gan;
use self::running_gaussian::RunningGaussian;
use self::views::View;
use crate::data::images::{ImageSet, flip};
use crate::data::photographs::pictures as labelled_pictures;
use crate::error::{Result, TrainError};
use crate::eval::psnr::psnr;
use crate::loss::{clip_loss, hinge_discriminator_loss, l1, perceptual_distance};
use crate::run::{Evaluation, Stage, StepOutput, images_seen, load_config, train};
use anyface::recognizer::Recognizer;

/// Weight of the pixel L1 relative to the perceptual distance.
const L1_WEIGHT: f64 = 5.0;
/// Weight of the latent regularisation: mean square near 1 and mean near 0.
const LATENT_WEIGHT: f64 = 0.05;
/// Weight of the squared excess of pixels beyond ±`RANGE`.
const RANGE_WEIGHT: f64 = 10.0;
const RANGE: f64 = 1.05;
/// Minimum number of pictures for training and for evaluation: two halves with a standard deviation
/// each.
const FEWEST: usize = 4;
/// Batch size of the evaluation.
const DRAWN: usize = 32;
/// Columns of the sample picture.
const COLUMNS: usize = 12;
/// Rows of random faces in the sample picture. Below each is a row of their nearest training
/// pictures.
const RANDOM_ROWS: usize = 3;

/// Trains [`Gan`].
struct GanStage {
    config: GanConfig,
    training: ImageSet,
    held_out: ImageSet,
    features: EfficientNetLite0,
    mixing: Mixing,
    recognizer: Recognizer,
    photographs: Appearance,
    /// Thumbnails of the training pictures.
    thumbnails: Vec<Vec<f32>>,
    /// Images seen by the run that this one starts from.
    seen_before: u64,
    images_seen: u64,
    /// Distribution of `w` after the current step.
    latents: Option<RunningGaussian>,
}

impl GanStage {
    fn new(config: GanConfig, device: &Device) -> Result<Self> {
        let recognizer = Recognizer::open(&config.recognizer, device)?;
        let training_device = device.clone().autodiff();
        let features = open_efficientnet(&config.features, &training_device)?;
        let blank = Tensor::zeros([1, 3, FEATURE_SIZE, FEATURE_SIZE], &training_device);
        let mixing = Mixing::of(&features.taps(blank));
        let seen_before = config.model.start.as_deref().map(images_seen).transpose()?;
        let (training, held_out) = pictures(&config)?;
        let measured = config.learning.measured.min(held_out.len());
        Ok(Self {
            photographs: Appearance::of(batches(&held_out, measured, device), &recognizer),
            thumbnails: batches(&training, training.len(), device)
                .flat_map(thumbnails)
                .collect(),
            mixing,
            training,
            held_out,
            features,
            recognizer,
            seen_before: seen_before.unwrap_or(0),
            images_seen: 0,
            latents: None,
            config,
        })
    }

    /// A batch of photographs `[N, 3, R, R]`, flipped horizontally with probability ½.
    fn batch(&self, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
        let places: Vec<usize> = (0..self.config.learning.batch)
            .map(|_| rng.random_range(0..self.training.len()))
            .collect();
        flip(self.training.images(&places, device), rng)
    }

    /// Mixed features of a view of pictures, from the finest scale to the coarsest.
    fn seen(&self, view: &View, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        self.mixing.forward(self.features.taps(view.of(pictures)))
    }

    /// `count` random faces in batches `[N, 3, R, R]`. Deterministic.
    fn random_faces<'a>(
        &self,
        ema: &'a Gan,
        count: usize,
    ) -> impl Iterator<Item = Tensor<4>> + use<'a> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        (0..count).step_by(DRAWN).map(move |start| {
            let w = ema.latents.sample(DRAWN.min(count - start), &mut rng);
            ema.draw(w, Noise::Const)
        })
    }

    /// PSNR (dB, for values in [0, 1]) of reconstructed held-out photographs, and the mean cosine
    /// similarity of the recogniser's features.
    fn faithfulness(&self, ema: &Gan) -> [f64; 2] {
        let count = self.config.learning.measured.min(self.held_out.len());
        let (mut squared, mut cosine) = (0.0, 0.0);
        for photographs in batches(&self.held_out, count, &ema.device()) {
            let part = photographs.dims()[0] as f64 / count as f64;
            let drawn = ema.reconstruct(photographs.clone()).clamp(-1.0, 1.0);
            let error = (drawn.clone() - photographs.clone()) * 0.5;
            squared += part * error.square().mean().into_scalar::<f64>();
            let [same, person] =
                [drawn, photographs].map(|faces| self.recognizer.identities(faces));
            cosine += part * (1.0 - clip_loss(same, person).into_scalar::<f64>());
        }
        [psnr(squared), cosine]
    }

    /// The nearest training pictures to `faces`, `[N, 3, R, R]`.
    fn nearest(&self, faces: Tensor<4>) -> Tensor<4> {
        let device = faces.device();
        let places: Vec<usize> = thumbnails(faces)
            .iter()
            .map(|face| nearest(face, &self.thumbnails).0)
            .collect();
        self.training.images(&places, &device)
    }
}

/// Training and held-out pictures.
fn pictures(config: &GanConfig) -> Result<(ImageSet, ImageSet)> {
    let (pictures, others) = ImageSet::open(&config.images)?;
    let (training, held_out) = match &config.photographs {
        Some(labelled) => {
            let (training, held_out) = labelled_pictures(labelled)?;
            (training.joined(pictures), held_out)
        }
        None => (pictures, others),
    };
    for (what, pictures) in [
        ("training pictures", &training),
        ("held-out pictures", &held_out),
    ] {
        if pictures.len() < FEWEST {
            return Err(TrainError::TooFew {
                what,
                found: pictures.len(),
                needed: FEWEST,
            });
        }
    }
    Ok((training, held_out))
}

/// The first `count` pictures of a set, in batches `[N, 3, R, R]`.
fn batches(set: &ImageSet, count: usize, device: &Device) -> impl Iterator<Item = Tensor<4>> {
    (0..count).step_by(DRAWN).map(move |start| {
        let places: Vec<usize> = (start..count.min(start + DRAWN)).collect();
        set.images(&places, device)
    })
}

impl Stage for GanStage {
    type Model = Gan;

    fn init(&self, device: &Device) -> Result<Gan> {
        Gan::start(&self.config, device)
    }

    fn begin_step(&mut self, images_seen: u64) {
        self.images_seen = self.seen_before + images_seen;
    }

    fn step(&mut self, gan: &Gan, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let device = gan.device();
        let is_adversarial = self.images_seen >= learning.autoencoder_images;
        let resolution = self.training.size();
        let view = View::random(&self.config.views, resolution, FEATURE_SIZE, rng, &device);
        let real = self.batch(rng, &device);
        let again = if is_adversarial {
            learning.reconstructed
        } else {
            learning.batch
        };

        let found = gan.encoder.forward(real.clone().narrow(0, 0, again));
        let latents = gan.latents.moved(&found, self.images_seen);
        let w = match is_adversarial {
            true => Tensor::cat(
                vec![found.clone(), latents.sample(learning.batch - again, rng)],
                0,
            ),
            false => found.clone(),
        };
        self.latents = Some(latents);
        let drawn = gan.draw(w, Noise::Random(rng));
        let [seen, truly_seen] = [&drawn, &real].map(|images| self.seen(&view, images.clone()));

        let first = |x: &Tensor<4>| x.clone().narrow(0, 0, again);
        let pixels = l1(first(&drawn), first(&real));
        let [output, target] =
            [&seen, &truly_seen].map(|x| x.iter().map(first).collect::<Vec<_>>());
        let perceptual = perceptual_distance(&output, &target);
        let mean_square = found.clone().square().mean() - 1.0;
        let spread = mean_square.square() + found.mean_dim(0).square().mean();
        let beyond = (drawn.abs() - RANGE).clamp_min(0.0).square().mean();
        let mut total = pixels.clone() * L1_WEIGHT
            + perceptual.clone()
            + spread.clone() * LATENT_WEIGHT
            + beyond * RANGE_WEIGHT;
        let mut parts = vec![
            ("l1", pixels),
            ("perceptual", perceptual),
            ("latent", spread),
        ];
        if is_adversarial {
            let discriminator = &gan.discriminators[view.index];
            let fooling = -discriminator.clone().no_grad().forward(&seen).mean();
            let seen: Vec<_> = seen.into_iter().map(Tensor::detach).collect();
            let [of_drawn, of_real] = [&seen, &truly_seen].map(|x| discriminator.forward(x));
            let telling = hinge_discriminator_loss(of_drawn, of_real);
            // A single backward pass is enough: neither loss has gradients in the weights of the
            // other side.
            total = total + fooling.clone() * learning.adversarial_weight + telling.clone();
            parts.extend([("generator", fooling), ("discriminator", telling)]);
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(gan, &total, &parts, learning.batch))
    }

    fn update_buffers(&mut self, mut gan: Gan) -> Gan {
        if let Some(latents) = self.latents.take() {
            gan.latents = latents;
        }
        let discriminators = gan.discriminators.into_iter();
        gan.discriminators = discriminators.map(|d| d.power_iteration()).collect();
        gan
    }

    /// Sets the mapping network to sample the normal distribution of the encoder's latents.
    fn refresh(&self, mut ema: Gan) -> Gan {
        let [mean, root] = ema.latents.mean_and_root();
        ema.generator.mapping.draw_normal(mean.squeeze_dim(0), root);
        ema
    }

    fn evaluate(&mut self, ema: &Gan) -> Result<Evaluation> {
        let count = self.config.learning.measured.min(self.held_out.len());
        let drawn = Appearance::of(self.random_faces(ema, count), &self.recognizer);
        let mut metrics = drawn.beside(&self.photographs);
        let score = -metrics[0].1;
        let [psnr, cosine] = self.faithfulness(ema);
        metrics.push(("psnr".to_owned(), psnr));
        metrics.push(("identity_cosine".to_owned(), cosine));
        Ok(Evaluation { score, metrics })
    }

    /// Rows: random faces, each with a row of the nearest training pictures below; then held-out
    /// photographs and their reconstructions.
    fn sample(&mut self, ema: &Gan, path: &Path) -> Result<()> {
        let faces: Vec<_> = self.random_faces(ema, RANDOM_ROWS * COLUMNS).collect();
        let faces = Tensor::cat(faces, 0).clamp(-1.0, 1.0);
        let mut rows = Vec::new();
        for row in faces.split(COLUMNS, 0) {
            rows.extend([row.clone(), self.nearest(row)]);
        }
        let places: Vec<usize> = (0..COLUMNS).map(|i| i % self.held_out.len()).collect();
        let photographs = self.held_out.images(&places, &ema.device());
        rows.extend([photographs.clone(), ema.reconstruct(photographs)]);
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, COLUMNS), path)?)
    }
}

/// `anyface train gan`: trains the networks and puts the generator and the encoder into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]. Weights or pictures cannot be read, or the bundle cannot be
/// written.
pub fn run(path: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: GanConfig = load_config(path)?;
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = GanStage::new(config.clone(), device)?;
    let trained = train(&mut stage, &config.run, device, resume)?;
    let bundle = &config.bundle;
    Bundle::put(bundle, "generator", &config.generator(), &trained.generator)?;
    Bundle::put(
        bundle,
        "residual_encoder",
        &config.encoder(),
        &trained.encoder,
    )?;
    Bundle::put_section(bundle, "domain", &Domain::Photographs)?;
    if let Some(color) = config.images.background {
        Bundle::put_section(bundle, "background", &color)?;
    }
    Ok(Bundle::put_section(
        bundle,
        "z_distribution",
        &ZDistribution::Normal,
    )?)
}
