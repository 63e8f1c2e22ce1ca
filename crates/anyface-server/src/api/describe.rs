//! `POST /v1/describe`: what is seen in a face.

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

/// A request to look at a face.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescribeRequest {
    /// The picture, as a data URL.
    #[schema(example = "data:image/png;base64,...")]
    image: String,
    /// Which of its faces: 0 is the largest.
    #[schema(minimum = 0)]
    face: Option<usize>,
    /// A name from `GET /v1/models`.
    model: Option<String>,
}

/// What is seen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DescribeResponse {
    /// One sentence.
    #[schema(example = "A young woman with long red hair, smiling.")]
    description: String,
    /// Attributes by CelebA's names, and how sure the model is, 0 to 1, that the face has each.
    attributes: BTreeMap<&'static str, f32>,
    /// Edits to try: those of the model's ideas that the face does not show yet.
    ideas: Vec<String>,
    /// All faces of the picture, the largest first; one, where nothing looked for them.
    faces: Vec<Bounds>,
}

/// What is seen in a face
#[utoipa::path(
    post, path = "/v1/describe", tag = "faces", operation_id = "describeFace",
    request_body = DescribeRequest,
    responses(
        (status = 200, description = "What is seen.", body = DescribeResponse),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
        (status = "5XX", description = "Failed", body = ErrorBody, content_type = "application/json"),
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

/// What a model sees in a face of a picture.
///
/// # Errors
/// When the model cannot describe faces, the caller asks too often, or the picture has no such
/// face.
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
