//! Options of the commands that run networks.

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

/// Bundle, precision and device.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Bundle to use: a folder, the name of a bundle under models/, such as photographs (trained on
    /// CelebA: for non-commercial research only), or the name of a bundle that `anyface pull`
    /// assembled, such as ffhq. Default: the built-in bundle, portraits
    #[arg(long, value_name = "BUNDLE")]
    model: Option<PathBuf>,
    /// Number format of the generator; bf16 is less exact, and faster on processors that support it
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Number format of the generator.
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

/// The mark and the signature of the images.
#[derive(Debug, clap::Args)]
pub(crate) struct MarkArgs {
    /// Leave the prompt and the seed out of the images; the mark as AI-generated stays
    #[arg(long)]
    no_prompt: bool,
    #[command(flatten)]
    credentials: CredentialsArgs,
}

/// Device and number of threads.
#[derive(Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Device that runs the networks: cpu, gpu or gpu:N
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Number of threads. Default: all cores
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl NetworkArgs {
    /// Loads the engine of the bundle.
    pub(crate) fn engine(&self) -> anyhow::Result<Engine> {
        self.device.limit_threads();
        let engine = Engine::load(&self.bundle()?, &self.device.device())?;
        match self.dtype {
            Dtype::F32 => Ok(engine),
            Dtype::Bf16 => Ok(engine.with_precision(self.dtype.into())?),
        }
    }

    /// The bundle's attribute probe. An error if the bundle has none.
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

    /// The reader of the bundle's attribute probe, and the resolution of the bundle.
    pub(crate) fn attribute_reader(&self) -> Result<(AttributeReader, u32), Error> {
        self.device.limit_threads();
        let bundle = self.bundle()?;
        let side = bundle.config()?.generator.resolution() as u32;
        let reader = AttributeReader::load(&bundle, &self.device.device())?;
        Ok((reader.ok_or_else(no_probe)?, side))
    }

    /// The device that runs the networks.
    pub(crate) fn device(&self) -> Device {
        self.device.device()
    }

    /// The folder of the bundle; `None` for the built-in bundle.
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
        reason: "probe: this bundle has no attribute probe".to_owned(),
    }
}

impl MarkArgs {
    /// The key that signs the images.
    pub(crate) fn signer(&self) -> Result<Signer, Error> {
        self.credentials.signer()
    }

    /// The mark of an image that `engine` draws from a prompt and a seed.
    pub(crate) fn mark(&self, engine: &Engine, prompt: &str, seed: Option<u64>) -> Mark {
        let shows_prompt = !self.no_prompt;
        Mark {
            prompt: (shows_prompt && !prompt.is_empty()).then(|| prompt.to_owned()),
            seed: seed.filter(|_| shows_prompt),
            ..Mark::new(engine.config().domain.name())
        }
    }
}

impl DeviceArgs {
    /// The device that the option names.
    pub(crate) fn device(&self) -> Device {
        match self.device {
            DeviceName::Cpu => Device::flex(),
            #[cfg(feature = "gpu")]
            DeviceName::Gpu(index) => Device::wgpu(burn::tensor::DeviceKind::DiscreteGpu(index)),
        }
    }

    /// Sets the number of threads of all parallel loops. Has no effect after the first such loop.
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
