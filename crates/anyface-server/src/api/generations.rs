//! `POST /v1/images/generations`: faces from words.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{ImagesResponse, Work};
use super::body::Json;
use super::check;
use super::output::{Background, FileFormat, Quality, ResponseFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::studio::{FaceSource, Task};

/// A request for faces. Fields not listed here are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerationRequest {
    /// What the face looks like, in any words.
    #[schema(
        min_length = 1,
        max_length = 4000,
        example = "an old sailor with a white beard"
    )]
    prompt: String,
    /// A name from `GET /v1/models`.
    model: Option<String>,
    /// Number of faces.
    #[schema(minimum = 1, maximum = 10)]
    n: Option<usize>,
    /// "auto" (the model's own) or a square, to which images are scaled.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    #[expect(dead_code, reason = "all its values mean the same")]
    quality: Option<Quality>,
    background: Option<Background>,
    #[expect(dead_code, reason = "all its values mean the same")]
    moderation: Option<Moderation>,
    output_format: Option<FileFormat>,
    /// Quality of JPEG files.
    #[schema(minimum = 0, maximum = 100)]
    output_compression: Option<u8>,
    response_format: Option<ResponseFormat>,
    /// Send every image as a server-sent event as soon as it is there.
    stream: Option<bool>,
    /// Unfinished pictures of every image; with `stream` only.
    #[schema(minimum = 0, maximum = 3)]
    partial_images: Option<usize>,
    /// Who asks; goes to the log.
    #[schema(max_length = 256)]
    user: Option<String>,
    /// Of DALL-E 3; there is nothing like it here, so any value is refused.
    #[schema(ignore)]
    style: Option<String>,
    /// Image i is made with seed + i. A random one when left out; the answer tells which.
    #[schema(minimum = 0)]
    seed: Option<u64>,
    /// How typical the face is in what the words leave open, 0 (the mean) to 1.
    #[schema(minimum = 0, maximum = 1)]
    truncation: Option<f64>,
    /// Send the latents too.
    latents: Option<bool>,
}

/// There is none.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Moderation {
    /// What the server does: none.
    Auto,
    /// The same.
    Low,
}

/// Faces from a description
#[utoipa::path(
    post, path = "/v1/images/generations", tag = "images", operation_id = "createImage",
    request_body = GenerationRequest,
    responses(
        (status = 200, description = "The images; with `stream`, one `StreamEvent` each.",
            content((ImagesResponse = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Json(asked): Json<GenerationRequest>,
) -> Result<Response, ApiError> {
    let deadline = app.deadline();
    check::model(&app, asked.model.as_deref())?;
    check::unsupported("style", asked.style.is_some())?;
    check::user(asked.user.as_deref())?;
    check::text("prompt", &asked.prompt)?;
    let count = check::count(asked.n, app.config.max_n)?;
    let stream = asked.stream.unwrap_or_default();
    let sketches = check::sketches(asked.partial_images, stream)?;
    let truncation = check::truncation("truncation", asked.truncation)?;
    let output = Wish {
        size: asked.size,
        format: asked.output_format,
        compression: asked.output_compression,
        response: asked.response_format,
        latents: asked.latents,
        background: asked.background,
    }
    .check(&app)?;
    let first = asked.seed.unwrap_or_else(check::random_seed);
    let task = |i| Task {
        source: FaceSource::Words {
            captions: vec![asked.prompt.clone()],
            seed: first.wrapping_add(i),
            truncation,
        },
        edits: Vec::new(),
        sketches,
    };
    let tasks = (0..count as u64).map(task).collect();
    let work = Work::start(app, caller, tasks, output, deadline)?;
    match stream {
        true => Ok(work.events("image_generation")),
        false => work.json().await,
    }
}
