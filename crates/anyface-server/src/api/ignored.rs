//! Fields of OpenAI's API that are accepted and change nothing here. An answer lists them.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

/// The header that lists what was passed over.
const HEADER: HeaderName = HeaderName::from_static("anyface-ignored");

/// What a request asks for that has no meaning here.
#[derive(Default)]
pub(crate) struct Ignored(Vec<&'static str>);

impl Ignored {
    /// Notes a field, if it is given.
    pub(crate) fn note(&mut self, field: &'static str, is_given: bool) {
        if is_given {
            self.0.push(field);
        }
    }

    /// The answer with the list in its header, where there is something on it.
    pub(crate) fn tell(self, mut response: Response) -> Response {
        if !self.0.is_empty()
            && let Ok(list) = HeaderValue::from_str(&self.0.join(", "))
        {
            response.headers_mut().insert(HEADER, list);
        }
        response
    }
}
