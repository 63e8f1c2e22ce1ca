//! Keys that no authority vouches for.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};

use crate::Error;

/// A key and its certificates as PEM.
pub(crate) struct SelfMade {
    pub(crate) key: String,
    /// The certificate of the key, then the certificate of its authority.
    pub(crate) certificates: String,
}

/// What stands before the 32 secret bytes of an Ed25519 key in PKCS#8 (RFC 8410, section 7): the
/// first version of the format, which every program reads.
const ED25519_PKCS8: &[u8] = b"\x30\x2E\x02\x01\x00\x30\x05\x06\x03\x2B\x65\x70\x04\x22\x04\x20";

impl SelfMade {
    /// A new key (Ed25519) with its certificates.
    pub(crate) fn generate() -> Result<Self, Error> {
        let failed = |reason: String| Error::Key(format!("no key was made: {reason}"));
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| failed(error.to_string()))?;
        let pkcs8 = [ED25519_PKCS8, &secret].concat().into();
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519);
        let made = key.and_then(|key| Self::certify(&key));
        made.map_err(|error| failed(error.to_string()))
    }

    /// Certificates for a key. An authority of its own signs them, and the authority's key is
    /// thrown away: C2PA allows no certificate that signs itself (specification 2.3, section 14.5).
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
        // One of those that C2PA accepts, and the one that all readers know.
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let certificate = own.signed_by(key, &authority)?;
        Ok(Self {
            key: key.serialize_pem(),
            certificates: certificate.pem() + &authority.pem(),
        })
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let names = &mut params.distinguished_name;
    names.push(DnType::CommonName, name);
    names.push(DnType::OrganizationName, "anyface (self-made)");
    // Clocks differ: valid since yesterday.
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    params.not_before = yesterday.into();
    // RFC 5280, section 4.1.2.5: no end is known.
    params.not_after = date_time_ymd(9999, 12, 31);
    params
}
