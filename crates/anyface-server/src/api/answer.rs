//! Responses with images: all at once as JSON, or one by one as server-sent events.

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

/// The response to a request for images.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImagesResponse {
    /// Time of creation in seconds since 1970.
    pub(crate) created: u64,
    /// The images, in order of their seeds.
    pub(crate) data: Vec<ImageData>,
    background: Background,
    output_format: FileFormat,
    quality: Quality,
    /// Width and height, such as "128x128".
    #[schema(example = "128x128")]
    pub(crate) size: String,
    /// The usage of the request.
    pub(crate) usage: Usage,
}

/// One image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageData {
    /// The image file in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) b64_json: Option<String>,
    /// Address of the image file, valid for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(flatten)]
    extra: Extra,
}

/// Fields of an image that extend OpenAI's API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Extra {
    /// The seed, which reproduces the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// CLIP score of a generated image: cosine similarity of image and prompt, −1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_score: Option<f32>,
    /// Words of the prompt that have no effect on the face.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_understood: Vec<String>,
    /// The latent, if requested: base64 of L x D little-endian 32-bit floats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latent: Option<String>,
}

/// Usage, counted in words. Nothing is billed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Number of words in the prompt.
    pub(crate) input_tokens: usize,
    input_tokens_details: UsageDetails,
    /// Always 0.
    pub(crate) output_tokens: usize,
    /// Sum of input and output.
    pub(crate) total_tokens: usize,
}

/// The input by kind, counted in words.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct UsageDetails {
    /// Always 0.
    pub(crate) image_tokens: usize,
    /// Number of words in the prompt.
    pub(crate) text_tokens: usize,
}

/// A server-sent event. Each field is a line.
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
    /// `image_generation.partial_image`, `image_generation.completed`, or those of `image_edit`.
    pub(crate) r#type: String,
    /// The image file in base64.
    pub(crate) b64_json: String,
    /// Time of creation in seconds since 1970.
    pub(crate) created_at: u64,
    /// Index of the image in the request, from 0.
    pub(crate) index: usize,
    /// Index of the partial image among those of its image, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partial_image_index: Option<usize>,
    background: Background,
    output_format: FileFormat,
    quality: Quality,
    /// Width and height, such as "128x128".
    pub(crate) size: String,
    /// The usage of the request. Only finished images have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Usage>,
    #[serde(flatten)]
    extra: Option<Extra>,
}

/// A running request.
pub(crate) struct Work {
    app: Arc<App>,
    /// The photograph that the faces are composited into.
    retouch: Option<Arc<Retouch>>,
    /// The file that the images are edits of.
    parent: Option<Bytes>,
    /// Width and height of the pictures before scaling.
    own_size: (u32, u32),
    ticket: Ticket,
    /// The images that are not finished.
    awaited: VecDeque<Awaited>,
    output: Output,
    usage: Usage,
    deadline: Instant,
    index: usize,
    sketches: usize,
}

/// Data of an image that is not finished.
struct Awaited {
    seed: Option<u64>,
    mark: Mark,
}

/// An encoded picture.
pub(crate) struct Picture {
    index: usize,
    /// Index among the partial images of its image; `None` for the finished image.
    sketch: Option<usize>,
    /// The image file.
    pub(crate) file: Vec<u8>,
    pub(crate) extra: Option<Extra>,
}

/// The photo that faces are made from. Both fields are `None` without one.
#[derive(Default)]
pub(crate) struct Original {
    /// Composites a face into the photo.
    pub(crate) retouch: Option<Retouch>,
    /// The file of the photo, which the credentials of the faces name.
    pub(crate) parent: Option<Bytes>,
}

impl Work {
    /// Queues the tasks of a request, which times out at the deadline.
    pub(crate) fn start(
        app: Arc<App>,
        model: &LoadedModel,
        caller: Caller,
        tasks: Vec<Task>,
        Original { retouch, parent }: Original,
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

    /// The next picture; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Picture>, ApiError> {
        let Some(awaited) = self.awaited.front() else {
            return Ok(None);
        };
        let reply = timeout_at(self.deadline, self.ticket.next()).await;
        let reply = reply.map_err(|_| ApiError::Timeout(self.app.config.timeout))?;
        // The thread answers every task. If it has ended, the server is stopping.
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

    /// A file for a response: `b64_json` or `url`, as requested.
    fn deliver(&self, file: Vec<u8>, base: &str) -> (Option<String>, Option<String>) {
        match self.output.response {
            ResponseFormat::B64Json => (Some(BASE64_STANDARD.encode(file)), None),
            ResponseFormat::Url => {
                let name = self.app.kept.keep(file, self.output.extension());
                (None, Some(format!("{base}/files/{name}")))
            }
        }
    }

    /// All images in one response. `base` is the address of the server, see [`base`].
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

    /// Each picture in its own event. `kind` is "image_generation" or "image_edit".
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
                // The head is already sent, so the error is the last event.
                Err(error) => (
                    Event::default().event("error").json_data(error.body()),
                    None,
                ),
            };
            // Plain fields always serialize.
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

/// The address at which the caller reached the server, even through a TLS proxy.
pub(crate) fn base(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let host = text(HOST.as_str()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}
