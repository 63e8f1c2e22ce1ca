//! The configuration of the server.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyface::provenance::Signer;

/// Limits, keys and options of a server. The defaults suit a single user on one machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// API keys. Each request must carry one of them. Without keys, all requests are accepted.
    pub keys: Vec<String>,
    /// Limit of faces per minute and key; without keys, of all callers together.
    pub faces_per_minute: Option<NonZeroU32>,
    /// Capacity of the queue in faces. Requests beyond it are refused with status 429.
    pub queue: usize,
    /// Number of requests that a studio serves in turns.
    pub batch: usize,
    /// Largest number of faces per request.
    pub max_n: usize,
    /// Largest body of a request in bytes.
    pub max_body: usize,
    /// Largest uploaded picture in pixels.
    pub max_pixels: u64,
    /// Longest side of a requested image in pixels.
    pub max_side: u32,
    /// Timeout for receiving the body of a request, and again for answering it.
    pub timeout: Duration,
    /// Timeout for receiving the head of a request, and for idle connections.
    pub head_timeout: Duration,
    /// Timeout for running requests at shutdown.
    pub drain: Duration,
    /// Whether prompts are logged.
    pub log_prompts: bool,
    /// Whether the marks of images contain prompt and seed.
    pub mark_prompts: bool,
    /// Signer of the images; `None` for unsigned images.
    pub signer: Option<Arc<Signer>>,
    /// Aliases of the first model. The default is the names of OpenAI's image models, so that
    /// programs need no change.
    pub aliases: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        let aliases = [
            "gpt-image-2",
            "gpt-image-1.5",
            "gpt-image-1",
            "gpt-image-1-mini",
            "chatgpt-image-latest",
            "dall-e-2",
            "dall-e-3",
        ];
        Self {
            keys: Vec::new(),
            faces_per_minute: None,
            queue: 64,
            batch: 8,
            max_n: 10,
            max_body: 20 << 20,
            max_pixels: 50_000_000,
            max_side: 2048,
            timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            log_prompts: false,
            mark_prompts: true,
            signer: None,
            aliases: aliases.map(str::to_owned).to_vec(),
        }
    }
}
