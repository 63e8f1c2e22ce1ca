//! Reads and validates the content credentials of a file.

use std::io::Cursor;

use c2pa::assertions::{Actions, SoftwareAgent};
use c2pa::{Manifest, Reader, ValidationState};
use serde::Serialize;
use x509_parser::pem::Pem;

use crate::CONTEXT;
use crate::making::{PROMPT_AND_SEED, PromptAndSeed};
use crate::media_type::media_type;
use crate::signer::one_line;

/// UUID of the box with all credentials of a file (C2PA specification 2.3, section 11.1.4.2).
const MANIFEST_STORE: [u8; 16] = *b"c2pa\x00\x11\x00\x10\x80\x00\x00\xAA\x00\x38\x9B\x71";

/// The content credentials of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Credentials {
    /// C2PA's codes of failed validations, such as "assertion.dataHash.mismatch". Empty if the file
    /// has not changed since it was signed.
    pub problems: Vec<String>,
    /// Program that made the claim, e.g. "anyface 0.1.0".
    pub software: Option<String>,
    /// Model that generated or edited the picture.
    pub model: Option<String>,
    /// Last part of IPTC's digital source type, e.g. "trainedAlgorithmicMedia".
    pub digital_source_type: Option<String>,
    /// The prompt, if it is included.
    pub prompt: Option<String>,
    /// The seed, if it is included.
    pub seed: Option<u64>,
    /// Title of the picture.
    pub title: Option<String>,
    /// Algorithm of the signature, e.g. "ed25519".
    pub algorithm: Option<String>,
    /// Certificate chain of the key, the key's own certificate first. The identity of the signer is
    /// not verified.
    pub certificates: Vec<Certificate>,
    /// Files that the picture was made from.
    pub ingredients: Vec<Ingredient>,
}

/// A certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Certificate {
    /// Subject, e.g. "CN=anyface self-made key, O=anyface (self-made)".
    pub subject: String,
    /// Serial number in hexadecimal.
    pub serial: String,
}

/// A file that a picture was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ingredient {
    /// Title of the file.
    pub title: Option<String>,
    /// Media type of the file.
    pub format: Option<String>,
    /// Whether the picture is an edit of the file.
    pub is_parent: bool,
    /// Whether the file has credentials of its own.
    pub has_credentials: bool,
}

impl Credentials {
    /// Reads the credentials of a picture file; `None` if it has none. Makes no network requests.
    pub fn read(file: &[u8]) -> Option<Self> {
        let reader = Reader::from_shared_context(&CONTEXT);
        match reader.with_stream(media_type(file), Cursor::new(file)) {
            Ok(reader) => Some(Self::of(&reader)),
            Err(error) => has_manifest_store(file).then(|| Self {
                problems: vec![one_line(&error)],
                ..Self::default()
            }),
        }
    }

    /// Whether the signature is valid and the file has not changed since. Does not verify the
    /// identity of the signer.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether the credentials say that a trained model made the picture or a part of it.
    pub fn says_ai_generated(&self) -> bool {
        let kind = self.digital_source_type.as_deref().unwrap_or_default();
        [
            "trainedAlgorithmicMedia",
            "compositeWithTrainedAlgorithmicMedia",
        ]
        .contains(&kind)
    }

    fn of(reader: &Reader) -> Self {
        let active = reader.active_manifest().map(Self::of_manifest);
        let problems = match reader.validation_state() {
            ValidationState::Invalid => problems(reader),
            ValidationState::Valid | ValidationState::Trusted => Vec::new(),
        };
        Self {
            problems,
            ..active.unwrap_or_default()
        }
    }

    /// The content of a manifest, without validation.
    fn of_manifest(manifest: &Manifest) -> Self {
        let actions = manifest.find_assertion::<Actions>(Actions::LABEL).ok();
        let actions = actions.as_ref().map(|actions| actions.actions());
        // The last action with a source type describes the current picture.
        let action = actions
            .unwrap_or_default()
            .iter()
            .rfind(|action| action.source_type().is_some());
        let kind = action.and_then(|action| action.source_type());
        let making: PromptAndSeed = manifest.find_assertion(PROMPT_AND_SEED).unwrap_or_default();
        let signature = manifest.signature_info();
        Self {
            problems: Vec::new(),
            software: software(manifest),
            model: action.and_then(|action| match action.software_agent()? {
                SoftwareAgent::String(name) => Some(name.clone()),
                SoftwareAgent::ClaimGeneratorInfo(info) => Some(info.name.clone()),
            }),
            digital_source_type: kind.map(|kind| last_part(&kind.to_string())),
            prompt: making.prompt,
            seed: making.seed,
            title: manifest.title().map(str::to_owned),
            algorithm: signature
                .and_then(|signature| signature.alg)
                .map(|algorithm| algorithm.to_string()),
            certificates: signature
                .map(|signature| certificates(signature.cert_chain()))
                .unwrap_or_default(),
            ingredients: manifest.ingredients().iter().map(Ingredient::of).collect(),
        }
    }
}

impl Ingredient {
    fn of(ingredient: &c2pa::Ingredient) -> Self {
        Self {
            title: ingredient.title().map(str::to_owned),
            format: ingredient.format().map(str::to_owned),
            is_parent: ingredient.is_parent(),
            has_credentials: ingredient.active_manifest().is_some(),
        }
    }
}

/// Whether a file contains a box of credentials, even if it cannot be read.
fn has_manifest_store(file: &[u8]) -> bool {
    file.windows(MANIFEST_STORE.len())
        .any(|window| window == MANIFEST_STORE)
}

/// The distinct codes of failed validations, in order. Untrusted keys are not reported, since trust
/// is not checked.
fn problems(reader: &Reader) -> Vec<String> {
    let failed = reader.validation_status().unwrap_or_default().iter();
    let codes = failed.map(|status| status.code());
    let mut problems: Vec<String> = Vec::new();
    for code in codes.filter(|code| *code != "signingCredential.untrusted") {
        if !problems.iter().any(|problem| problem == code) {
            problems.push(code.to_owned());
        }
    }
    if problems.is_empty() {
        problems.push("claimSignature.missing".to_owned());
    }
    problems
}

/// The program that made the claim.
fn software(manifest: &Manifest) -> Option<String> {
    let info = manifest.claim_generator_info.as_ref()?.first()?;
    let version = info.version.as_deref().unwrap_or_default();
    Some(format!("{} {version}", info.name).trim_end().to_owned())
}

/// The certificates of a chain in PEM. Skips those that cannot be parsed.
fn certificates(pem: &str) -> Vec<Certificate> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes());
    let readable = blocks.filter_map(Result::ok).filter_map(|block| {
        let certificate = block.parse_x509().ok()?;
        Some(Certificate {
            subject: certificate.subject().to_string(),
            serial: certificate.raw_serial_as_string(),
        })
    });
    readable.collect()
}

/// The text after the last slash.
fn last_part(address: &str) -> String {
    address.rsplit('/').next().unwrap_or_default().to_owned()
}
