//! Losses and evaluation of the mapper.

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::clip::clip_score;
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::mapper::Mapped;
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batch::Batch;
use super::samples::{Pictured, Samples};
use super::{MapperConfig, Streams};
use crate::error::Result;
use crate::loss::{
    DiverseTriplet, clip_loss, contrastive, cross_modal_distillation, diverse_triplet, l1,
    latent_mse,
};
use crate::run::{Evaluation, Stage, StepOutput};
use crate::stage::described::TextBatch;
use crate::stage::image_features::ImageFeatures;

/// The frozen networks that losses use, on one device.
pub(super) struct Frozen {
    image_features: ImageFeatures,
    pub(super) generator: Generator,
}

impl Frozen {
    fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let generator: GeneratorConfig = bundle.section("generator")?;
        Ok(Self {
            image_features: ImageFeatures::load(bundle, device)?,
            generator: bundle
                .network("generator", generator.init(device))?
                .no_grad(),
        })
    }

    /// Image features `[N, E]` of pictures `[N, 3, R, R]` in [−1, 1].
    pub(super) fn image_features(&self, images: Tensor<4>) -> Tensor<2> {
        self.image_features.forward(images)
    }

    /// Pictures `[N, 3, R, R]` of text latents `w_t [N, L, D]`, with the layers below `k` from
    /// `w_c [N, D]`.
    fn draw(&self, w_c: Tensor<2>, w_t: Tensor<3>, k: usize) -> Tensor<4> {
        let w_c = broadcast(w_c, w_t.dims()[1]);
        self.generator
            .synthesis
            .forward(mix(w_c, w_t, k), Noise::None)
    }
}

impl Streams {
    /// The text stream on all faces, and the reconstruction stream on the pictures.
    fn forward(&self, batch: &Batch) -> (Mapped, Mapped) {
        let (text, w_c) = (batch.text.clone(), batch.w_c.clone());
        (
            self.text
                .forward(text, Some(batch.absent.clone()), Some(w_c)),
            self.image.forward(batch.image.clone(), None, None),
        )
    }
}

/// Scale of the cosine similarities in the contrast of pictures and texts.
const CONTRAST_SCALE: f32 = 20.0;
/// Number of faces in an evaluation.
const EVALUATION_FACES: usize = 64;
/// Columns of the sample picture.
const SAMPLE_FACES: usize = 8;

/// Trains [`Streams`].
pub(super) struct MapperStage {
    config: MapperConfig,
    samples: Samples,
    /// Copy without autodiff, for features and evaluation.
    frozen: Frozen,
    /// Copy on the autodiff device, for gradients through the pictures.
    differentiable: Frozen,
    device: Device,
}

impl MapperStage {
    /// Loads the frozen networks and computes the features of all captions and pictures.
    pub(super) fn new(file: &Path, config: MapperConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let frozen = Frozen::load(&bundle, device)?;
        Ok(Self {
            samples: Samples::open(file, &config, &frozen, device)?,
            differentiable: Frozen::load(&bundle, &device.clone().autodiff())?,
            device: device.clone(),
            frozen,
            config,
        })
    }

    /// A random batch of `count` faces with a picture and `others` without.
    fn batch(&self, faces: &Pictured, [count, others]: [usize; 2], rng: &mut ChaCha8Rng) -> Batch {
        let mut random = |count: usize, below: usize| -> Vec<usize> {
            (0..count).map(|_| rng.random_range(0..below)).collect()
        };
        let pictured = random(count, faces.texts.len());
        let others = random(others, self.samples.others.len());
        let text = TextBatch::concatenate([
            faces.texts.batch(&pictured, rng),
            self.samples.others.batch(&others, rng),
        ]);
        let mapping = &self.frozen.generator.mapping;
        let [w_c, w] = self.samples.latents.pairs(&text.faces, mapping, rng);
        let num_ws = self.config.text_stream.num_ws;
        // Captions written by people describe their picture. Their attributes are unknown, so the
        // target is the latent of the picture.
        let written: Vec<bool> = text.faces[..count]
            .iter()
            .map(|face| face.said.is_empty())
            .collect();
        let batch = Batch {
            image: faces.features(&pictured),
            w_picture: faces.latents(&pictured, num_ws),
            w: broadcast(w, num_ws),
            w_c,
            text: text.features,
            absent: text.absent,
            text_mean: text.mean,
            pictured,
        };
        let batch = batch.aiming_at_pictures(&written);
        batch.with_image_prompts(self.config.learning.image_prompt_probability, rng)
    }

    /// Diverse triplet loss of the faces with a picture. The negatives are latents of other faces
    /// in the batch.
    fn triplet(&self, w_t: Tensor<3>, batch: &Batch, rng: &mut ChaCha8Rng) -> Tensor<1> {
        let learning = &self.config.learning;
        let [size, layers, dim] = w_t.dims();
        let others: Vec<i64> = (0..size)
            .flat_map(|i| {
                let picks = index::sample(rng, size - 1, learning.negatives);
                picks.into_iter().map(move |j| ((i + 1 + j) % size) as i64)
            })
            .collect();
        let others = Tensor::<1, Int>::from_data(others.as_slice(), &w_t.device());
        let unmatched = w_t.clone().select(0, others);
        let mean = self.differentiable.generator.mapping.w_avg.val();
        let latents = DiverseTriplet {
            target: batch.pictured_of(&batch.w),
            matched: w_t,
            unmatched: unmatched.reshape([size, learning.negatives, layers, dim]),
            mean: mean.unsqueeze::<2>().repeat_dim(0, layers),
        };
        diverse_triplet(latents, learning.margin)
    }

