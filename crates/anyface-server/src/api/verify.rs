//! `POST /v1/verify`: the provenance of a picture.

use std::sync::Arc;

use anyface::image::Mark;
use anyface::provenance::{Certificate, Credentials, Evidence, Ingredient, Verdict};
use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{self, picture};
use crate::app::{App, Caller};
use crate::error::{ApiError, ErrorBody};
use crate::photo::turn;

/// A request to verify a picture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    /// The picture, as a data URL.
    #[schema(example = "data:image/png;base64,...")]
    image: String,
}

/// The provenance of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerifyResponse {
    verdict: VerdictName,
    /// The unsigned mark, if the file has one.
    #[schema(required)]
    mark: Option<MarkFields>,
    /// The signed content credentials, if the file has any.
    #[schema(required)]
    credentials: Option<CredentialsFields>,
}

/// The verdict on a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum VerdictName {
    /// The file is marked as AI-generated, and no check fails.
    Marked,
    /// The file has no mark. It may still be AI-generated.
    Unmarked,
    /// The file was changed after it was signed, or its signature is invalid.
    Tampered,
}

/// The mark in text chunks and XMP, which anyone can write.
#[derive(Debug, Serialize, ToSchema)]
struct MarkFields {
    /// The program that made the picture.
    #[schema(example = "anyface 0.1.0")]
    software: String,
    /// The model that made the picture.
    model: String,
    /// The prompt, if the file contains it.
    #[schema(required)]
    prompt: Option<String>,
    /// The seed, if the file contains it.
    #[schema(required)]
    seed: Option<u64>,
}

/// The content credentials (C2PA) of a file.
#[derive(Debug, Serialize, ToSchema)]
struct CredentialsFields {
    /// C2PA's codes of the failed checks. Empty if the file is as it was signed.
    #[schema(example = json!(["assertion.dataHash.mismatch"]))]
    problems: Vec<String>,
    /// The program that made the claim.
    #[schema(required, example = "anyface 0.1.0")]
    software: Option<String>,
    /// The model that made or changed the picture.
    #[schema(required)]
    model: Option<String>,
    /// The last segment of IPTC's digital source type.
    #[schema(required, example = "trainedAlgorithmicMedia")]
    digital_source_type: Option<String>,
    /// The prompt, if the file contains it.
    #[schema(required)]
    prompt: Option<String>,
    /// The seed, if the file contains it.
    #[schema(required)]
    seed: Option<u64>,
    /// The title of the picture.
    #[schema(required)]
    title: Option<String>,
    /// The signature algorithm.
    #[schema(required, example = "ed25519")]
    algorithm: Option<String>,
    /// The certificate chain of the signer, the key's own certificate first. It is not verified.
    certificates: Vec<CertificateFields>,
    /// The files that the picture was made from.
    ingredients: Vec<IngredientFields>,
}

/// A certificate of the chain.
#[derive(Debug, Serialize, ToSchema)]
struct CertificateFields {
    /// The subject of the certificate.
    subject: String,
    /// The serial number in hexadecimal.
    serial: String,
}

/// A file that a picture was made from.
#[derive(Debug, Serialize, ToSchema)]
struct IngredientFields {
    /// The title of the file.
    #[schema(required)]
    title: Option<String>,
    /// The media type of the file.
    #[schema(required)]
    format: Option<String>,
    /// Whether the picture is an edit of this file.
    is_parent: bool,
    /// Whether the file has content credentials of its own.
    has_credentials: bool,
}

/// Verify the provenance of a picture
#[utoipa::path(
    post, path = "/v1/verify", tag = "images", operation_id = "verifyImage",
    request_body = VerifyRequest,
    responses(
        (status = 200, description = "The provenance of the picture.", body = VerifyResponse),
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
    body::Json(asked): body::Json<VerifyRequest>,
) -> Result<Json<VerifyResponse>, ApiError> {
    app.check_rate(caller, 1)?;
    let file = picture(&app, &asked.image, "image")?;
    let _turn = turn(&app.decoders).await?;
    let evidence = tokio::task::spawn_blocking(move || Evidence::of(&file)).await;
    let evidence = evidence.map_err(|_| ApiError::Internal)?;
    Ok(Json(evidence.into()))
}

impl From<Evidence> for VerifyResponse {
    fn from(evidence: Evidence) -> Self {
        Self {
            verdict: match evidence.verdict() {
                Verdict::Marked => VerdictName::Marked,
                Verdict::Unmarked => VerdictName::Unmarked,
                Verdict::Tampered => VerdictName::Tampered,
            },
            mark: evidence.mark.map(MarkFields::from),
            credentials: evidence.credentials.map(CredentialsFields::from),
        }
    }
}

impl From<Mark> for MarkFields {
    fn from(mark: Mark) -> Self {
        Self {
            software: mark.software,
            model: mark.model,
            prompt: mark.prompt,
            seed: mark.seed,
        }
    }
}

impl From<Credentials> for CredentialsFields {
    fn from(credentials: Credentials) -> Self {
        Self {
            problems: credentials.problems,
            software: credentials.software,
            model: credentials.model,
            digital_source_type: credentials.digital_source_type,
            prompt: credentials.prompt,
            seed: credentials.seed,
            title: credentials.title,
            algorithm: credentials.algorithm,
            certificates: credentials
                .certificates
                .into_iter()
                .map(From::from)
                .collect(),
            ingredients: credentials
                .ingredients
                .into_iter()
                .map(From::from)
                .collect(),
        }
    }
}

impl From<Certificate> for CertificateFields {
    fn from(certificate: Certificate) -> Self {
        Self {
            subject: certificate.subject,
            serial: certificate.serial,
        }
    }
}

impl From<Ingredient> for IngredientFields {
    fn from(ingredient: Ingredient) -> Self {
        Self {
            title: ingredient.title,
            format: ingredient.format,
            is_parent: ingredient.is_parent,
            has_credentials: ingredient.has_credentials,
        }
    }
}
