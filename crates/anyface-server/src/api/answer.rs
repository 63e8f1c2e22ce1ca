//! Images on their way back: all at once as JSON, or one by one as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use anyface::image::Mark;
use axum::Json;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream::{Stream, unfold};
use image::RgbImage;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::body::encode_latent;
use super::output::{Background, Drawn, FileFormat, Output, Quality, ResponseFormat};
use crate::app::{App, Caller, now};
use crate::error::ApiError;
use crate::model::LoadedModel;
use crate::photo::Retouch;
use crate::queue::{Reply, Ticket};
use crate::studio::Task;

/// The answer to a request for images.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImagesResponse {
    /// When, in seconds since 1970.
    pub(crate) created: u64,
    /// The images, in order of their seeds.
    pub(crate) data: Vec<ImageData>,
    background: Background,
    output_format: FileFormat,
    quality: Quality,
    /// Width and height, "128x128".
    #[schema(example = "128x128")]
    pub(crate) size: String,
    /// What was read.
    pub(crate) usage: Usage,
}

/// One image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageData {
    /// The file in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) b64_json: Option<String>,
    /// Where the file is for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(flatten)]
    extra: Extra,
}

/// What this server tells of an image beyond OpenAI's API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Extra {
    /// The seed that gives this image again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Cosine between picture and words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_score: Option<f32>,
    /// Words of the prompt that do not bear on the face.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_understood: Vec<String>,
    /// Its latent, where asked for: base64 of L x D little-endian 32-bit floats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latent: Option<String>,
}

/// What was read. The unit is the word: nothing here is billed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Words of the prompt.
    pub(crate) input_tokens: usize,
    input_tokens_details: UsageDetails,
    /// Always 0.
    pub(crate) output_tokens: usize,
    /// The sum.
    pub(crate) total_tokens: usize,
}

/// What was read, by kind.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct UsageDetails {
    /// Always 0.
    pub(crate) image_tokens: usize,
    /// Words of the prompt.
    pub(crate) text_tokens: usize,
}

/// A server-sent event, for the document: the fields of its lines.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ServerSentEvent {
    /// The `type` of the data.
    event: String,
    /// A [`StreamEvent`] as JSON.
    data: String,
}

/// One event of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamEvent {
    /// `image_generation.partial_image`, `image_generation.completed`, or the same of `image_edit`.
    pub(crate) r#type: String,
    /// The file in base64.
    pub(crate) b64_json: String,
    /// When, in seconds since 1970.
    pub(crate) created_at: u64,
    /// The place of this image among those asked for.
    pub(crate) index: usize,
    /// The place of this unfinished picture among those of its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partial_image_index: Option<usize>,
    background: Background,
    output_format: FileFormat,
    quality: Quality,
    /// Width and height, "128x128".
    pub(crate) size: String,
    /// What was read; with the finished image only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    #[serde(flatten)]
    extra: Option<Extra>,
}

/// A request at work.
pub(crate) struct Work {
    app: Arc<App>,
    /// The photograph that is edited, where it keeps its details.
    retouch: Option<Arc<Retouch>>,
    /// The file that the images are edits of.
    parent: Option<Bytes>,
    /// Width and height of the pictures where a request names none.
    own_size: (u32, u32),
    ticket: Ticket,
    /// What is known of the images that are not here yet.
    awaited: VecDeque<Awaited>,
    output: Output,
    usage: Usage,
    deadline: Instant,
    index: usize,
    sketches: usize,
}

/// What is known of an image before it is drawn.
struct Awaited {
    seed: Option<u64>,
    mark: Mark,
}

/// A picture that is ready to be sent.
pub(crate) struct Picture {
    index: usize,
    /// Its place among the unfinished pictures of its image, if it is one.
    sketch: Option<usize>,
    /// The file.
    pub(crate) file: Vec<u8>,
    pub(crate) extra: Option<Extra>,
}

impl Work {
    /// Queues the tasks of a request, which must be answered by the deadline.
    pub(crate) fn start(
        app: Arc<App>,
        model: &LoadedModel,
        caller: Caller,
        tasks: Vec<Task>,
        retouch: Option<Retouch>,
        parent: Option<Bytes>,
        output: Output,
        deadline: Instant,
    ) -> Result<Self, ApiError> {
        let side = model.about.resolution;
        let awaited = tasks.iter().map(|task| Awaited {
            seed: task.seed(),
            mark: task.mark(&model.about.model, app.config.mark_prompts),
        });
        let awaited = awaited.collect();
        let words = tasks.first().map_or(0, Task::words);
        if app.config.log_prompts {
            let prompt = tasks.first().and_then(|task| task.mark("", true).prompt);
            tracing::info!(prompt, faces = tasks.len(), "asked");
        }
        Ok(Self {
            ticket: app.submit(model, caller, tasks)?,
            app,
            own_size: retouch.as_ref().map_or((side, side), Retouch::size),
            retouch: retouch.map(Arc::new),
            parent,
            awaited,
            output,
            usage: Usage {
                input_tokens: words,
                input_tokens_details: UsageDetails {
                    image_tokens: 0,
                    text_tokens: words,
                },
                output_tokens: 0,
                total_tokens: words,
            },
            deadline,
            index: 0,
            sketches: 0,
        })
    }

