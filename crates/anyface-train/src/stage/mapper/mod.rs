//! The mapper: both streams at once, on captions of portraits and the latents of a trained generator.

mod described;

use std::path::{Path, PathBuf};

use anyface::clip::{
    ImageTower, ImageTowerConfig, TextTower, TextTowerConfig, clip_score, normalize,
};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::mapper::{Mapped, Stream, StreamConfig};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use anyface::weights::Bundle;
use anyface_portraits::caption::{Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, sample};
use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor};
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Deserialize;

use self::described::{DescribedFace, DescribedFaces, TextBatch};
use crate::data::captions::latents_of_roles;
use crate::data::corpus::idle_texts;
use crate::data::portraits::{PortraitCache, codes};
use crate::data::wordnet::WordNet;
use crate::error::Result;
use crate::loss::{
    DiverseTriplet, clip_loss, cross_modal_distillation, diverse_triplet, l1, latent_mse,
};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapperConfig {
    /// Bundle that holds the towers and the generator, and is given the two streams.
    pub bundle: PathBuf,
    /// Noise injection replaces the latent layers below this one.
    pub injection_layer: usize,
    /// The run.
    pub run: RunConfig,
    /// What is learned from.
    pub data: DataConfig,
    /// Batches and losses.
    pub learning: LearningConfig,
    /// Weights of the losses.
    pub weight: Weights,
    /// Text stream.
    pub text_stream: StreamConfig,
    /// Reconstruction stream.
    pub image_stream: StreamConfig,
}

/// The `[data]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Cache of rendered portraits.
    pub cache: PathBuf,
    /// Portraits at the end of the cache that are kept for evaluation.
    pub held_out: usize,
    /// Captions of each portrait.
    pub captions: usize,
    /// Faces, without a picture, that look like a role, for each role.
    pub faces_per_role: usize,
    /// Texts that say nothing of a face, so that such words change nothing.
    pub idle_texts: usize,
    /// Folder of WordNet, for such texts.
    pub wordnet: PathBuf,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Portraits a step.
    pub portraits: usize,
    /// Faces without a picture a step, for the text stream alone.
    pub others: usize,
    /// One step in so many draws pictures, for the losses on them.
    pub image_every: u32,
    /// Portraits drawn in such a step, each by both streams.
    pub image_batch: usize,
    /// Unmatched captions a face for the diverse triplet loss.
    pub negatives: usize,
    /// Margin m of the diverse triplet loss.
    pub margin: f64,
}

/// Weight of each loss.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Cross modal distillation, both ways.
    pub cmd: f64,
    /// Diverse triplet.
    pub triplet: f64,
    /// 1 − cosine of picture and words.
    pub clip: f64,
    /// Latent of the reconstruction stream.
    pub latent: f64,
    /// Latent of the text stream (AnyFace++'s cycle loss).
    pub cycle: f64,
    /// Pictures of both streams.
    pub reconstruction: f64,
}

/// Both streams, trained together.
#[derive(Module, Debug)]
pub struct Streams {
    /// Text to face.
    pub text: Stream,
    /// Reconstruction.
    pub image: Stream,
}

/// The frozen networks that losses pass through, on one device.
struct Frozen {
    image_tower: ImageTower,
    generator: Generator,
}

impl Frozen {
    fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let image_tower: ImageTowerConfig = bundle.section("image_tower")?;
        let generator: GeneratorConfig = bundle.section("generator")?;
        Ok(Self {
            image_tower: bundle
                .network("image_tower", image_tower.init(device))?
                .no_grad(),
            generator: bundle
                .network("generator", generator.init(device))?
                .no_grad(),
        })
    }

    /// Pictures `[N, 3, R, R]` of text latents `[N, L, D]`, with the layers below `k` from `w_c` `[N, D]`.
    fn draw(&self, w_c: Tensor<2>, w_t: Tensor<3>, k: usize) -> Tensor<4> {
        let w_c = broadcast(w_c, w_t.dims()[1]);
        self.generator
            .synthesis
            .forward(mix(w_c, w_t, k), Noise::None)
    }
}

