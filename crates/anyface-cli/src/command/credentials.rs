//! Who signs the pictures of a command.

use std::path::PathBuf;

use anyface::Error;
use anyface::provenance::{Signer, SigningError, own_signer};

/// The key that signs.
#[derive(Debug, clap::Args)]
pub(crate) struct CredentialsArgs {
    /// Key that signs the pictures, PKCS#8 in PEM; one made for this user and kept in the data
    /// folder when left out
    #[arg(long, value_name = "PEM", requires = "credentials_cert")]
    credentials_key: Option<PathBuf>,
    /// Certificates of that key in PEM, its own first
    #[arg(long, value_name = "PEM", requires = "credentials_key")]
    credentials_cert: Option<PathBuf>,
}

impl CredentialsArgs {
    /// The key that was named, else the user's own. Where that cannot be kept, a line on stderr
    /// says so, and the key is another one at every run.
    pub(crate) fn signer(&self) -> Result<Signer, Error> {
        if let (Some(key), Some(certificates)) = (&self.credentials_key, &self.credentials_cert) {
            return Ok(Signer::open(key, certificates)?);
        }
        match own_signer() {
            Err(Error::Signing(error @ SigningError::Io { .. })) => {
                eprintln!("anyface: {error}: the key that signs the pictures is not kept");
                Ok(Signer::self_made()?)
            }
            signer => signer,
        }
    }
}
