//! `anyface bench`: the speed of networks on this machine.

use std::io::Write;
use std::time::Instant;

use anyface::efficientnet::EfficientNetLite0Config;
use anyface::stylegan2::{GeneratorConfig, Noise, Synthesis, broadcast};
use anyhow::Result;
use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use clap::ValueEnum;
use serde::Serialize;

use super::network::Dtype;

/// Measure the speed of a network with random weights on this CPU
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure
    what: What,
    /// Side of the images, a power of two from 32 to 1024. Default: 1024 for synthesis, 128 for
    /// features
    #[arg(long, value_name = "R", value_parser = resolution)]
    resolution: Option<usize>,
    /// Number format of the convolutions
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// Number of threads. Default: all cores
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Number of timed runs, after one warm-up run
    #[arg(
        long,
        value_name = "K",
        default_value_t = 7,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    runs: u32,
    /// Include the backward pass: the gradient with respect to the latent (synthesis) or the images
    /// (features)
    #[arg(long)]
    backward: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Synthesis network of StyleGAN2's config F, batch 1, constant noise
    Synthesis,
    /// Features of EfficientNet-Lite0 for a perceptual loss, batch 16
    Features,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    what: &'static str,
    resolution: usize,
    dtype: String,
    threads: usize,
    median_ms: f64,
    /// Peak memory of the process in MB; null if the system does not report it.
    peak_mb: Option<f64>,
}

/// Width of `w` in config F.
const W_DIM: usize = 512;

/// Batch size of the features, as in a training step.
const BATCH: usize = 16;

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global()?;
        }
        if self.dtype == Dtype::Bf16 {
            match self.what {
                What::Synthesis if self.backward => {
                    anyhow::bail!("--backward: gradients are computed in f32 only")
                }
                What::Synthesis => {}
                What::Features => anyhow::bail!("--dtype bf16: features are computed in f32 only"),
            }
        }
        let mut times = match (self.what, self.backward) {
            (What::Synthesis, false) => self.synthesis_times()?,
            (What::Synthesis, true) => self.synthesis_gradient_times(),
            (What::Features, false) => self.features_times(),
            (What::Features, true) => self.features_gradient_times(),
        };
        times.sort_by(f64::total_cmp);
        let dtype = self.dtype.to_possible_value();
        let report = Report {
            what: match (self.what, self.backward) {
                (What::Synthesis, false) => "synthesis",
                (What::Synthesis, true) => "synthesis forward+backward",
                (What::Features, false) => "features",
                (What::Features, true) => "features forward+backward",
            },
            resolution: self.resolution(),
            dtype: dtype.map_or(String::new(), |dtype| dtype.get_name().to_owned()),
            threads: rayon::current_num_threads(),
            median_ms: (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0,
            peak_mb: peak_mb(),
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
        } else {
            let peak = report
                .peak_mb
                .map_or("?".to_owned(), |mb| format!("{mb:.0}"));
            writeln!(
                out,
                "{} at {}² in {} on {} threads: median {:.1} ms, minimum {:.1} ms, peak memory \
                 {peak} MB",
                report.what,
                report.resolution,
                report.dtype,
                report.threads,
                report.median_ms,
                times[0],
            )?;
        }
        Ok(())
    }

    fn resolution(&self) -> usize {
        let usual = match self.what {
            What::Synthesis => 1024,
            What::Features => 128,
        };
        self.resolution.unwrap_or(usual)
    }

    fn synthesis_times(&self) -> Result<Vec<f64>> {
        let device = Device::flex();
        let synthesis = config_f(self.resolution(), &device);
        let layers = synthesis.num_ws();
        let synthesis = synthesis.prepare(self.dtype.into())?;
        let w_plus = broadcast(latent(&device), layers);
        Ok(self.time(|| drop(synthesis.forward(w_plus.clone(), Noise::Const))))
    }

    /// Forward and backward: the gradient of the image's mean square with respect to `w`.
    fn synthesis_gradient_times(&self) -> Vec<f64> {
        let device = Device::flex().autodiff();
        let synthesis = config_f(self.resolution(), &device).no_grad();
        let layers = synthesis.num_ws();
        let w = latent(&device).require_grad();
        self.time(|| {
            let image = synthesis.forward(broadcast(w.clone(), layers), Noise::Const);
            let gradients = image.square().mean().backward();
            drop(w.grad(&gradients));
        })
    }

    fn features_times(&self) -> Vec<f64> {
        let device = Device::flex();
        let network = EfficientNetLite0Config::new().init(&device);
        let images = self.images(&device);
        self.time(|| drop(network.taps(images.clone())))
    }

    /// Forward and backward: the gradient of the taps' mean squares with respect to the images.
    fn features_gradient_times(&self) -> Vec<f64> {
        let device = Device::flex().autodiff();
        let network = EfficientNetLite0Config::new().init(&device);
        let images = self.images(&device).require_grad();
        self.time(|| {
            let [first, others @ ..] = network.taps(images.clone());
            let loss = others.into_iter().fold(first.square().mean(), |loss, tap| {
                loss + tap.square().mean()
            });
            drop(images.grad(&loss.backward()));
        })
    }

    fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [BATCH, 3, self.resolution(), self.resolution()];
        Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
    }

    /// Milliseconds of each timed run.
    fn time(&self, mut run: impl FnMut()) -> Vec<f64> {
        run();
        (0..self.runs)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect()
    }
}

/// StyleGAN2's config F (Karras et al. 2020): 32768 / side channels, at most 512.
fn config_f(resolution: usize, device: &Device) -> Synthesis {
    let sides = std::iter::successors(Some(4), |side| Some(side * 2));
    let channels = sides
        .take_while(|side| *side <= resolution)
        .map(|side| (32768 / side).min(512));
    GeneratorConfig::new(W_DIM, W_DIM, channels.collect())
        .init(device)
        .synthesis
}

fn latent(device: &Device) -> Tensor<2> {
    Tensor::random([1, W_DIM], Distribution::Normal(0.0, 1.0), device)
}

fn resolution(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(side @ (32 | 64 | 128 | 256 | 512 | 1024)) => Ok(side),
        _ => Err("expected a power of two from 32 to 1024".to_owned()),
    }
}

/// Peak resident memory of the process in MB, on Linux.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
