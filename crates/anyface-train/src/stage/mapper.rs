//! The mapper: both streams at once, on captions of rendered portraits and the latents of a trained generator.

use std::path::{Path, PathBuf};

use anyface::clip::{
    ImageTower, ImageTowerConfig, TextTower, TextTowerConfig, Tokenizer, clip_score, normalize,
};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::mapper::{Mapped, Stream, StreamConfig};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use anyface::weights::Bundle;
use anyface_portraits::caption::{Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, latent_dims};
use anyface_portraits::{Attribute, Face};
use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::seq::{IndexedRandom, index};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;

use crate::data::corpus::idle_texts;
use crate::data::portraits::PortraitCache;
use crate::data::wordnet::WordNet;
use crate::error::Result;
use crate::loss::{
    DiverseTriplet, clip_loss, cross_modal_distillation, diverse_triplet, l1, latent_mse,
};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};

/// `configs/*/mapper.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapperConfig {
    /// The loop.
    pub run: RunConfig,
    /// Bundle that holds the towers and the generator, and is given the two streams.
    pub bundle: PathBuf,
    /// Cache of rendered portraits.
    pub cache: PathBuf,
    /// Portraits at the end of the cache that are kept for evaluation.
    pub held_out: usize,
    /// Faces a step.
    pub batch: usize,
    /// The most captions of one face.
    pub captions: usize,
    /// Part of the batch whose captions say nothing of a face, so that such words change nothing.
    pub idle_text: f64,
    /// Folder of WordNet, whose definitions of plants and places are such captions.
    pub wordnet: PathBuf,
    /// How often a dim that a said attribute depends on, but is not its own, is drawn anew in the
    /// latent that the text stream reads.
    pub redraw_parents: f64,
    /// Steps between two that draw pictures, for the losses on them.
    pub image_every: u32,
    /// Faces drawn in such a step, each by both streams.
    pub image_batch: usize,
    /// Unmatched captions a face for the diverse triplet loss.
    pub negatives: usize,
    /// Margin m of the diverse triplet loss.
    pub margin: f64,
    /// Noise injection replaces the latent layers below this one.
    pub injection_layer: usize,
    /// Weights of the losses.
    pub weight: Weights,
    /// Text stream.
    pub text_stream: StreamConfig,
    /// Reconstruction stream.
    pub image_stream: StreamConfig,
}

/// Weight of each loss (METHOD: the paper's, section 3.3).
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

impl Streams {
    /// Text stream, then reconstruction stream.
    fn forward(&self, batch: &Batch) -> (Mapped, Mapped) {
        let text = batch.text.clone();
        let w_c = Some(batch.w_c.clone());
        (
            self.text.forward(text, Some(batch.absent.clone()), w_c),
            self.image.forward(batch.image.clone(), None, None),
        )
    }
}

/// The frozen networks, on one device.
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

/// What one step learns from: N faces with up to C captions each.
struct Batch {
    /// Places in the cache.
    faces: Vec<usize>,
    /// Unit text features `[N, C, E]`, zero where absent.
    text: Tensor<3>,
    /// Where a face has fewer than C captions, `[N, C]`.
    absent: Tensor<2, Bool>,
    /// Mean unit text feature `[N, E]`.
    text_mean: Tensor<2>,
    /// Unit image feature `[N, 1, E]`.
    image: Tensor<3>,
    /// Latent of the face but for what its captions say, `[N, D]`.
    w_c: Tensor<2>,
    /// Latent of the face `[N, L, D]`.
    w: Tensor<3>,
    /// Faces from the first whose captions speak of them; those of the rest say nothing.
    described: usize,
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
            ..self
        }
    }
}

/// Faces that an evaluation draws.
const EVALUATION_FACES: usize = 64;
/// Faces of a sample picture, one a column.
const SAMPLE_FACES: usize = 8;

/// Trains [`Streams`].
struct MapperStage {
    config: MapperConfig,
    cache: PortraitCache,
    grammar: Grammar,
    idle_texts: Vec<String>,
    tokenizer: Tokenizer,
    text_tower: TextTower,
    context: usize,
    /// Without gradients, for features and evaluation.
    frozen: Frozen,
    /// On the training device, for gradients through the picture.
    differentiable: Frozen,
    device: Device,
}

impl MapperStage {
    fn new(config: MapperConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let text_tower: TextTowerConfig = bundle.section("text_tower")?;
        let idle_texts = idle_texts(&WordNet::open(&config.wordnet)?);
        Ok(Self {
            cache: PortraitCache::open(&config.cache)?,
            grammar: Grammar::new(Split::Train),
            idle_texts,
            tokenizer: bundle.tokenizer()?,
            context: text_tower.context,
            text_tower: bundle.network("text_tower", text_tower.init(device))?,
            frozen: Frozen::load(&bundle, device)?,
            differentiable: Frozen::load(&bundle, &device.clone().autodiff())?,
            device: device.clone(),
            config,
        })
    }

