//! Self-made keys, which no certificate authority has certified.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};

use crate::Error;

/// A key and its certificates as PEM.
pub(crate) struct SelfMade {
    pub(crate) key: String,
    /// The certificate of the key, then that of its authority.
    pub(crate) certificates: String,
}

/// Bytes before the 32 secret bytes of an Ed25519 key in PKCS#8 (RFC 8410, section 7), version 1 of
/// the format, which every program reads.
const ED25519_PKCS8: &[u8] = b"\x30\x2E\x02\x01\x00\x30\x05\x06\x03\x2B\x65\x70\x04\x22\x04\x20";

impl SelfMade {
    /// Creates an Ed25519 key with its certificates.
    pub(crate) fn generate() -> Result<Self, Error> {
        let failed = |reason: String| Error::Key(format!("cannot create a key: {reason}"));
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| failed(error.to_string()))?;
        let pkcs8 = [ED25519_PKCS8, &secret].concat().into();
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519);
        let made = key.and_then(|key| Self::certify(&key));
        made.map_err(|error| failed(error.to_string()))
    }

    /// Creates certificates for a key. A new authority signs them, and its key is discarded. C2PA
    /// does not allow self-signed certificates (specification 2.3, section 14.5).
    pub(crate) fn certify(key: &KeyPair) -> Result<Self, rcgen::Error> {
        let mut authority = params("anyface self-made authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate_for(&PKCS_ED25519)?;
        let authority = CertifiedIssuer::self_signed(authority, authority_key)?;

        let mut own = params("anyface self-made key");
        own.use_authority_key_identifier_extension = true;
        own.is_ca = IsCa::ExplicitNoCa;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // C2PA requires one of several purposes. All readers know this one.
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let certificate = own.signed_by(key, &authority)?;
        Ok(Self {
            key: key.serialize_pem(),
            certificates: certificate.pem() + &authority.pem(),
        })
    }
}

/// Parameters of a certificate with this common name.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let names = &mut params.distinguished_name;
    names.push(DnType::CommonName, name);
    names.push(DnType::OrganizationName, "anyface (self-made)");
    // Valid since yesterday, to allow for clocks that differ.
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    params.not_before = yesterday.into();
    // No expiration date (RFC 5280, section 4.1.2.5).
    params.not_after = date_time_ymd(9999, 12, 31);
    params
}
