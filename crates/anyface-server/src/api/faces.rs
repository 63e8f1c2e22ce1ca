//! `POST /v1/faces`: faces as latents. A photo becomes one, edits follow each other, two faces are mixed.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Work;
use super::body::{self, data_url, decode_latent};
use super::check;
use super::output::{FileFormat, Wish};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo;
use crate::studio::{Edit, FaceSource, Task};

/// Longest chain of edits.
const MAX_EDITS: usize = 32;

/// A request for one face: where it comes from, and the changes made to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaceRequest {
    /// Where the face comes from.
    from: From,
    /// Changes, made one after another.
    #[schema(max_items = 32)]
    #[serde(default)]
    edits: Vec<EditStep>,
    /// "auto" (the model's own) or a square, to which the image is scaled.
    #[schema(pattern = "^(auto|[0-9]+x[0-9]+)$", example = "auto")]
    size: Option<String>,
    output_format: Option<FileFormat>,
}

/// Where a face comes from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum From {
    /// From words and a seed.
    Words(Words),
    /// From a latent of this API.
    Latent(String),
    /// From a photo, as a data URL.
    Image(String),
    /// From two latents.
    Mix(Mix),
}

/// A description and a seed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// What the face looks like, in any words.
    #[schema(min_length = 1, max_length = 4000)]
    prompt: String,
    /// A random one when left out; the answer tells which.
    #[schema(minimum = 0)]
    seed: Option<u64>,
    /// How typical the face is in what the words leave open, 0 (the mean) to 1.
    #[schema(minimum = 0, maximum = 1)]
    truncation: Option<f64>,
}

/// A face between two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mix {
    /// The latent at 0.
    from: String,
    /// The latent at 1.
    to: String,
    /// How far along.
    #[schema(minimum = 0, maximum = 1)]
    t: f64,
}

/// One change in words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditStep {
    /// What to change, in any words.
    #[schema(min_length = 1, max_length = 4000)]
    prompt: String,
    /// How much, −1 (the opposite) to 1.
    #[schema(minimum = -1, maximum = 1)]
    strength: Option<f64>,
    /// What must stay as it is, in words.
    #[schema(max_items = 16)]
    #[serde(default)]
    keep: Vec<String>,
}

/// A face.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaceResponse {
    /// The file in base64.
    pub(crate) b64_json: String,
    /// Its latent: base64 of L x D little-endian 32-bit floats.
    pub(crate) latent: String,
    /// Its seed, where it comes from words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Cosine between picture and words, where there are words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_score: Option<f32>,
}

/// One face from words, a photo, a latent or two, changed by a chain of edits
#[utoipa::path(
    post, path = "/v1/faces", tag = "faces", operation_id = "createFace",
    request_body = FaceRequest,
    responses(
        (status = 200, description = "The face.", body = FaceResponse),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body::Json(asked): body::Json<FaceRequest>,
) -> Result<Json<FaceResponse>, ApiError> {
    let deadline = app.deadline();
    if asked.edits.len() > MAX_EDITS {
        let message = format!("edits must have at most {MAX_EDITS} steps");
        return Err(ApiError::invalid("edits", message));
    }
    let edits = asked
        .edits
        .into_iter()
        .map(step)
        .collect::<Result<_, _>>()?;
    let output = Wish {
        size: asked.size,
        format: asked.output_format,
        latents: Some(true),
        ..Wish::default()
    }
    .check(&app)?;
    let task = Task {
        source: source(&app, asked.from).await?,
        edits,
        sketches: 0,
    };
    let mut work = Work::start(app, caller, vec![task], output, deadline)?;
    let picture = work.next().await?.ok_or(ApiError::Internal)?;
    let extra = picture.extra.ok_or(ApiError::Internal)?;
    Ok(Json(FaceResponse {
        b64_json: picture.encoded,
        latent: extra.latent.ok_or(ApiError::Internal)?,
        seed: extra.seed,
        clip_score: extra.clip_score,
    }))
}

async fn source(app: &Arc<App>, from: From) -> Result<FaceSource, ApiError> {
    Ok(match from {
        From::Words(words) => {
            check::text("from.words.prompt", &words.prompt)?;
            FaceSource::Words {
                truncation: check::truncation("from.words.truncation", words.truncation)?,
                seed: words.seed.unwrap_or_else(check::random_seed),
                captions: vec![words.prompt],
            }
        }
        From::Latent(latent) => FaceSource::Latent(decode_latent(app, &latent, "from.latent")?),
        From::Image(url) => {
            let file = data_url(&url, "from.image")?;
            FaceSource::Photo(photo::face(app, file, "from.image").await?)
        }
        From::Mix(mix) => {
            check::within("from.mix.t", Some(mix.t), 0.0, 1.0)?;
            FaceSource::Mix {
                from: decode_latent(app, &mix.from, "from.mix.from")?,
                to: decode_latent(app, &mix.to, "from.mix.to")?,
                t: mix.t,
            }
        }
    })
}

fn step(step: EditStep) -> Result<Edit, ApiError> {
    check::text("edits.prompt", &step.prompt)?;
    check::keep(&step.keep)?;
    Ok(Edit {
        strength: check::strength("edits.strength", step.strength)?,
        text: step.prompt,
        keep: step.keep,
    })
}
