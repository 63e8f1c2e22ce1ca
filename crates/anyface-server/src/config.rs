//! How the server is set up.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyface::provenance::Signer;

/// Limits, keys and habits of a server. The defaults suit one person at one machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Keys that callers must show one of; anyone may call when there are none.
    pub keys: Vec<String>,
    /// Faces that a key may ask for in a minute; without keys, all callers together.
    pub faces_per_minute: Option<NonZeroU32>,
    /// Faces that are promised at a time; a request that would exceed it is refused with 429.
    pub queue: usize,
    /// Requests that the studio works on by turns.
    pub batch: usize,
    /// Most faces of one request.
    pub max_n: usize,
    /// Most bytes of a request's body.
    pub max_body: usize,
    /// Most pixels of an uploaded picture.
    pub max_pixels: u64,
    /// Longest side of an image that may be asked for.
    pub max_side: u32,
    /// Longest time for the body of a request to arrive, and again for its answer.
    pub timeout: Duration,
    /// Longest time for the head of a request to arrive, and for a connection to lie idle.
    pub head_timeout: Duration,
    /// Longest time that the server waits for requests at work once it is told to stop.
    pub drain: Duration,
    /// Whether the log may hold prompts.
    pub log_prompts: bool,
    /// Whether images carry their prompt and seed.
    pub mark_prompts: bool,
    /// Who signs the images; nobody when `None`.
    pub signer: Option<Arc<Signer>>,
    /// Other names that the first model answers to, so that programs need not change theirs.
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
