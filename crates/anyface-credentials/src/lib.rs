//! Content credentials of AI-generated pictures: signed statements of how a picture was made, in
//! the format of [C2PA](https://c2pa.org). Bytes in, bytes out.
//!
//! ```
//! use anyface_credentials::{Credentials, Making, Signer};
//!
//! # let picture = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/grey.png"));
//! let signer = Signer::self_made()?;
//! let making = Making { software: "anyface 0.1.0", model: "portraits", ..Making::default() };
//! let signed = signer.sign(picture, &making)?;
//!
//! let credentials = Credentials::read(&signed).expect("it was signed");
//! assert!(credentials.is_intact() && credentials.says_ai_generated());
//!
//! let mut changed = signed;
//! let last = changed.len() - 13; // within the checksum of the pixels
//! changed[last] ^= 1;
//! assert!(!Credentials::read(&changed).expect("still there").is_intact());
//! # Ok::<(), anyface_credentials::Error>(())
//! ```
//!
//! A signed file contains no time. It contains random numbers, as C2PA requires, so signing a
//! picture twice gives different bytes with the same pixels.

mod credentials;
mod error;
mod key_file;
mod making;
mod media_type;
mod self_made;
mod sign;
mod signer;

use std::sync::{Arc, LazyLock};

pub use credentials::{Certificate, Credentials, Ingredient};
pub use error::Error;
pub use making::Making;
pub use signer::Signer;

/// Settings of the C2PA library: no network requests, and no validation after signing.
static CONTEXT: LazyLock<Arc<c2pa::Context>> = LazyLock::new(|| {
    let settings = serde_json::json!({
        "verify": {
            "verify_after_sign": false,
            "remote_manifest_fetch": false,
            "ocsp_fetch": false,
        },
    });
    let context = c2pa::Context::new().with_settings(settings);
    context.expect("valid settings").into_shared()
});

/// Compiles the README examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
