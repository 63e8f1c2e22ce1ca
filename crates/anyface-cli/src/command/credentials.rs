//! The key that signs the pictures of a command.

use std::path::PathBuf;

use anyface::Error;
use anyface::provenance::{Signer, SigningError, own_signer};

/// Options of the signing key.
#[derive(Debug, clap::Args)]
pub(crate) struct CredentialsArgs {
    /// Private key that signs the pictures, PKCS#8 in PEM. Default: the user's own key, which the
    /// first run makes and stores in the data folder
    #[arg(long, value_name = "PEM", requires = "credentials_cert")]
    credentials_key: Option<PathBuf>,
    /// Certificate chain of the key in PEM; the key's own certificate is the first
    #[arg(long, value_name = "PEM", requires = "credentials_key")]
    credentials_cert: Option<PathBuf>,
}

impl CredentialsArgs {
    /// The key that the options name, else the user's own. If the user's key cannot be stored, this
    /// prints a line on stderr and returns a key for this run only.
    pub(crate) fn signer(&self) -> Result<Signer, Error> {
        if let (Some(key), Some(certificates)) = (&self.credentials_key, &self.credentials_cert) {
            return Ok(Signer::open(key, certificates)?);
        }
        match own_signer() {
            Err(Error::Signing(error @ SigningError::Io { .. })) => {
                eprintln!("anyface: {error}: the signing key is not kept");
                Ok(Signer::self_made()?)
            }
            signer => signer,
        }
    }
}
