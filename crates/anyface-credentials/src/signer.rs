//! Signing keys with their certificates.

use std::fmt;

use c2pa::create_signer::from_keys;
use c2pa::{BoxedSigner, SigningAlg};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use crate::self_made::SelfMade;
use crate::{Credentials, Error, Making};

/// A grey PNG of one pixel, for a test signature.
const PIXEL: &[u8] = include_bytes!("../tests/fixtures/grey.png");

/// Bytes reserved for a signature in addition to its certificates: at most 96 for the signature
/// itself, the rest for COSE headers.
const SIGNATURE_SIZE: usize = 512;

/// A signing key with its certificates.
pub struct Signer(BoxedSigner);

impl Signer {
    /// Reads a key in PEM (PKCS#8; Ed25519, or ECDSA on P-256 or P-384) and its certificate chain
    /// in PEM, the key's own certificate first. Makes a test signature, so that every returned key
    /// can sign.
    ///
    /// # Errors
    /// [`Error::Key`] if the text is not a key, or C2PA does not accept its certificates. They must
    /// not be self-signed, must be valid now, and must allow `digitalSignature` and
    /// `emailProtection` or another purpose of C2PA.
    pub fn from_pem(key: &str, certificates: &str) -> Result<Self, Error> {
        let algorithm = algorithm(key)?;
        let signer = from_keys(certificates.as_bytes(), key.as_bytes(), algorithm, None);
        let signer = signer.map_err(|error| Error::Key(one_line(&error)))?;
        if signer
            .certs()
            .is_ok_and(|certificates| certificates.is_empty())
        {
            return Err(Error::Key("the key has no certificate".to_owned()));
        }
        let signer = Self(Box::new(WithoutTimestamp(signer)));
        signer.test_signature()?;
        Ok(signer)
    }

    /// Creates a key that is not stored.
    ///
    /// # Errors
    /// If the operating system provides no random numbers.
    pub fn self_made() -> Result<Self, Error> {
        let made = SelfMade::generate()?;
        Self::from_pem(&made.key, &made.certificates)
    }

    /// Signs one pixel and validates the signature.
    fn test_signature(&self) -> Result<(), Error> {
        let refused = |reason: &str| Error::Key(format!("the key cannot sign: {reason}"));
        let signed = self.sign(PIXEL, &Making::default());
        let signed = signed.map_err(|error| match error {
            Error::Sign(reason) => refused(&reason),
            other => other,
        })?;
        match Credentials::read(&signed) {
            Some(read) if read.is_intact() => Ok(()),
            Some(read) => Err(refused(&read.problems.join(", "))),
            None => Err(refused("its signature cannot be read back")),
        }
    }

    pub(crate) fn inner(&self) -> &dyn c2pa::Signer {
        &*self.0
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.0.alg())
    }
}

/// The signature algorithm of a key.
fn algorithm(key: &str) -> Result<SigningAlg, Error> {
    let pair = KeyPair::from_pem(key).map_err(|_| {
        let remedy = "`openssl pkcs8 -topk8 -nocrypt -in KEY` converts a key";
        Error::Key(format!("not an unencrypted PKCS#8 key in PEM: {remedy}"))
    })?;
    let known = [
        (&PKCS_ED25519, SigningAlg::Ed25519),
        (&PKCS_ECDSA_P256_SHA256, SigningAlg::Es256),
        (&PKCS_ECDSA_P384_SHA384, SigningAlg::Es384),
    ];
    let found = known
        .into_iter()
        .find(|(kind, _)| *kind == pair.algorithm());
    found
        .map(|(_, algorithm)| algorithm)
        .ok_or_else(|| Error::Key("the key must be Ed25519, or ECDSA on P-256 or P-384".to_owned()))
}

/// An error of the C2PA library in one line.
pub(crate) fn one_line(error: &c2pa::Error) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A signer that reserves no space for a time stamp, since no time stamp service is used.
struct WithoutTimestamp(BoxedSigner);

impl c2pa::Signer for WithoutTimestamp {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        self.0.sign(data)
    }

    fn alg(&self) -> SigningAlg {
        self.0.alg()
    }

    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        self.0.certs()
    }

    fn reserve_size(&self) -> usize {
        let certificates = self.0.certs().unwrap_or_default();
        SIGNATURE_SIZE + certificates.iter().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::CertificateParams;

    #[test]
    fn an_expired_certificate_is_refused() {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let error = Signer::from_pem(&key.serialize_pem(), &certificate.pem()).unwrap_err();
        assert!(error.to_string().contains("the key cannot sign"), "{error}");
    }

    #[test]
    fn ecdsa_keys_can_sign() {
        for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
            let made = SelfMade::certify(&KeyPair::generate_for(kind).unwrap()).unwrap();
            Signer::from_pem(&made.key, &made.certificates).unwrap();
        }
    }

    #[test]
    fn the_error_for_another_key_format_has_a_remedy() {
        let error = Signer::from_pem("-----BEGIN EC PRIVATE KEY-----", "").unwrap_err();
        assert!(error.to_string().contains("openssl pkcs8"), "{error}");
    }
}
