//! The bounded queue of a studio, and the thread that processes it.
//!
//! A job is one request for one or more faces. In each round, the thread fills up its batch of jobs
//! and makes one face of each, so a job of one face does not wait for all ten of another job. A
//! [`Ticket`] is the client's end of a job. Dropping it cancels the job; axum does so when a client
//! disconnects.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use image::RgbImage;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::metrics::{Metrics, Stage};
use crate::studio::{GeneratedFace, Studio, StudioError, Task};

/// Weight of the latest face in the running mean of the time per face.
const NEWEST: f64 = 0.1;

/// A reply of a job. For each task in order, sketches come first, then the face.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An unfinished image.
    Sketch(RgbImage),
    /// A face.
    Face(Box<GeneratedFace>),
}

/// Why a job was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The queue is full. It should have room after this time.
    Full(Duration),
    /// The server is stopping.
    Closed,
}

/// A handle of the queue. Clones share the queue.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    max_batch: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Number of accepted faces that are not finished.
    promised: usize,
    next_id: u64,
    seconds_per_face: f64,
    closed: bool,
    /// Whether the thread has ended.
    ended: bool,
}

struct Job {
    id: u64,
    tasks: VecDeque<Task>,
    replies: UnboundedSender<Result<Reply, StudioError>>,
    accepted: Instant,
}

/// The client's end of a job.
pub(crate) struct Ticket {
    id: u64,
    queue: Queue,
    replies: UnboundedReceiver<Result<Reply, StudioError>>,
}

impl Queue {
    /// Starts the thread of a studio. The queue holds `capacity` faces; the thread works on
    /// `max_batch` jobs at a time.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(
        studio: Box<dyn Studio>,
        capacity: usize,
        max_batch: usize,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let queue = Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
            max_batch: max_batch.max(1),
            metrics,
        }));
        let worker = queue.clone();
        let thread = std::thread::Builder::new()
            .name("studio".to_owned())
            .spawn(move || worker.work(studio))?;
        Ok((queue, thread))
    }

    /// Accepts or refuses a job at once.
    ///
    /// # Errors
    /// If the queue has no room for all tasks, or the server is stopping.
    pub(crate) fn submit(&self, tasks: Vec<Task>) -> Result<Ticket, Refusal> {
        let (sender, replies) = unbounded_channel();
        let mut state = self.state();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if state.promised + tasks.len() > self.0.capacity {
            let seconds = state.promised as f64 * state.seconds_per_face;
            return Err(Refusal::Full(Duration::from_secs_f64(seconds)));
        }
        state.promised += tasks.len();
        self.0.metrics.promised(tasks.len());
        let id = state.next_id;
        state.next_id += 1;
        state.waiting.push_back(Job {
            id,
            tasks: tasks.into(),
            replies: sender,
            accepted: Instant::now(),
        });
        drop(state);
        self.0.changed.notify_one();
        Ok(Ticket {
            id,
            queue: self.clone(),
            replies,
        })
    }

    /// Refuses new jobs. The thread finishes the accepted ones, then ends.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_one();
    }

    /// Whether the queue accepts jobs and its thread runs.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.state();
        !state.closed && !state.ended
    }

    fn work(&self, mut studio: Box<dyn Studio>) {
        let mut batch = Vec::new();
        while self.fill(&mut batch) {
            self.0.metrics.batch(batch.len());
            batch.retain_mut(|job| self.step(job, &mut *studio));
        }
        self.state().ended = true;
    }

    /// Fills the batch with waiting jobs. Blocks while there are none. Returns `false` once the
    /// queue is closed and empty.
    fn fill(&self, batch: &mut Vec<Job>) -> bool {
        let mut state = self.state();
        while batch.is_empty() && state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            let woken = self.0.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        while batch.len() < self.0.max_batch
            && let Some(job) = state.waiting.pop_front()
        {
            self.0.metrics.stage(Stage::Queue, job.accepted.elapsed());
            batch.push(job);
        }
        true
    }

    /// Makes the next face of a job. Returns `false` if the job is finished or cancelled.
    fn step(&self, job: &mut Job, studio: &mut dyn Studio) -> bool {
        if job.replies.is_closed() {
            self.0.metrics.cancelled();
            self.release(job.tasks.len(), None);
            return false;
        }
        let Some(task) = job.tasks.pop_front() else {
            return false;
        };
        let start = Instant::now();
        let mut sketch = |image| {
            // An error means that the job is cancelled, which the next step notices.
            job.replies.send(Ok(Reply::Sketch(image))).ok();
        };
        // A panic of the networks fails one request, not the server.
        let made = catch_unwind(AssertUnwindSafe(|| studio.make(&task, &mut sketch)));
        let made = made.unwrap_or_else(|_| Err(StudioError::Failed("the studio panicked".into())));
        let failed = made.is_err();
        if !failed {
            self.0.metrics.stage(Stage::Draw, start.elapsed());
        }
        // Before the reply, so that a client with its answer finds room for the next request.
        self.release(1, Some(start.elapsed()));
        job.replies
            .send(made.map(|face| Reply::Face(Box::new(face))))
            .ok();
        if failed {
            self.release(job.tasks.len(), None);
            job.tasks.clear();
        }
        !job.tasks.is_empty()
    }

    fn release(&self, faces: usize, took: Option<Duration>) {
        let mut state = self.state();
        state.promised -= faces;
        self.0.metrics.released(faces);
        if let Some(took) = took {
            let took = took.as_secs_f64();
            state.seconds_per_face = match state.seconds_per_face {
                0.0 => took,
                mean => mean + NEWEST * (took - mean),
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that may panic runs under the lock.
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The next reply; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Result<Reply, StudioError>> {
        self.replies.recv().await
    }
}

impl Drop for Ticket {
    /// Removes a waiting job from the queue. The thread drops a running job when it finds its
    /// channel closed.
    fn drop(&mut self) {
        let queue = &self.queue;
        let mut state = queue.state();
        let place = state.waiting.iter().position(|job| job.id == self.id);
        if let Some(job) = place.and_then(|place| state.waiting.remove(place)) {
            state.promised -= job.tasks.len();
            queue.0.metrics.released(job.tasks.len());
            queue.0.metrics.cancelled();
        }
    }
}
