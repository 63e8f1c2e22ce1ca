//! What all handlers share.

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

/// Uploads that are decoded at a time: each may hold hundreds of megabytes.
const DECODERS: usize = 2;

/// Photographs that are drawn on at a time, each in a copy.
const RETOUCHERS: usize = 2;

/// The largest photographs that may be held at a time.
const PHOTOGRAPHS: usize = 2;

/// Who calls: the place of the key in the list, 0 without keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller(pub usize);

/// The state of the server.
pub(crate) struct App {
    /// Its setup.
    pub(crate) config: Config,
    /// Its models.
    pub(crate) models: Models,
    /// What finds faces in photos; without it a photo is taken as one aligned face.
    pub(crate) detector: Option<Detector>,
    /// Files that answers named by URL.
    pub(crate) kept: KeptFiles,
    /// Its counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Turns at decoding uploads.
    pub(crate) decoders: Semaphore,
    /// Turns at putting what is drawn on photographs. Not those of uploads, which may wait for the photographs before them.
    pub(crate) retouchers: Semaphore,
    /// Megapixels of photographs that wait for what is drawn on them.
    pub(crate) photographs: Arc<Semaphore>,
    /// When it started, in seconds since 1970.
    pub(crate) started: u64,
    limiter: Option<DefaultKeyedRateLimiter<Caller>>,
}

impl App {
    /// A server's state.
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

    /// Queues a request, if the caller's rate and the queue allow it.
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

    /// Counts faces of a caller against its rate.
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
            // More at once than a minute's worth: no wait would help, but fewer faces would.
            Err(_) => Duration::from_secs(60),
        };
        self.metrics.rejected("rate_limit");
        Err(ApiError::RateLimited(wait))
    }

    /// When the time for a request that starts now is over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.config.timeout
    }
}

/// Megapixels, rounded up.
pub(crate) fn megapixels(pixels: u64) -> usize {
    usize::try_from(pixels.div_ceil(1_000_000)).unwrap_or(usize::MAX)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
