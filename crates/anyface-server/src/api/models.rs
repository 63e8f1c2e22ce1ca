//! `GET /v1/models`: the models, and the other names of the first.

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
    /// "list".
    pub(crate) object: &'static str,
    /// The models under their own names first.
    pub(crate) data: Vec<Model>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    /// Its name.
    pub(crate) id: String,
    /// Its own name, where this is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alias_of: Option<String>,
    /// "model".
    pub(crate) object: &'static str,
    /// When the server started, in seconds since 1970.
    pub(crate) created: u64,
    /// "anyface".
    pub(crate) owned_by: &'static str,
    /// Licence of its weights.
    pub(crate) license: String,
    /// Descriptions to try, which it draws well.
    pub(crate) examples: Vec<String>,
    /// Edits to try, in words.
    pub(crate) ideas: Vec<String>,
    /// Side of its images in pixels.
    pub(crate) resolution: u32,
    /// ψ where a request names none.
    pub(crate) truncation: f64,
    /// Most images of one request.
    pub(crate) max_n: usize,
    /// Whether faces can be edited in words.
    pub(crate) edits: bool,
    /// Whether it says what is seen in a face.
    pub(crate) describes: bool,
    /// Whether photos can be edited.
    pub(crate) photos: bool,
    /// Whether faces of photos are found and aligned; else a photo is taken as one aligned face.
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

/// The models
#[utoipa::path(
    get, path = "/v1/models", tag = "models", operation_id = "listModels",
    responses(
        (status = 200, description = "The models, under all their names.", body = ModelList),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
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

/// One model
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "models", operation_id = "retrieveModel",
    params(("model" = String, Path, description = "A name from the list", example = "gpt-image-1")),
    responses(
        (status = 200, description = "The model.", body = Model),
        (status = "4XX", description = "Refused", body = ErrorBody, content_type = "application/json"),
    ),
)]
pub(crate) async fn retrieve(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Model>, ApiError> {
    let loaded = app.models.find(Some(&name))?;
    Ok(Json(model(&app, &name, loaded)))
}
