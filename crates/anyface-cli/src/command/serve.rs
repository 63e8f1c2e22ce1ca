//! `anyface serve`: the HTTP server with the studio page and the API.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io};

use anyface::Engine;
use anyface::attributes::AttributeReader;
use anyface::photograph::Detector;
use anyface::recipe::{BUILTIN, find_bundle};
use anyface_server::studio::Studio;
use anyface_server::{Config, EngineStudio, Server};
use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::signal;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::credentials::CredentialsArgs;
use super::network::DeviceArgs;

/// Environment variable with the API keys, one per line, for a server without `--keys`.
const KEYS: &str = "ANYFACE_KEYS";

/// Start the studio: a web page to make faces, and an API compatible with OpenAI's image API
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    /// File with API keys, one per line; requests must carry one. Default: $ANYFACE_KEYS
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Limit of faces per minute and key
    #[arg(long, value_name = "FACES")]
    rate: Option<NonZeroU32>,
    /// Capacity of the queue in faces; requests beyond it are refused at once
    #[arg(
        long,
        value_name = "FACES",
        default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    queue: u32,
    /// Number of requests that are served in turns, one face at a time
    #[arg(
        long,
        value_name = "REQUESTS",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    batch: u32,
    /// Largest number of faces per request
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    max_n: u32,
    /// Largest size of a request in MiB
    #[arg(
        long,
        value_name = "MB",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    max_body: u32,
    /// Largest uploaded picture in megapixels
    #[arg(
        long,
        value_name = "MP",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    max_pixels: u32,
    /// Weights of the face detector YuNet, or set ANYFACE_DETECTOR. Default: the built-in weights.
    /// If ANYFACE_DETECTOR is empty, a photo counts as one aligned face
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
    /// Timeout for receiving a request, and for answering it, in seconds
    #[arg(
        long,
        value_name = "S",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    timeout: u64,
    /// Timeout for running requests at shutdown, in seconds
    #[arg(
        long,
        value_name = "S",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(0..=86_400)
    )]
    drain: u64,
    /// Alias of the first model; may be given several times. Default: the names of OpenAI's image
    /// models
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,
    /// Leave the prompt and the seed out of the images; the mark as AI-generated stays
    #[arg(long)]
    no_prompt: bool,
    /// Write the prompts to the log
    #[arg(long)]
    log_prompts: bool,
    /// Write the log as JSON
    #[arg(long)]
    log_json: bool,
    /// Bundle to serve: a folder, or the name of a bundle under models/. May be given several
    /// times: requests select a model by name, and the first bundle serves those without a name.
    /// Default: the built-in bundle, portraits
    #[arg(long = "model", value_name = "BUNDLE")]
    models: Vec<PathBuf>,
    #[command(flatten)]
    credentials: CredentialsArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let is_terminal = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
        let log = tracing_subscriber::fmt()
            .with_ansi(is_terminal)
            .with_writer(io::stderr);
        // rmcp logs every message, some with their content.
        let levels = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("rmcp", LevelFilter::OFF);
        match self.log_json {
            true => log.json().finish().with(levels).init(),
            false => log.finish().with(levels).init(),
        }
        let config = self.config()?;
        if config.keys.is_empty() && !self.bind.ip().is_loopback() {
            bail!(
                "{}: other machines can reach this address, so API keys are required: set --keys \
                 FILE or ${KEYS}",
                self.bind
            );
        }
        let detector = Detector::find(self.detector.as_deref())?;
        let studios = self.studios()?;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let listener = TcpListener::bind(self.bind)
                .await
                .with_context(|| format!("{}", self.bind))?;
            greet(&studios, listener.local_addr()?)?;
            let server = Server::start(studios, detector, config)?;
            Ok(server.serve(listener, stop_signal()?).await?)
        })
    }

    /// The studios of all bundles. A studio has the name of its bundle's domain, or of the bundle's
    /// folder if another studio has that name already.
    fn studios(&self) -> Result<Vec<Box<dyn Studio>>> {
        self.device.limit_threads();
        let device = self.device.device();
        let builtin = [PathBuf::from(BUILTIN)];
        let paths = match self.models.is_empty() {
            true => &builtin[..],
            false => &self.models,
        };
        let (mut studios, mut names) = (Vec::<Box<dyn Studio>>::new(), Vec::new());
        for path in paths {
            let bundle = find_bundle(path)?;
            let engine = Engine::load(&bundle, &device)?;
            let engine = match engine.config().optimizes() {
                true => engine.with_recognizer(None)?,
                false => engine,
            };
            let attributes = AttributeReader::load(&bundle, &device)?;
            let mut name = engine.config().domain.name().to_owned();
            if names.contains(&name)
                && let Some(folder) = path.file_name()
            {
                name = folder.to_string_lossy().into_owned();
            }
            names.push(name.clone());
            studios.push(Box::new(EngineStudio::new(engine, name, attributes)));
        }
        Ok(studios)
    }

    fn config(&self) -> Result<Config> {
        let defaults = Config::default();
        Ok(Config {
            keys: self.keys()?,
            faces_per_minute: self.rate,
            queue: self.queue.max(self.max_n) as usize,
            batch: self.batch as usize,
            max_n: self.max_n as usize,
            max_body: (self.max_body as usize) << 20,
            max_pixels: u64::from(self.max_pixels) * 1_000_000,
            timeout: Duration::from_secs(self.timeout),
            drain: Duration::from_secs(self.drain),
            log_prompts: self.log_prompts,
            mark_prompts: !self.no_prompt,
            signer: Some(Arc::new(self.credentials.signer()?)),
            aliases: match self.alias.is_empty() {
                true => defaults.aliases,
                false => self.alias.clone(),
            },
            ..defaults
        })
    }

    fn keys(&self) -> Result<Vec<String>> {
        let text = match &self.keys {
            Some(path) => {
                let text = fs::read_to_string(path);
                Some(text.with_context(|| format!("{}", path.display()))?)
            }
            None => env::var(KEYS).ok(),
        };
        let Some(text) = text else {
            return Ok(Vec::new());
        };
        let keys: Vec<_> = text.lines().map(str::trim).map(str::to_owned).collect();
        let keys: Vec<_> = keys.into_iter().filter(|key| !key.is_empty()).collect();
        // An empty file must not disable the keys.
        if keys.is_empty() {
            bail!("the keys file or ${KEYS} contains no key");
        }
        Ok(keys)
    }
}

/// Prints the addresses of the page and the APIs, and the models.
fn greet(studios: &[Box<dyn Studio>], address: SocketAddr) -> Result<()> {
    let mut out = io::stdout().lock();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "anyface {version}: open http://{address}/ in a browser"
    )?;
    writeln!(
        out,
        "API    http://{address}/v1, compatible with OpenAI's image API"
    )?;
    writeln!(out, "MCP    http://{address}/mcp, tools for assistants")?;
    for about in studios.iter().map(|studio| studio.about()) {
        let terms = match about.license.as_str() {
            "" => String::new(),
            license => format!(", {license}"),
        };
        writeln!(
            out,
            "model  {}, {1} × {1} pixels{terms}",
            about.model, about.resolution
        )?;
    }
    writeln!(out, "Ctrl-C stops it.")?;
    Ok(())
}

/// Resolves at Ctrl-C, and on Unix also at SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = terminated => {}
            _ = signal::ctrl_c() => {}
        }
    })
}
