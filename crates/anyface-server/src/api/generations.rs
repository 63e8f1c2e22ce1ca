//! `POST /v1/images/generations`: faces from words.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{ImagesResponse, Work, base};
use super::body::Json;
use super::check;
use super::ignored::Ignored;
use super::output::{Background, FileFormat, Moderation, Quality, ResponseFormat, Wish};
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
        max_length = 32000,
        example = "an old sailor with a white beard"
    )]
    prompt: String,
    /// A name from `GET /v1/models`.
    model: Option<String>,
    /// Number of faces.
    #[schema(minimum = 1, maximum = 10)]
    n: Option<usize>,
    /// "auto" (the model's own) or width and height, into which images are scaled as a whole.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    quality: Option<Quality>,
    background: Option<Background>,
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
    /// Accepted, and nothing changes: of DALL-E 3.
    style: Option<Style>,
    /// Image i is made with seed + i. A random one when left out; the answer tells which.
    #[schema(minimum = 0)]
    seed: Option<u64>,
    /// How typical the face is in what the words leave open, 0 (the mean) to 1.
    #[schema(minimum = 0, maximum = 1)]
    truncation: Option<f64>,
    /// Send the latents too.
    latents: Option<bool>,
}

/// Style of DALL-E 3's images.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// Accepted, and nothing changes.
    Vivid,
    /// Accepted, and nothing changes.
    Natural,
}

/// Faces from a description
#[utoipa::path(
    post, path = "/v1/images/generations", tag = "images", operation_id = "createImage",
    request_body = GenerationRequest,
    responses(
        (status = 200, description = "The images; with `stream`, one `StreamEvent` each.",
            content((ImagesResponse = "application/json"), (super::answer::ServerSentEvent = "text/event-stream"))),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(asked): Json<GenerationRequest>,
) -> Result<Response, ApiError> {
    let (deadline, base) = (app.deadline(), base(&headers));
    let model = Arc::clone(app.models.find(asked.model.as_deref())?);
    let mut ignored = Ignored::default();
    ignored.note("style", asked.style.is_some());
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
        quality: asked.quality,
        moderation: asked.moderation,
    }
    .check(&app, &mut ignored)?;
    let prompt = check::read_part(asked.prompt, &mut ignored);
    let first = asked.seed.unwrap_or_else(check::random_seed);
    let task = |i| Task {
        source: FaceSource::Words {
            captions: vec![prompt.clone()],
            seed: first.wrapping_add(i),
            truncation,
        },
        edits: Vec::new(),
        before: None,
        sketches,
    };
    let tasks = (0..count as u64).map(task).collect();
    let work = Work::start(app, &model, caller, tasks, None, None, output, deadline)?;
    let answer = match stream {
        true => work.events("image_generation"),
        false => work.json(&base).await?,
    };
    Ok(ignored.tell(answer))
}