    /// Pictures of latents `[N, L, D]`, without gradients.
    fn picture(&self, w_plus: Tensor<3>) -> Tensor<4> {
        let synthesis = &self.frozen.generator.synthesis;
        synthesis.forward(w_plus, Noise::None)
    }

    /// L_CLIP, the contrast of pictures and texts, and L_rec of the first `image_batch` pictures.
    ///
    /// The contrast (as in LAFITE, Zhou et al. 2022, arXiv 2111.13792) makes a picture match its
    /// own text better than other texts. L_rec applies to both streams, because the input latent
    /// and the text together determine the target picture of the text stream.
    fn picture_losses(&self, text: &Mapped, image: &Mapped, batch: &Batch) -> [Tensor<1>; 3] {
        let count = self.config.learning.image_batch;
        let first = |w: &Tensor<3>| w.clone().narrow(0, 0, count);
        let frozen = &self.differentiable;
        let faces = &self.samples.training.faces;
        let pictures = faces.images(&batch.pictured[..count], &text.w_plus.device());
        let target = self.picture(first(&batch.w).inner()).autodiff();
        let w_c = batch.w_c.clone().narrow(0, 0, count);
        let drawn = frozen.draw(w_c, first(&text.w_plus), self.config.injection_layer);
        let rebuilt = frozen
            .generator
            .synthesis
            .forward(first(&image.w_plus), Noise::None);
        let feature = frozen.image_features(drawn.clone());
        let words = batch.text_mean.clone().narrow(0, 0, count);
        let clip = clip_loss(feature.clone(), words.clone());
        let log_scale = Tensor::from_floats([CONTRAST_SCALE.ln()], &words.device());
        let contrast = contrastive(feature, words, log_scale);
        [clip, contrast, l1(drawn, target) + l1(rebuilt, pictures)]
    }
}

impl Stage for MapperStage {
    type Model = Streams;

    fn init(&self, device: &Device) -> Result<Streams> {
        self.config.load_start(device)
    }

    fn step(&mut self, streams: &Streams, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let (learning, weight) = (&self.config.learning, self.config.weight);
        let counts = [learning.faces, learning.others];
        let batch = self.batch(&self.samples.training, counts, rng).autodiff();
        let (text, image) = streams.forward(&batch);

        let cmd = cross_modal_distillation(batch.pictured_of(&text.phi), image.phi.clone());
        let latent = latent_mse(batch.w_picture.clone(), image.w_plus.clone());
        let cycle = l1(text.w_plus.clone(), batch.w.clone());
        let triplet = self.triplet(batch.pictured_of(&text.w_plus), &batch, rng);
        let mut total = cmd.clone() * weight.cmd
            + latent.clone() * weight.latent
            + cycle.clone() * weight.cycle
            + triplet.clone() * weight.triplet;
        let mut parts = vec![
            ("cmd", cmd),
            ("latent", latent),
            ("cycle", cycle),
            ("triplet", triplet),
        ];
        if rng.random_ratio(1, learning.image_every) {
            let [clip, contrast, reconstruction] = self.picture_losses(&text, &image, &batch);
            // Scaled up to compensate for the skipped steps.
            let every = f64::from(learning.image_every);
            total = total
                + clip.clone() * (weight.clip * every)
                + contrast.clone() * (weight.contrast * every)
                + reconstruction.clone() * (weight.reconstruction * every);
            parts.extend([
                ("clip", clip),
                ("contrast", contrast),
                ("reconstruction", reconstruction),
            ]);
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        let faces = learning.faces + learning.others;
        Ok(StepOutput::backward(streams, &total, &parts, faces))
    }

    fn evaluate(&mut self, ema: &Streams) -> Result<Evaluation> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(&self.samples.held_out, [EVALUATION_FACES, 1], &mut rng);
        let (text, image) = ema.forward(&batch);
        let w_t = batch.pictured_of(&text.w_plus);
        let w_c = batch.pictured_of(&batch.w_c);
        let w = batch.pictured_of(&batch.w);
        let drawn = self
            .frozen
            .draw(w_c, w_t.clone(), self.config.injection_layer);
        let truth = self.picture(w.clone());
        let scalar = |x: Tensor<1>| x.into_scalar::<f64>();
        let feature = self.frozen.image_features(drawn.clone());
        let score = clip_score(feature, batch.pictured_of(&batch.text_mean));
        let distance = scalar(l1(drawn, truth));
        let metrics = [
            ("text_latent", scalar(l1(w_t, w))),
            ("image_latent", scalar(l1(image.w_plus, batch.w_picture))),
            ("text_picture", distance),
            ("clip_score", scalar(score.mean())),
        ];
        Ok(Evaluation {
            score: -distance,
            metrics: metrics
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        })
    }

    /// Rows: the picture, the input latent of the text stream, its target, its output, and the
    /// output of the reconstruction stream.
    fn sample(&mut self, ema: &Streams, path: &Path) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(&self.samples.held_out, [SAMPLE_FACES, 1], &mut rng);
        let (text, image) = ema.forward(&batch);
        let w_t = batch.pictured_of(&text.w_plus);
        let w_c = batch.pictured_of(&batch.w_c);
        let rows = [
            self.samples
                .held_out
                .faces
                .images(&batch.pictured, &self.device),
            self.picture(broadcast(w_c.clone(), self.config.text_stream.num_ws)),
            self.picture(batch.pictured_of(&batch.w)),
            self.frozen.draw(w_c, w_t, self.config.injection_layer),
            self.picture(image.w_plus),
        ];
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLE_FACES), path)?)
    }
}