    /// Draws a batch from the part of the cache that is for training, or from the held-out one.
    fn batch(&self, size: usize, held_out: bool, rng: &mut ChaCha8Rng) -> Batch {
        let training = self.cache.len() - self.config.held_out;
        let range = match held_out {
            false => 0..training,
            true => training..self.cache.len(),
        };
        let faces: Vec<usize> = (0..size).map(|_| rng.random_range(range.clone())).collect();
        let described = size - (size as f64 * self.config.idle_text) as usize;
        let mut texts = Vec::new();
        let mut counts = Vec::with_capacity(size);
        let mut redrawn = Vec::with_capacity(size * LATENT_DIM);
        for (i, &face) in faces.iter().enumerate() {
            let mut z = self.cache.latent(face).to_vec();
            let count = rng.random_range(1..=self.config.captions);
            if i < described {
                let attributes = Face::from_latent(&z).attributes();
                for _ in 0..count {
                    let caption = self.grammar.caption(&attributes, rng);
                    self.redraw(&mut z, &caption.said, rng);
                    texts.push(caption.text);
                }
                counts.push(count);
            } else {
                texts.extend(self.idle_texts.choose(rng).cloned());
                counts.push(1);
            }
            redrawn.extend(z);
        }
        let (text, absent, text_mean) = self.text_features(&texts, &counts);
        let images = self.cache.images(&faces, &self.device);
        let image = normalize(self.frozen.image_tower.forward(images));
        let mapping = &self.frozen.generator.mapping;
        let redrawn = TensorData::new(redrawn, [size, LATENT_DIM]);
        let w = mapping.forward(self.cache.latents(&faces, &self.device));
        Batch {
            text,
            absent,
            text_mean,
            image: image.unsqueeze_dim(1),
            w_c: mapping.forward(Tensor::from_data(redrawn, &self.device)),
            w: broadcast(w, self.config.text_stream.num_ws),
            faces,
            described,
        }
    }

    /// Draws anew what is said, so that the text stream must take it from the words. Parents (the
    /// gender of one with a beard) are drawn anew only sometimes: mostly the latent may be trusted.
    fn redraw(&self, z: &mut [f32], said: &[(Attribute, bool)], rng: &mut ChaCha8Rng) {
        for &(attribute, _) in said {
            for (i, &dim) in latent_dims(attribute).iter().enumerate() {
                if i == 0 || rng.random_bool(self.config.redraw_parents) {
                    z[dim] = StandardNormal.sample(rng);
                }
            }
        }
    }

    /// Unit features of each face's captions, padded to the most captions of any.
    fn text_features(
        &self,
        texts: &[String],
        counts: &[usize],
    ) -> (Tensor<3>, Tensor<2, Bool>, Tensor<2>) {
        let tokens = self.tokenizer.batch(texts, self.context, &self.device);
        let features = normalize(self.text_tower.forward(tokens));
        let width = features.dims()[1];
        let most = counts.iter().copied().max().unwrap_or(1);
        let rows = Tensor::cat(vec![features, Tensor::zeros([1, width], &self.device)], 0);
        let nothing = texts.len() as i64;
        let mut places = Vec::with_capacity(counts.len() * most);
        let mut start = 0;
        for &count in counts {
            places.extend((0..most).map(|c| {
                if c < count {
                    (start + c) as i64
                } else {
                    nothing
                }
            }));
            start += count;
        }
        let absent: Vec<bool> = places.iter().map(|&place| place == nothing).collect();
        let shape = [counts.len(), most];
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.device);
        let text = rows.select(0, places).reshape([counts.len(), most, width]);
        let mean = normalize(text.clone().sum_dim(1).squeeze_dim(1));
        (
            text,
            Tensor::from_data(TensorData::new(absent, shape), &self.device),
            mean,
        )
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
        let weight = self.config.weight;
        let batch = self.batch(self.config.batch, false, rng).autodiff();
        let (text, image) = streams.forward(&batch);
        let described = |x: Tensor<2>| x.narrow(0, 0, batch.described);

