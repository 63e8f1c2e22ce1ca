//! Fields of OpenAI's API that are accepted without effect. A header of the response lists them.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// The header with the list.
const HEADER: HeaderName = HeaderName::from_static("anyface-ignored");

/// The fields of a request that have no effect.
#[derive(Default)]
pub(crate) struct Ignored(Vec<&'static str>);

impl Ignored {
    /// Adds a field, if it is given.
    pub(crate) fn note(&mut self, field: &'static str, is_given: bool) {
        if is_given {
            self.0.push(field);
        }
    }

    /// Adds the list to the headers of the response, unless it is empty.
    pub(crate) fn tell(self, mut response: Response) -> Response {
        if !self.0.is_empty()
            && let Ok(list) = HeaderValue::from_str(&self.0.join(", "))
        {
            response.headers_mut().insert(HEADER, list);
        }
        response
    }
}
