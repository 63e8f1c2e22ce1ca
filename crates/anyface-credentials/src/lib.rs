//! Content credentials of AI-generated pictures: what was made by which model, signed as
//! [C2PA](https://c2pa.org) says. Bytes in, bytes out.
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
//! A signed file holds no time, but random numbers, as C2PA wants: the same picture signed twice
//! gives different bytes, and the same pixels.

mod credentials;
mod error;
mod kept;
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

/// How the C2PA library works: without the network, and without a second look at what it signed.
static CONTEXT: LazyLock<Arc<c2pa::Context>> = LazyLock::new(|| {
    let settings = serde_json::json!({
        "verify": {
            "verify_after_sign": false,
            "remote_manifest_fetch": false,
            "ocsp_fetch": false,
        },
    });
    let context = c2pa::Context::new().with_settings(settings);
    context.expect("tested").into_shared()
});

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