        let cmd =
            cross_modal_distillation(described(text.phi.clone()), described(image.phi.clone()));
        let latent = latent_mse(batch.w.clone(), image.w_plus.clone());
        let cycle = l1(text.w_plus.clone(), batch.w.clone());
        let triplet = self.triplet(&text, &batch, rng);
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
        if rng.random_ratio(1, self.config.image_every) {
            let (clip, reconstruction) = self.picture_losses(&text, &image, &batch);
            // Scaled up for the steps that go without.
            let every = f64::from(self.config.image_every);
            total = total
                + clip.clone() * (weight.clip * every)
                + reconstruction.clone() * (weight.reconstruction * every);
            parts.extend([("clip", clip), ("reconstruction", reconstruction)]);
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(
            streams,
            &total,
            &parts,
            self.config.batch,
        ))
    }

    fn evaluate(&mut self, average: &Streams) -> Result<Evaluation> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(EVALUATION_FACES, true, &mut rng);
        let (text, image) = average.forward(&batch);
        let drawn = self.frozen.draw(
            batch.w_c.clone(),
            text.w_plus.clone(),
            self.config.injection_layer,
        );
        let truth = self.cache.images(&batch.faces, &self.device);
        let scalar = |x: Tensor<1>| x.into_scalar::<f64>();
        let feature = self.frozen.image_tower.forward(drawn.clone());
        let clip_score = scalar(clip_score(feature, batch.text_mean.clone()).mean());
        let distance = scalar(l1(drawn, truth));
        Ok(Evaluation {
            score: -distance,
            metrics: vec![
                (
                    "text_latent".to_owned(),
                    scalar(l1(text.w_plus, batch.w.clone())),
                ),
                ("image_latent".to_owned(), scalar(l1(image.w_plus, batch.w))),
                ("text_picture".to_owned(), distance),
                ("clip_score".to_owned(), clip_score),
            ],
        })
    }

    /// Rows: the render, the generator on its latent, the text stream, the reconstruction stream.
    fn sample(&mut self, average: &Streams, path: &Path) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let batch = self.batch(SAMPLE_FACES, true, &mut rng);
        let (text, image) = average.forward(&batch);
        let synthesis = &self.frozen.generator.synthesis;
        let rows = [
            self.cache.images(&batch.faces, &self.device),
            synthesis.forward(batch.w.clone(), Noise::None),
            self.frozen
                .draw(batch.w_c.clone(), text.w_plus, self.config.injection_layer),
            synthesis.forward(image.w_plus, Noise::None),
        ];
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLE_FACES), path)?)
    }
}

impl MapperStage {
    /// Diverse triplet loss, with the other faces' latents for negatives.
    fn triplet(&self, text: &Mapped, batch: &Batch, rng: &mut ChaCha8Rng) -> Tensor<1> {
        let size = batch.faces.len();
        let others: Vec<i64> = (0..size)
            .flat_map(|i| {
                let picks = index::sample(rng, size - 1, self.config.negatives);
                picks.into_iter().map(move |j| ((i + 1 + j) % size) as i64)
            })
            .collect();
        let others = Tensor::<1, Int>::from_data(others.as_slice(), &batch.w.device());
        let [_, layers, dim] = text.w_plus.dims();
        let negatives = text.w_plus.clone().select(0, others).reshape([
            size,
            self.config.negatives,
            layers,
            dim,
        ]);
        let mean = self.differentiable.generator.mapping.w_avg.val();
        let latents = DiverseTriplet {
            target: batch.w.clone(),
            matched: text.w_plus.clone(),
            unmatched: negatives,
            mean: mean.unsqueeze::<2>().repeat_dim(0, layers),
        };
        diverse_triplet(latents, self.config.margin)
    }

    /// L_CLIP and L_rec of the first faces of the batch. L_rec holds for both streams: the latent
    /// that the text stream reads, with the words, says everything about the picture.
    fn picture_losses(
        &self,
        text: &Mapped,
        image: &Mapped,
        batch: &Batch,
    ) -> (Tensor<1>, Tensor<1>) {
        let count = self.config.image_batch;
        let first = |w: &Tensor<3>| w.clone().narrow(0, 0, count);
        let device = text.w_plus.device();
        let truth = self.cache.images(&batch.faces[..count], &device);
        let frozen = &self.differentiable;
        let w_c = batch.w_c.clone().narrow(0, 0, count);
        let drawn = frozen.draw(w_c, first(&text.w_plus), self.config.injection_layer);
        let rebuilt = frozen
            .generator
            .synthesis
            .forward(first(&image.w_plus), Noise::None);
        let feature = frozen.image_tower.forward(drawn.clone());
        let clip = clip_loss(feature, batch.text_mean.clone().narrow(0, 0, count));
        let reconstruction = l1(drawn, truth.clone()) + l1(rebuilt, truth);
        (clip, reconstruction)
    }
}

/// Trains the streams and puts them into the bundle.
///
/// # Errors
/// As [`train`]; the config, the bundle's other networks or the cache cannot be read; the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: MapperConfig = load_config(config)?;
    let mut stage = MapperStage::new(config.clone(), device)?;
    let streams = train(&mut stage, &config.run, device, resume)?;
    Bundle::put(
        &config.bundle,
        "text_stream",
        &config.text_stream,
        &streams.text,
    )?;
    Bundle::put(
        &config.bundle,
        "image_stream",
        &config.image_stream,
        &streams.image,
    )?;
    Bundle::put_section(&config.bundle, "injection_layer", &config.injection_layer)?;
    Ok(())
}
