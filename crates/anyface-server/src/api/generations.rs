//! `POST /v1/images/generations`: faces from text.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{ImagesResponse, Original, Work, base};
use super::body::Json;
use super::check;
use super::ignored::Ignored;
use super::output::{Background, FileFormat, Moderation, Quality, ResponseFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::studio::{FaceSource, Task};

/// A request for faces. Unknown fields are refused.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GenerationRequest {
    /// Description of the face, in any words.
    #[schema(
        min_length = 1,
        max_length = 32000,
        example = "an old sailor with a white beard"
    )]
    pub(super) prompt: String,
    /// Name of a model from `GET /v1/models`. Default: the first model.
    pub(super) model: Option<String>,
    /// Number of faces. Default: 1.
    #[schema(minimum = 1, maximum = 10)]
    pub(super) n: Option<usize>,
    /// "auto" (the model's resolution) or "WIDTHxHEIGHT". Images are fitted into it, not cropped.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    pub(super) size: Option<String>,
    pub(super) quality: Option<Quality>,
    pub(super) background: Option<Background>,
    pub(super) moderation: Option<Moderation>,
    pub(super) output_format: Option<FileFormat>,
    /// Quality of JPEG files.
    #[schema(minimum = 0, maximum = 100)]
    pub(super) output_compression: Option<u8>,
    pub(super) response_format: Option<ResponseFormat>,
    /// Whether to send each image as a server-sent event as soon as it is finished.
    pub(super) stream: Option<bool>,
    /// Number of partial images per image. Needs `stream`.
    #[schema(minimum = 0, maximum = 3)]
    pub(super) partial_images: Option<usize>,
    /// Identifier of the end user, for the log.
    #[schema(max_length = 256)]
    pub(super) user: Option<String>,
    /// Accepted without effect, for compatibility with DALL-E 3.
    pub(super) style: Option<Style>,
    /// Image i uses seed + i. Default: a random seed, which the response contains.
    #[schema(minimum = 0)]
    pub(super) seed: Option<u64>,
    /// Truncation ψ of what the prompt leaves open, 0 (the mean) to 1 (no truncation).
    #[schema(minimum = 0, maximum = 1)]
    pub(super) truncation: Option<f64>,
    /// Whether to return the latents.
    pub(super) latents: Option<bool>,
}

/// A style of DALL-E 3.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// Accepted without effect.
    Vivid,
    /// Accepted without effect.
    Natural,
}

/// Generate faces from a description
#[utoipa::path(
    post, path = "/v1/images/generations", tag = "images", operation_id = "createImage",
    request_body = GenerationRequest,
    responses(
        (status = 200, description = "The images; with `stream`, a series of `StreamEvent`.",
            content(
                (ImagesResponse = "application/json"),
                (super::answer::ServerSentEvent = "text/event-stream")
            )),
        (
            status = "4XX", description = "Refused",
            body = ErrorBody, content_type = "application/json"
        ),
        (
            status = "5XX", description = "Failed",
            body = ErrorBody, content_type = "application/json"
        ),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(asked): Json<GenerationRequest>,
) -> Result<Response, ApiError> {
    let base = base(&headers);
    let mut ignored = Ignored::default();
    let stream = asked.stream.unwrap_or_default();
    let work = start(&app, caller, asked, &mut ignored)?;
    let answer = match stream {
        true => work.events("image_generation"),
        false => work.json(&base).await?,
    };
    Ok(ignored.tell(answer))
}

/// Checks a request and queues its faces.
///
/// # Errors
/// [`ApiError::Invalid`] for an invalid field, and the errors of [`App::submit`].
pub(super) fn start(
    app: &Arc<App>,
    caller: Caller,
    asked: GenerationRequest,
    ignored: &mut Ignored,
) -> Result<Work, ApiError> {
    let deadline = app.deadline();
    let model = app.models.find(asked.model.as_deref())?;
    ignored.note("style", asked.style.is_some());
    check::user(asked.user.as_deref())?;
    check::text("prompt", &asked.prompt)?;
    let count = check::count(asked.n, app.config.max_n)?;
    let sketches = check::sketches(asked.partial_images, asked.stream.unwrap_or_default())?;
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
    .check(app, ignored)?;
    let prompt = check::read_part(asked.prompt, ignored);
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
    Work::start(
        Arc::clone(app),
        model,
        caller,
        tasks,
        Original::default(),
        output,
        deadline,
    )
}