/// What one step learns from: portraits, then faces without a picture.
struct Batch {
    /// Places of the portraits in the cache.
    portraits: Vec<usize>,
    /// Unit text features `[N, C, E]`, zero where absent.
    text: Tensor<3>,
    /// Where a face has fewer than C captions, `[N, C]`.
    absent: Tensor<2, Bool>,
    /// Unit mean text feature `[N, E]`.
    text_mean: Tensor<2>,
    /// Unit image features of the portraits `[P, 1, E]`.
    image: Tensor<3>,
    /// Latent of the face, drawn anew in what its captions say, `[N, D]`.
    w_c: Tensor<2>,
    /// That latent with as little changed as can be for the words to hold `[N, L, D]`.
    w: Tensor<3>,
    /// Latents of the portraits as they are `[P, L, D]`.
    w_portrait: Tensor<3>,
}

impl Batch {
    /// The same on the training device.
    fn autodiff(self) -> Self {
        Self {
            text: self.text.autodiff(),
            absent: self.absent.autodiff(),
            text_mean: self.text_mean.autodiff(),
            image: self.image.autodiff(),
            w_c: self.w_c.autodiff(),
            w: self.w.autodiff(),
            w_portrait: self.w_portrait.autodiff(),
            ..self
        }
    }

    /// The rows of `x` that belong to portraits.
    fn portraits_of<const D: usize>(&self, x: &Tensor<D>) -> Tensor<D> {
        x.clone().narrow(0, 0, self.portraits.len())
    }
}

impl Streams {
    /// Text stream of all faces, reconstruction stream of the portraits.
    fn forward(&self, batch: &Batch) -> (Mapped, Mapped) {
        let (text, w_c) = (batch.text.clone(), batch.w_c.clone());
        (
            self.text
                .forward(text, Some(batch.absent.clone()), Some(w_c)),
            self.image.forward(batch.image.clone(), None, None),
        )
    }
}

/// Portraits that an evaluation draws.
const EVALUATION_FACES: usize = 64;
/// Portraits of a sample picture, one a column.
const SAMPLE_FACES: usize = 8;
/// Portraits that the image tower reads at once before training.
const READ_BATCH: usize = 64;

/// Trains [`Streams`].
struct MapperStage {
    config: MapperConfig,
    cache: PortraitCache,
    /// The portraits, in the order of the cache.
    portraits: DescribedFaces,
    /// Faces of roles, and faces of which nothing is said.
    others: DescribedFaces,
    /// Unit image features of all portraits, `[P, E]`.
    image_features: Tensor<2>,
    /// Without gradients, for features and evaluation.
    frozen: Frozen,
    /// On the training device, for gradients through the picture.
    differentiable: Frozen,
    device: Device,
}

impl MapperStage {
    /// Loads the frozen networks and reads every caption and portrait with them.
    fn new(config: MapperConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let cache = PortraitCache::open(&config.data.cache)?;
        let frozen = Frozen::load(&bundle, device)?;
        let text_config: TextTowerConfig = bundle.section("text_tower")?;
        let text_tower: TextTower = bundle.network("text_tower", text_config.init(device))?;
        let tokenizer = bundle.tokenizer()?;
        let wordnet = WordNet::open(&config.data.wordnet)?;
        let (portraits, others) = described(&config, &cache, idle_texts(&wordnet));
        let read = |faces| {
            DescribedFaces::read(faces, &text_tower, &tokenizer, text_config.context, device)
        };
        let image_features = (0..cache.len())
            .collect::<Vec<_>>()
            .par_chunks(READ_BATCH)
            .map(|batch| normalize(frozen.image_tower.forward(cache.images(batch, device))))
            .collect();
        Ok(Self {
            portraits: read(portraits),
            others: read(others),
            image_features: Tensor::cat(image_features, 0),
            differentiable: Frozen::load(&bundle, &device.clone().autodiff())?,
            device: device.clone(),
            frozen,
            cache,
            config,
        })
    }

