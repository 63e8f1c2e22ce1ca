//! Options of every command that runs a network.

use std::path::PathBuf;
use std::str::FromStr;

use anyface::attributes::AttributeReader;
use anyface::bundle::Bundle;
use anyface::image::Mark;
#[cfg(feature = "train")]
use anyface::probe::Probe;
use anyface::provenance::Signer;
use anyface::recipe::{bundle_folder, find_bundle};
use anyface::stylegan2::Precision;
use anyface::{Device, Engine, Error};

use super::credentials::CredentialsArgs;

/// Which networks to run, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Bundle to use: a folder, or the name of one under models/, such as photographs (learned from CelebA: for non-commercial
    /// research only), or of one that `anyface pull` put together, such as ffhq. The built-in one,
    /// portraits, when left out
    #[arg(long, value_name = "BUNDLE")]
    model: Option<PathBuf>,
    /// What pictures are drawn in; bf16 is faster where the processor has it, and less exact
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    #[command(flatten)]
    device: DeviceArgs,
}

/// What pictures are drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dtype {
    F32,
    Bf16,
}

impl From<Dtype> for Precision {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::Bf16 => Self::Bf16,
        }
    }
}

/// What the images say of themselves.
#[derive(Debug, clap::Args)]
pub(crate) struct MarkArgs {
    /// Leave the words and the seed out of the images; that they are AI-generated stays in
    #[arg(long)]
    no_prompt: bool,
    #[command(flatten)]
    credentials: CredentialsArgs,
}

/// Where to run, and on how many threads.
#[derive(Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Where to run the networks: cpu, gpu or gpu:N.
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Threads to use. All cores when left out.
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl NetworkArgs {
    /// The networks of the bundle that make faces.
    pub(crate) fn engine(&self) -> anyhow::Result<Engine> {
        self.device.limit_threads();
        let engine = Engine::load(&self.bundle()?, &self.device.device())?;
        match self.dtype {
            Dtype::F32 => Ok(engine),
            Dtype::Bf16 => Ok(engine.with_precision(self.dtype.into())?),
        }
    }

    /// The bundle's attribute probe.
    #[cfg(feature = "train")]
    pub(crate) fn probe(&self) -> Result<Probe, Error> {
        self.probe_if_any()?.ok_or_else(no_probe)
    }

    /// The bundle's attribute probe, if it has one.
    #[cfg(feature = "train")]
    pub(crate) fn probe_if_any(&self) -> Result<Option<Probe>, Error> {
        let bundle = self.bundle()?;
        let config = bundle.config()?;
        let Some(probe) = config.probe else {
            return Ok(None);
        };
        let probe = bundle.network("probe", probe.init(&self.device.device()))?;
        Ok(Some(probe))
    }

    /// What reads attributes from faces, by the bundle's probe, and R, the side of its faces.
    pub(crate) fn attribute_reader(&self) -> Result<(AttributeReader, u32), Error> {
        self.device.limit_threads();
        let bundle = self.bundle()?;
        let side = bundle.config()?.generator.resolution() as u32;
        let reader = AttributeReader::load(&bundle, &self.device.device())?;
        Ok((reader.ok_or_else(no_probe)?, side))
    }

    /// Where to run the networks.
    pub(crate) fn device(&self) -> Device {
        self.device.device()
    }

    /// The folder of the bundle; none where it is the built-in one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.model.as_deref().and_then(bundle_folder)
    }

    fn bundle(&self) -> Result<Bundle, Error> {
        self.model
            .as_deref()
            .map_or(Ok(Bundle::builtin()), find_bundle)
    }
}

fn no_probe() -> Error {
    Error::Bundle {
        file: "config.json".to_owned(),
        reason: "probe: this bundle has none, so nothing reads attributes from its faces"
            .to_owned(),
    }
}

impl MarkArgs {
    /// Who signs the images.
    pub(crate) fn signer(&self) -> Result<Signer, Error> {
        self.credentials.signer()
    }

    /// The mark of an image of this engine, made from such words and such a seed.
    pub(crate) fn mark(&self, engine: &Engine, prompt: &str, seed: Option<u64>) -> Mark {
        let told = !self.no_prompt;
        Mark {
            prompt: (told && !prompt.is_empty()).then(|| prompt.to_owned()),
            seed: seed.filter(|_| told),
            ..Mark::new(engine.config().domain.name())
        }
    }
}

impl DeviceArgs {
    /// The device that was asked for.
    pub(crate) fn device(&self) -> Device {
        match self.device {
            DeviceName::Cpu => Device::flex(),
            #[cfg(feature = "gpu")]
            DeviceName::Gpu(index) => Device::wgpu(burn::tensor::DeviceKind::DiscreteGpu(index)),
        }
    }

    /// Sets the number of threads of every parallel loop; without effect once one has run.
    pub(crate) fn limit_threads(&self) {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global().ok();
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum DeviceName {
    Cpu,
    #[cfg(feature = "gpu")]
    Gpu(usize),
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let index = match name {
            "cpu" => return Ok(Self::Cpu),
            "gpu" => Some(0),
            other => other
                .strip_prefix("gpu:")
                .and_then(|n| n.parse::<usize>().ok()),
        };
        match index {
            None => Err("expected cpu, gpu or gpu:N".to_owned()),
            #[cfg(feature = "gpu")]
            Some(index) => Ok(Self::Gpu(index)),
            #[cfg(not(feature = "gpu"))]
            Some(_) => {
                Err("this build has no GPU support: build it with --features gpu".to_owned())
            }
        }
    }
}