    /// The next picture; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Picture>, ApiError> {
        let Some(awaited) = self.awaited.front() else {
            return Ok(None);
        };
        let reply = timeout_at(self.deadline, self.ticket.next()).await;
        let reply = reply.map_err(|_| ApiError::Timeout(self.app.config.timeout))?;
        // The thread answers every task or says why not; if it is gone, so is the server.
        match reply.ok_or(ApiError::Stopping)?? {
            Reply::Sketch(image) => {
                let mark = awaited.mark.clone();
                let file = self.encode(image, None, mark).await?;
                self.sketches += 1;
                Ok(Some(Picture {
                    index: self.index,
                    sketch: Some(self.sketches - 1),
                    file,
                    extra: None,
                }))
            }
            Reply::Face(face) => {
                let latent = self.output.latents.then(|| encode_latent(&face.latent));
                let extra = Extra {
                    seed: awaited.seed,
                    clip_score: face.clip_score,
                    not_understood: face.not_understood,
                    latent,
                };
                let mark = awaited.mark.clone();
                let file = self.encode(face.image, face.before, mark).await?;
                let picture = Picture {
                    index: self.index,
                    sketch: None,
                    file,
                    extra: Some(extra),
                };
                self.awaited.pop_front();
                self.index += 1;
                self.sketches = 0;
                Ok(Some(picture))
            }
        }
    }

    async fn encode(
        &self,
        image: RgbImage,
        before: Option<RgbImage>,
        mark: Mark,
    ) -> Result<Vec<u8>, ApiError> {
        let drawn = Drawn {
            image,
            before,
            retouch: self.retouch.clone(),
            mark,
            parent: self.parent.clone(),
        };
        self.output.encode(&self.app, drawn).await
    }

    /// A file as its answer has it: `b64_json` and `url`, one of which is there.
    fn deliver(&self, file: Vec<u8>, base: &str) -> (Option<String>, Option<String>) {
        match self.output.response {
            ResponseFormat::B64Json => (Some(BASE64_STANDARD.encode(file)), None),
            ResponseFormat::Url => {
                let name = self.app.kept.keep(file, self.output.extension());
                (None, Some(format!("{base}/files/{name}")))
            }
        }
    }

    /// All images in one answer; `base` is the address by which the caller reached this server.
    pub(crate) async fn json(mut self, base: &str) -> Result<Response, ApiError> {
        let mut data = Vec::with_capacity(self.awaited.len());
        while let Some(picture) = self.next().await? {
            let (b64_json, url) = self.deliver(picture.file, base);
            if let Some(extra) = picture.extra {
                data.push(ImageData {
                    b64_json,
                    url,
                    extra,
                });
            }
        }
        let answer = ImagesResponse {
            created: now(),
            data,
            background: self.output.background(),
            output_format: self.output.format,
            quality: Quality::Standard,
            size: self.output.size(self.own_size),
            usage: self.usage,
        };
        Ok(Json(answer).into_response())
    }

    /// Every picture in an event of its own; `kind` is "image_generation" or "image_edit".
    pub(crate) fn events(self, kind: &'static str) -> Response {
        Sse::new(self.stream(kind))
            .keep_alive(KeepAlive::default())
            .into_response()
    }

    fn stream(self, kind: &'static str) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(Some(self), move |work| async move {
            let mut work = work?;
            let (event, work) = match work.next().await {
                Ok(None) => return None,
                Ok(Some(picture)) => {
                    let event = work.event(kind, picture);
                    (
                        Event::default().event(&event.r#type).json_data(event),
                        Some(work),
                    )
                }
                // The head has been sent, so the error is an event, the last one.
                Err(error) => (
                    Event::default().event("error").json_data(error.body()),
                    None,
                ),
            };
            // Plain fields always make JSON.
            Some((Ok(event.unwrap_or_default()), work))
        })
    }

    fn event(&self, kind: &str, picture: Picture) -> StreamEvent {
        let state = match picture.sketch {
            Some(_) => "partial_image",
            None => "completed",
        };
        StreamEvent {
            r#type: format!("{kind}.{state}"),
            b64_json: BASE64_STANDARD.encode(picture.file),
            created_at: now(),
            index: picture.index,
            partial_image_index: picture.sketch,
            background: self.output.background(),
            output_format: self.output.format,
            quality: Quality::Standard,
            size: self.output.size(self.own_size),
            usage: picture.sketch.is_none().then_some(self.usage),
            extra: picture.extra,
        }
    }
}

/// The address by which a caller reached this server, also through a proxy that speaks TLS.
pub(crate) fn base(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let host = text(HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
