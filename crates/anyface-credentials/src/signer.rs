//! Keys that sign, with the certificates that say whose they are.

use std::fmt;

use c2pa::create_signer::from_keys;
use c2pa::{BoxedSigner, SigningAlg};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use crate::self_made::SelfMade;
use crate::{Credentials, Error, Making};

/// A grey PNG of one pixel, for a first signature.
const PIXEL: &[u8] = include_bytes!("../tests/fixtures/grey.png");

/// Room for a signature beside its certificates, in bytes: at most 96 of its own, and the headers
/// of COSE.
const SIGNATURE_ROOM: usize = 512;

/// A key that signs, with its certificates.
pub struct Signer(BoxedSigner);

impl Signer {
    /// A key as PEM (PKCS#8; Ed25519, or ECDSA on P-256 or P-384), and the certificates for it as
    /// PEM, the key's own first. It signs one pixel, so that what cannot sign is refused here.
    ///
    /// # Errors
    /// [`Error::Key`] when the key is none, or C2PA does not accept its certificates: they must be
    /// another's signature, now valid, for `digitalSignature` and `emailProtection` or another
    /// purpose that C2PA allows.
    pub fn from_pem(key: &str, certificates: &str) -> Result<Self, Error> {
        let algorithm = algorithm(key)?;
        let signer = from_keys(certificates.as_bytes(), key.as_bytes(), algorithm, None);
        let signer = signer.map_err(|error| Error::Key(one_line(&error)))?;
        if signer
            .certs()
            .is_ok_and(|certificates| certificates.is_empty())
        {
            return Err(Error::Key("there is no certificate for the key".to_owned()));
        }
        let signer = Self(Box::new(Compact(signer)));
        signer.try_out()?;
        Ok(signer)
    }

    /// A new key that is not kept.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn self_made() -> Result<Self, Error> {
        let made = SelfMade::generate()?;
        Self::from_pem(&made.key, &made.certificates)
    }

    /// Signs one pixel and reads it back.
    fn try_out(&self) -> Result<(), Error> {
        let refused = |reason: &str| Error::Key(format!("the key cannot sign: {reason}"));
        let signed = self.sign(PIXEL, &Making::default());
        let signed = signed.map_err(|error| match error {
            Error::Sign(reason) => refused(&reason),
            other => other,
        })?;
        match Credentials::read(&signed) {
            Some(read) if read.is_intact() => Ok(()),
            Some(read) => Err(refused(&read.problems.join(", "))),
            None => Err(refused("its signature is lost")),
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

/// The algorithm that a key signs with.
fn algorithm(key: &str) -> Result<SigningAlg, Error> {
    let pair = KeyPair::from_pem(key).map_err(|_| {
        let way_out = "`openssl pkcs8 -topk8 -nocrypt -in KEY` writes one";
        Error::Key(format!("there is no plain PKCS#8 key in PEM: {way_out}"))
    })?;
    let known = [
        (&PKCS_ED25519, SigningAlg::Ed25519),
        (&PKCS_ECDSA_P256_SHA256, SigningAlg::Es256),
        (&PKCS_ECDSA_P384_SHA384, SigningAlg::Es384),
    ];
    let found = known
        .into_iter()
        .find(|(kind, _)| *kind == pair.algorithm());
    found.map(|(_, algorithm)| algorithm).ok_or_else(|| {
        Error::Key("the key must be of Ed25519, or of ECDSA on P-256 or P-384".to_owned())
    })
}

/// What an error of the C2PA library says, in one line.
pub(crate) fn one_line(error: &c2pa::Error) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A signer that reserves no room for the answer of a time stamp service, which is not asked.
struct Compact(BoxedSigner);

impl c2pa::Signer for Compact {
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
        SIGNATURE_ROOM + certificates.iter().map(Vec::len).sum::<usize>()
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
    fn keys_of_ecdsa_sign_too() {
        for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
            let made = SelfMade::certify(&KeyPair::generate_for(kind).unwrap()).unwrap();
            Signer::from_pem(&made.key, &made.certificates).unwrap();
        }
    }

    #[test]
    fn a_key_of_another_kind_is_told_what_it_should_be() {
        let error = Signer::from_pem("-----BEGIN EC PRIVATE KEY-----", "").unwrap_err();
        assert!(error.to_string().contains("openssl pkcs8"), "{error}");
    }
}
