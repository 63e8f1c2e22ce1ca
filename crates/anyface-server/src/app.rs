//! The state that all handlers share.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyface::photograph::Detector;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::ApiError;
use crate::kept::KeptFiles;
use crate::metrics::Metrics;
use crate::model::{LoadedModel, Models};
use crate::queue::Ticket;
use crate::studio::Task;

/// Number of uploads that are decoded at a time. Each may use hundreds of megabytes.
const DECODERS: usize = 2;

/// Number of photographs that are composited at a time. Each compositing makes a copy.
const RETOUCHERS: usize = 2;

/// Capacity for photographs in memory, in photographs of the largest allowed size.
const PHOTOGRAPHS: usize = 2;

/// A caller: the index of its key in the list, 0 without keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller(pub usize);

/// The state of the server.
pub(crate) struct App {
    /// Configuration.
    pub(crate) config: Config,
    /// Models.
    pub(crate) models: Models,
    /// Face detector. Without it, a photo counts as one aligned face.
    pub(crate) detector: Option<Detector>,
    /// Files that responses name by URL.
    pub(crate) kept: KeptFiles,
    /// Metrics.
    pub(crate) metrics: Arc<Metrics>,
    /// Permits to decode uploads.
    pub(crate) decoders: Semaphore,
    /// Permits to composite faces into photographs. Separate from `decoders`, whose holders may
    /// wait until earlier photographs are composited.
    pub(crate) retouchers: Semaphore,
    /// Permits for photographs in memory, one per megapixel.
    pub(crate) photographs: Arc<Semaphore>,
    /// Start time in seconds since 1970.
    pub(crate) started: u64,
    limiter: Option<DefaultKeyedRateLimiter<Caller>>,
}

impl App {
    /// Creates the state.
    pub(crate) fn new(
        config: Config,
        models: Models,
        detector: Option<Detector>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let limit = |faces| RateLimiter::keyed(Quota::per_minute(faces));
        Self {
            limiter: config.faces_per_minute.map(limit),
            decoders: Semaphore::new(DECODERS),
            retouchers: Semaphore::new(RETOUCHERS),
            photographs: Arc::new(Semaphore::new(PHOTOGRAPHS * megapixels(config.max_pixels))),
            kept: KeptFiles::default(),
            started: now(),
            config,
            models,
            detector,
            metrics,
        }
    }

    /// Queues the tasks of a request, if the caller's rate limit and the queue allow it.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`], [`ApiError::Busy`] or [`ApiError::Stopping`].
    pub(crate) fn submit(
        &self,
        model: &LoadedModel,
        caller: Caller,
        tasks: Vec<Task>,
    ) -> Result<Ticket, ApiError> {
        self.check_rate(caller, tasks.len())?;
        model.queue.submit(tasks).map_err(|refusal| {
            self.metrics.rejected("queue_full");
            refusal.into()
        })
    }

    /// Counts faces towards the rate limit of a caller.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`].
    pub(crate) fn check_rate(&self, caller: Caller, faces: usize) -> Result<(), ApiError> {
        let faces = u32::try_from(faces).ok().and_then(NonZeroU32::new);
        let (Some(limiter), Some(faces)) = (&self.limiter, faces) else {
            return Ok(());
        };
        let wait = match limiter.check_key_n(&caller, faces) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(refused)) => refused.wait_time_from(DefaultClock::default().now()),
            // The request exceeds the limit of a whole minute. Only fewer faces would help.
            Err(_) => Duration::from_secs(60),
        };
        self.metrics.rejected("rate_limit");
        Err(ApiError::RateLimited(wait))
    }

    /// The deadline of a request that starts now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.config.timeout
    }
}

/// Converts pixels to megapixels, rounded up.
pub(crate) fn megapixels(pixels: u64) -> usize {
    usize::try_from(pixels.div_ceil(1_000_000)).unwrap_or(usize::MAX)
}

/// The current time in seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
