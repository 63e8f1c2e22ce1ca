//! Options of every command that runs a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyface::attributes::AttributeReader;
use anyface::bundle::Bundle;
use anyface::image::Mark;
use anyface::probe::Probe;
use anyface::{Engine, Error};
use burn::tensor::Device;

/// Where bundles are found by their names.
const MODELS: &str = "models";

/// Name of the bundle inside the binary.
pub(crate) const BUILTIN: &str = "portraits";

/// Which networks to run, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Bundle to use: a folder, or the name of one under models/, such as photographs (learned from CelebA: for non-commercial
    /// research only). The built-in one, portraits, when left out
    #[arg(long, value_name = "BUNDLE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// What the images say of themselves.
#[derive(Debug, clap::Args)]
pub(crate) struct MarkArgs {
    /// Leave the words and the seed out of the images; that they are AI-generated stays in
    #[arg(long)]
    no_prompt: bool,
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
    pub(crate) fn engine(&self) -> Result<Engine, Error> {
        self.device.limit_threads();
        Engine::load(&self.bundle()?, &self.device.device())
    }

    /// The bundle's attribute probe.
    pub(crate) fn probe(&self) -> Result<Probe, Error> {
        self.probe_if_any()?.ok_or_else(no_probe)
    }

    /// The bundle's attribute probe, where it has one.
    pub(crate) fn probe_if_any(&self) -> Result<Option<Probe>, Error> {
        let bundle = self.bundle()?;
        let config = bundle.config()?.probe;
        let probe = config.map(|probe| probe.init(&self.device.device()));
        probe
            .map(|probe| bundle.network("probe", probe))
            .transpose()
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

/// The bundle in the folder of that path, else the one of that name under `models/`, else the
/// built-in one by its name.
///
/// # Errors
/// When there is none of that name; the error lists those that are there.
pub(crate) fn find_bundle(name: &Path) -> Result<Bundle, Error> {
    let under_models = Path::new(MODELS).join(name);
    if name.exists() {
        return Ok(Bundle::folder(name));
    }
    if under_models.is_dir() {
        return Ok(Bundle::folder(&under_models));
    }
    if name == Path::new(BUILTIN) {
        return Ok(Bundle::builtin());
    }
    Err(Error::Bundle {
        file: name.display().to_string(),
        reason: format!(
            "there is no such bundle; there are {BUILTIN} (built in){}",
            bundles_under_models()
        ),
    })
}

/// The bundles under `models/`, each with a comma before it.
fn bundles_under_models() -> String {
    let folders = fs::read_dir(MODELS).into_iter().flatten().flatten();
    let mut found: Vec<_> = folders
        .map(|folder| folder.path())
        .filter(|path| path.join("config.json").exists())
        .map(|path| format!(", {}", path.display()))
        .collect();
    found.sort();
    found.concat()
}

impl MarkArgs {
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
