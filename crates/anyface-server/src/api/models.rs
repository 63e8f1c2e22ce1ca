//! `GET /v1/models`: the models and the aliases of the first.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::model::LoadedModel;

/// All models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// Always "list".
    pub(crate) object: &'static str,
    /// The models by their own names, then the aliases of the first.
    pub(crate) data: Vec<Model>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    /// The name of the model, or an alias.
    pub(crate) id: String,
    /// The model's own name, if `id` is an alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alias_of: Option<String>,
    /// Always "model".
    pub(crate) object: &'static str,
    /// Start of the server in seconds since 1970.
    pub(crate) created: u64,
    /// Always "anyface".
    pub(crate) owned_by: &'static str,
    /// Licence of the weights.
    pub(crate) license: String,
    /// Example descriptions that the model draws well.
    pub(crate) examples: Vec<String>,
    /// Example edits.
    pub(crate) ideas: Vec<String>,
    /// Side of the images in pixels.
    pub(crate) resolution: u32,
    /// Default truncation ψ, 0 to 1.
    pub(crate) truncation: f64,
    /// Largest number of images per request.
    pub(crate) max_n: usize,
    /// Whether the model edits faces.
    pub(crate) edits: bool,
    /// Whether the model describes faces.
    pub(crate) describes: bool,
    /// Whether the model edits photos.
    pub(crate) photos: bool,
    /// Whether faces in photos are detected and aligned. If not, a photo counts as one face.
    pub(crate) finds_faces: bool,
}

fn model(app: &App, id: &str, loaded: &LoadedModel) -> Model {
    let about = &loaded.about;
    Model {
        id: id.to_owned(),
        alias_of: (id != about.model).then(|| about.model.clone()),
        describes: loaded.describer.is_some(),
        object: "model",
        created: app.started,
        owned_by: "anyface",
        license: about.license.clone(),
        examples: about.examples.clone(),
        ideas: about.ideas.clone(),
        resolution: about.resolution,
        truncation: about.truncation,
        max_n: app.config.max_n,
        edits: about.edits,
        photos: about.inverts,
        finds_faces: app.detector.is_some(),
    }
}

/// List the models
#[utoipa::path(
    get, path = "/v1/models", tag = "models", operation_id = "listModels",
    responses(
        (status = 200, description = "All names and aliases of the models.", body = ModelList),
        (
            status = "4XX", description = "Refused",
            body = ErrorBody, content_type = "application/json"
        ),
    ),
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Json<ModelList> {
    Json(ModelList {
        object: "list",
        data: app
            .models
            .names()
            .map(|(name, loaded)| model(&app, name, loaded))
            .collect(),
    })
}

/// Retrieve a model
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "models", operation_id = "retrieveModel",
    params(
        ("model" = String, Path,
            description = "Name or alias of the model", example = "gpt-image-1")
    ),
    responses(
        (status = 200, description = "The model.", body = Model),
        (
            status = "4XX", description = "Refused",
            body = ErrorBody, content_type = "application/json"
        ),
    ),
)]
pub(crate) async fn retrieve(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Model>, ApiError> {
    let loaded = app.models.find(Some(&name))?;
    Ok(Json(model(&app, &name, loaded)))
}
