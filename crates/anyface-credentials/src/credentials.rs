//! What the credentials of a file say, and whether they hold.

use std::io::Cursor;

use c2pa::assertions::{Actions, SoftwareAgent};
use c2pa::{Manifest, Reader, ValidationState};
use serde::Serialize;
use x509_parser::pem::Pem;

use crate::CONTEXT;
use crate::making::{TOLD, Told};
use crate::media_type::media_type;
use crate::signer::one_line;

/// The UUID of the box that holds all credentials of a file, "c2pa" (C2PA specification 2.3,
/// section 11.1.4.2).
const MANIFEST_STORE: [u8; 16] = *b"c2pa\x00\x11\x00\x10\x80\x00\x00\xAA\x00\x38\x9B\x71";

/// What the credentials of a file say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// What does not hold, by C2PA's codes, such as "assertion.dataHash.mismatch"; nothing, where
    /// the file is as it was signed.
    pub problems: Vec<String>,
    /// The program that made the claim, "anyface 0.1.0".
    pub software: Option<String>,
    /// The model that made or changed the picture.
    pub model: Option<String>,
    /// The last part of IPTC's digital source type, "trainedAlgorithmicMedia".
    pub digital_source_type: Option<String>,
    /// The words it was made from, where they are told.
    pub prompt: Option<String>,
    /// The seed of its noise, where it is told.
    pub seed: Option<u64>,
    /// What the picture is called.
    pub title: Option<String>,
    /// The algorithm of the signature, "ed25519".
    pub algorithm: Option<String>,
    /// Who signed: the certificate of the key, then who signed that one, and so on. Nobody checked
    /// who they are.
    pub certificates: Vec<Certificate>,
    /// The files that it was made from.
    pub ingredients: Vec<Ingredient>,
}

/// One link of a chain of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Whose it is, "CN=anyface self-made key, O=anyface (self-made)".
    pub subject: String,
    /// Its number in hexadecimal.
    pub serial: String,
}

/// A file that a picture was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ingredient {
    /// What it is called.
    pub title: Option<String>,
    /// Its media type.
    pub format: Option<String>,
    /// Whether the picture is an edit of it.
    pub is_parent: bool,
    /// Whether it had credentials of its own.
    pub has_credentials: bool,
}

impl Credentials {
    /// Reads the credentials of a picture file; `None` when it has none. The network is left alone.
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

    /// Whether the signature holds and the file is as it was signed. By whom, is another question.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether they say that a trained model made the picture, or a part of it.
    pub fn says_ai_generated(&self) -> bool {
        let kind = self.digital_source_type.as_deref().unwrap_or_default();
        [
            "trainedAlgorithmicMedia",
            "compositeWithTrainedAlgorithmicMedia",
        ]
        .contains(&kind)
    }

    fn of(reader: &Reader) -> Self {
        let said = reader.active_manifest().map(Self::said).unwrap_or_default();
        let problems = match reader.validation_state() {
            ValidationState::Invalid => problems(reader),
            ValidationState::Valid | ValidationState::Trusted => Vec::new(),
        };
        Self { problems, ..said }
    }

    /// What a manifest says.
    fn said(manifest: &Manifest) -> Self {
        let actions = manifest.find_assertion::<Actions>(Actions::LABEL).ok();
        let actions = actions.as_ref().map(|actions| actions.actions());
        // The last action says what the picture is now.
        let action = actions
            .unwrap_or_default()
            .iter()
            .rfind(|action| action.source_type().is_some());
        let kind = action.and_then(|action| action.source_type());
        let told: Told = manifest.find_assertion(TOLD).unwrap_or_default();
        let signature = manifest.signature_info();
        Self {
            problems: Vec::new(),
            software: software(manifest),
            model: action.and_then(|action| match action.software_agent()? {
                SoftwareAgent::String(name) => Some(name.clone()),
                SoftwareAgent::ClaimGeneratorInfo(info) => Some(info.name.clone()),
            }),
            digital_source_type: kind.map(|kind| last_part(&kind.to_string())),
            prompt: told.prompt,
            seed: told.seed,
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

/// Whether a file holds the start of credentials, readable or not.
fn has_manifest_store(file: &[u8]) -> bool {
    file.windows(MANIFEST_STORE.len())
        .any(|window| window == MANIFEST_STORE)
}

/// The codes of all that failed, in their order, each once. That nobody vouches for the key is no
/// fault of the file.
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

/// The links of a chain in PEM.
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

/// What stands behind the last slash.
fn last_part(address: &str) -> String {
    address.rsplit('/').next().unwrap_or_default().to_owned()
}
