//! The errors of requests, and their HTTP status.

use std::time::Duration;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::queue::Refusal;
use crate::studio::StudioError;

/// Errors of requests.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// A field has an invalid value.
    #[error("{message}")]
    Invalid {
        /// The error message.
        message: String,
        /// The field, if known.
        param: Option<String>,
    },
    /// An unknown field.
    #[error("Unknown parameter: '{0}'.")]
    UnknownParameter(String),
    /// An invalid or too large picture.
    #[error("{message}")]
    InvalidImage {
        /// The error message.
        message: String,
        /// The field of the request.
        param: &'static str,
    },
    /// A missing or invalid key.
    #[error("an API key is required: send a valid one as \"Authorization: Bearer KEY\"")]
    Unauthorized,
    /// A request from another site.
    #[error("{0}")]
    Forbidden(&'static str),
    /// An unknown path or file.
    #[error("there is nothing at {0}")]
    NotFound(String),
    /// An unknown model.
    #[error("The model '{0}' does not exist: GET /v1/models lists the models.")]
    NoSuchModel(String),
    /// A method that the path does not have.
    #[error("this path does not accept {0}")]
    Method(String),
    /// The body is too large.
    #[error("the body is larger than the limit of {0} bytes")]
    TooLarge(usize),
    /// The body does not arrive in time.
    #[error("the body took longer than {} s to arrive", .0.as_secs())]
    SlowBody(Duration),
    /// A body of another media type.
    #[error("the body must be {0}")]
    MediaType(&'static str),
    /// The queue is full.
    #[error("the studio is busy: try again in {} s", seconds(*.0))]
    Busy(Duration),
    /// The rate limit of a key is exceeded.
    #[error("too many faces for this key: try again in {} s", seconds(*.0))]
    RateLimited(Duration),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The request takes too long.
    #[error("the request took longer than the limit of {} s", .0.as_secs())]
    Timeout(Duration),
    /// The model lacks a feature.
    #[error("{0}")]
    NotImplemented(&'static str),
    /// An error of the server. The log has the reason.
    #[error("something went wrong on the server, not with your request")]
    Internal,
}

/// An error, in the format of OpenAI's API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// The details of the error.
    pub(crate) error: ErrorDetail,
}

/// The details of the error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// The error message, one sentence.
    pub(crate) message: String,
    /// The class of the error.
    #[schema(example = "invalid_request_error")]
    pub(crate) r#type: &'static str,
    /// The field of the request that caused the error.
    #[schema(required)]
    pub(crate) param: Option<String>,
    /// The code of the error.
    #[schema(required)]
    pub(crate) code: Option<&'static str>,
}

impl ApiError {
    /// An error for a field with an invalid value.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            message: message.into(),
            param: Some(param.to_owned()),
        }
    }

    /// The HTTP status, class and code of each error.
    fn row(&self) -> (StatusCode, &'static str, Option<&'static str>) {
        const REQUEST: &str = "invalid_request_error";
        const RATE: &str = "rate_limit_error";
        const SERVER: &str = "server_error";
        use StatusCode as S;
        match self {
            Self::Invalid { .. } => (S::BAD_REQUEST, REQUEST, Some("invalid_value")),
            Self::UnknownParameter(_) => (S::BAD_REQUEST, REQUEST, Some("unknown_parameter")),
            Self::InvalidImage { .. } => (S::BAD_REQUEST, REQUEST, Some("invalid_image")),
            Self::Unauthorized => (S::UNAUTHORIZED, REQUEST, Some("invalid_api_key")),
            Self::Forbidden(_) => (S::FORBIDDEN, REQUEST, Some("cross_site_request")),
            Self::NotFound(_) => (S::NOT_FOUND, REQUEST, Some("not_found")),
            Self::NoSuchModel(_) => (S::NOT_FOUND, REQUEST, Some("model_not_found")),
            Self::Method(_) => (S::METHOD_NOT_ALLOWED, REQUEST, Some("method_not_allowed")),
            Self::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, REQUEST, Some("body_too_large")),
            Self::SlowBody(_) => (S::REQUEST_TIMEOUT, REQUEST, Some("body_too_slow")),
            Self::MediaType(_) => (
                S::UNSUPPORTED_MEDIA_TYPE,
                REQUEST,
                Some("unsupported_media_type"),
            ),
            Self::Busy(_) => (S::TOO_MANY_REQUESTS, RATE, Some("server_busy")),
            Self::RateLimited(_) => (S::TOO_MANY_REQUESTS, RATE, Some("rate_limit_exceeded")),
            Self::Stopping => (S::SERVICE_UNAVAILABLE, SERVER, Some("stopping")),
            Self::Timeout(_) => (S::GATEWAY_TIMEOUT, SERVER, Some("timeout")),
            Self::NotImplemented(_) => (S::NOT_IMPLEMENTED, REQUEST, Some("not_implemented")),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, SERVER, None),
        }
    }

    /// The body of the response.
    pub(crate) fn body(&self) -> ErrorBody {
        let (_, class, code) = self.row();
        let param = match self {
            Self::Invalid { param, .. } => param.clone(),
            Self::UnknownParameter(param) => Some(param.clone()),
            Self::InvalidImage { param, .. } => Some((*param).to_owned()),
            Self::NoSuchModel(_) => Some("model".to_owned()),
            _ => None,
        };
        ErrorBody {
            error: ErrorDetail {
                message: self.to_string(),
                r#type: class,
                param,
                code,
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.row();
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Busy(after) | Self::RateLimited(after) => {
                headers.insert(RETRY_AFTER, seconds(after).into());
            }
            Self::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full(after) => Self::Busy(after),
            Refusal::Closed => Self::Stopping,
        }
    }
}

impl From<StudioError> for ApiError {
    fn from(error: StudioError) -> Self {
        match error {
            StudioError::Invalid { message, param } => Self::Invalid {
                message,
                param: param.map(str::to_owned),
            },
            StudioError::Failed(reason) => {
                tracing::error!(reason, "the studio failed");
                Self::Internal
            }
        }
    }
}

/// Whole seconds, rounded up, at least 1.
fn seconds(time: Duration) -> u64 {
    time.as_secs_f64().ceil().max(1.0) as u64
}