    /// Draws a batch of portraits, for training or held out, and of other faces.
    fn batch(
        &self,
        portraits: usize,
        others: usize,
        held_out: bool,
        rng: &mut ChaCha8Rng,
    ) -> Batch {
        let training = self.cache.len() - self.config.data.held_out;
        let range = match held_out {
            false => 0..training,
            true => training..self.cache.len(),
        };
        let portraits: Vec<usize> = (0..portraits)
            .map(|_| rng.random_range(range.clone()))
            .collect();
        let others: Vec<usize> = (0..others)
            .map(|_| rng.random_range(0..self.others.len()))
            .collect();
        let texts = [
            self.portraits.batch(&portraits, rng),
            self.others.batch(&others, rng),
        ];
        let z: Vec<_> = (portraits.iter().map(|&face| *self.portraits.z(face))).collect();
        let text = concatenate(texts);
        let mapping = &self.frozen.generator.mapping;
        let map = |z: &[[f32; LATENT_DIM]]| mapping.forward(codes(z, &self.device));
        let rows: Vec<i64> = portraits.iter().map(|&face| face as i64).collect();
        let rows = Tensor::<1, Int>::from_data(rows.as_slice(), &self.device);
        Batch {
            image: self.image_features.clone().select(0, rows).unsqueeze_dim(1),
            w_portrait: broadcast(map(&z), self.config.text_stream.num_ws),
            w: broadcast(map(&text.adjusted), self.config.text_stream.num_ws),
            w_c: map(&text.redrawn),
            text: text.features,
            absent: text.absent,
            text_mean: text.mean,
            portraits,
        }
    }

    /// Diverse triplet loss of the portraits, with other portraits' latents for negatives.
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
            target: batch.portraits_of(&batch.w),
            matched: w_t,
            unmatched: unmatched.reshape([size, learning.negatives, layers, dim]),
            mean: mean.unsqueeze::<2>().repeat_dim(0, layers),
        };
        diverse_triplet(latents, learning.margin)
    }

    /// What the generator makes of latents `[N, L, D]`, without gradients.
    fn picture(&self, w_plus: Tensor<3>) -> Tensor<4> {
        let synthesis = &self.frozen.generator.synthesis;
        synthesis.forward(w_plus, Noise::None)
    }

    /// L_CLIP and L_rec of the first portraits. L_rec holds for both streams: the latent that the
    /// text stream reads, with the words, says everything about the picture of its target.
    fn picture_losses(&self, text: &Mapped, image: &Mapped, batch: &Batch) -> [Tensor<1>; 2] {
        let count = self.config.learning.image_batch;
        let first = |w: &Tensor<3>| w.clone().narrow(0, 0, count);
        let frozen = &self.differentiable;
        let portraits = self
            .cache
            .images(&batch.portraits[..count], &text.w_plus.device());
        let target = self.picture(first(&batch.w).inner()).autodiff();
        let w_c = batch.w_c.clone().narrow(0, 0, count);
        let drawn = frozen.draw(w_c, first(&text.w_plus), self.config.injection_layer);
        let rebuilt = frozen
            .generator
            .synthesis
            .forward(first(&image.w_plus), Noise::None);
        let feature = frozen.image_tower.forward(drawn.clone());
        let clip = clip_loss(feature, batch.text_mean.clone().narrow(0, 0, count));
        [clip, l1(drawn, target) + l1(rebuilt, portraits)]
    }
}

/// The portraits with their captions; faces of roles, and faces with idle texts.
fn described(
    config: &MapperConfig,
    cache: &PortraitCache,
    idle_texts: Vec<String>,
) -> (Vec<DescribedFace>, Vec<DescribedFace>) {
    let grammar = Grammar::new(Split::Train);
    let (seed, data) = (config.run.seed, &config.data);
    let portraits = (0..cache.len()).into_par_iter();
    let portraits = portraits
        .map(|i| DescribedFace::new(*cache.latent(i), data.captions, &grammar, seed, i))
        .collect();
    let roles = latents_of_roles(Split::Train, data.faces_per_role, seed);
    let roles = roles.into_par_iter().enumerate();
    let mut others: Vec<_> = roles
        .map(|(i, z)| DescribedFace::new(z, data.captions, &grammar, seed, cache.len() + i))
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let chosen = index::sample(
        &mut rng,
        idle_texts.len(),
        data.idle_texts.min(idle_texts.len()),
    );
    others.extend(
        chosen
            .into_iter()
            .map(|i| DescribedFace::idle(sample(&mut rng), idle_texts[i].clone())),
    );
    (portraits, others)
}

