//! `POST /v1/describe`: the description of a face.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{self, picture};
use super::faces::{Bounds, bounds};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::model::LoadedModel;
use crate::photo::Upload;

/// A request to describe a face.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescribeRequest {
    /// The picture, as a data URL.
    #[schema(example = "data:image/png;base64,...")]
    image: String,
    /// Index of the face in the picture; 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// Name of a model from `GET /v1/models`. Default: the first model.
    model: Option<String>,
}

/// The description of a face.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DescribeResponse {
    /// The description in one sentence.
    #[schema(example = "A young woman with long red hair, smiling.")]
    description: String,
    /// The model's confidence in each attribute, 0 to 1. Attributes have CelebA's names.
    attributes: BTreeMap<&'static str, f32>,
    /// Those of the model's `ideas` that the face does not show yet.
    ideas: Vec<String>,
    /// All faces in the picture, the largest first. Without a detector, the whole picture.
    faces: Vec<Bounds>,
}

/// Describe a face
#[utoipa::path(
    post, path = "/v1/describe", tag = "faces", operation_id = "describeFace",
    request_body = DescribeRequest,
    responses(
        (status = 200, description = "The description of the face.", body = DescribeResponse),
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
    body::Json(asked): body::Json<DescribeRequest>,
) -> Result<Json<DescribeResponse>, ApiError> {
    let model = app.models.find(asked.model.as_deref())?;
    let upload = Upload {
        file: picture(&app, &asked.image, "image")?,
        param: "image",
        face: asked.face.unwrap_or_default(),
    };
    look(&app, caller, model, upload).await.map(Json)
}

/// Describes a face in a picture.
///
/// # Errors
/// If the model does not describe faces, the rate limit is exceeded, or the picture does not
/// contain the face.
pub(super) async fn look(
    app: &Arc<App>,
    caller: Caller,
    model: &LoadedModel,
    upload: Upload,
) -> Result<DescribeResponse, ApiError> {
    let describer = model.describer.clone();
    let describer =
        describer.ok_or(ApiError::NotImplemented("this model cannot describe faces"))?;
    app.check_rate(caller, 1)?;
    let photograph = upload.open(app, model.about.resolution).await?;
    let faces = bounds(&photograph);
    let seen = tokio::task::spawn_blocking(move || describer.describe(&photograph.face)).await;
    let seen = seen.map_err(|_| ApiError::Internal)?;
    Ok(DescribeResponse {
        description: seen.description,
        attributes: seen.attributes.into_iter().collect(),
        ideas: seen.ideas,
        faces,
    })
}