/// Two batches of text as one, with as many captions as the larger.
fn concatenate([a, b]: [TextBatch; 2]) -> TextBatch {
    let most = a.absent.dims()[1].max(b.absent.dims()[1]);
    let widen = |batch: &TextBatch| {
        let [size, captions, width] = batch.features.dims();
        let device = batch.features.device();
        let more = [size, most - captions];
        if more[1] == 0 {
            return (batch.features.clone(), batch.absent.clone());
        }
        let features = Tensor::zeros([size, more[1], width], &device);
        (
            Tensor::cat(vec![batch.features.clone(), features], 1),
            Tensor::cat(
                vec![batch.absent.clone(), Tensor::full(more, true, &device)],
                1,
            ),
        )
    };
    let ((features_a, absent_a), (features_b, absent_b)) = (widen(&a), widen(&b));
    TextBatch {
        features: Tensor::cat(vec![features_a, features_b], 0),
        absent: Tensor::cat(vec![absent_a, absent_b], 0),
        mean: Tensor::cat(vec![a.mean, b.mean], 0),
        redrawn: [a.redrawn, b.redrawn].concat(),
        adjusted: [a.adjusted, b.adjusted].concat(),
    }
}

impl Stage for MapperStage {
    type Model = Streams;

    fn init(&self, device: &Device) -> Streams {
        Streams {
            text: self.config.text_stream.init(device),
            image: self.config.image_stream.init(device),
        }
    }

    fn step(&mut self, streams: &Streams, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let (learning, weight) = (&self.config.learning, self.config.weight);
        let batch = self
            .batch(learning.portraits, learning.others, false, rng)
            .autodiff();
        let (text, image) = streams.forward(&batch);

        let cmd = cross_modal_distillation(batch.portraits_of(&text.phi), image.phi.clone());
        let latent = latent_mse(batch.w_portrait.clone(), image.w_plus.clone());
        let cycle = l1(text.w_plus.clone(), batch.w.clone());
        let triplet = self.triplet(batch.portraits_of(&text.w_plus), &batch, rng);
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
            let [clip, reconstruction] = self.picture_losses(&text, &image, &batch);
            // Scaled up for the steps that go without.
            let every = f64::from(learning.image_every);
            total = total
                + clip.clone() * (weight.clip * every)
                + reconstruction.clone() * (weight.reconstruction * every);
            parts.extend([("clip", clip), ("reconstruction", reconstruction)]);
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        let faces = learning.portraits + learning.others;
        Ok(StepOutput::backward(streams, &total, &parts, faces))
    }

    fn evaluate(&mut self, average: &Streams) -> Result<Evaluation> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(EVALUATION_FACES, 1, true, &mut rng);
        let (text, image) = average.forward(&batch);
        let w_t = batch.portraits_of(&text.w_plus);
        let w_c = batch.portraits_of(&batch.w_c);
        let w = batch.portraits_of(&batch.w);
        let drawn = self
            .frozen
            .draw(w_c, w_t.clone(), self.config.injection_layer);
        let truth = self.picture(w.clone());
        let scalar = |x: Tensor<1>| x.into_scalar::<f64>();
        let feature = self.frozen.image_tower.forward(drawn.clone());
        let score = clip_score(feature, batch.portraits_of(&batch.text_mean));
        let distance = scalar(l1(drawn, truth));
        let metrics = [
            ("text_latent", scalar(l1(w_t, w))),
            ("image_latent", scalar(l1(image.w_plus, batch.w_portrait))),
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

    /// Rows: the render; the latent that the text stream reads, what it should become, what it does become; the
    /// reconstruction stream on the render.
    fn sample(&mut self, average: &Streams, path: &Path) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(SAMPLE_FACES, 1, true, &mut rng);
        let (text, image) = average.forward(&batch);
        let w_t = batch.portraits_of(&text.w_plus);
        let w_c = batch.portraits_of(&batch.w_c);
        let rows = [
            self.cache.images(&batch.portraits, &self.device),
            self.picture(broadcast(w_c.clone(), self.config.text_stream.num_ws)),
            self.picture(batch.portraits_of(&batch.w)),
            self.frozen.draw(w_c, w_t, self.config.injection_layer),
            self.picture(image.w_plus),
        ];
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLE_FACES), path)?)
    }
}

/// `anyface train mapper`: trains both streams and puts them into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]; the bundle's other networks, the cache or WordNet cannot be read; the bundle
/// cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: MapperConfig = load_config(config)?;
    let mut stage = MapperStage::new(config.clone(), device)?;
    let streams = train(&mut stage, &config.run, device, resume)?;
    let folder = &config.bundle;
    Bundle::put(folder, "text_stream", &config.text_stream, &streams.text)?;
    Bundle::put(folder, "image_stream", &config.image_stream, &streams.image)?;
    Bundle::put_section(folder, "injection_layer", &config.injection_layer)?;
    Ok(())
}
