//! TLS towards receivers, and certificates out of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why TLS cannot be had. The message names the file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The library refuses the settings.
    #[error("TLS: {0}")]
    Settings(#[from] rustls::Error),
}

impl TlsError {
    pub(crate) fn file(path: &Path, problem: &dyn ToString) -> Self {
        Self::File { path: path.to_owned(), problem: problem.to_string() }
    }
}

/// Largest file of certificates or keys, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The cryptography that both sides use.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A small file.
pub(crate) fn read_pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    let length = fs::metadata(path).map_err(|e| TlsError::file(path, &e))?.len();
    if length > FILE_BYTES_MAX {
        return Err(TlsError::file(path, &format!("is larger than {FILE_BYTES_MAX} bytes")));
    }
    fs::read(path).map_err(|e| TlsError::file(path, &e))
}

/// The certificates of a PEM file, one at least, in its order.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read_pem(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|e| TlsError::file(path, &format!("is no PEM file: {e}")))?;
    if certificates.is_empty() {
        return Err(TlsError::file(path, &"holds no certificate (-----BEGIN CERTIFICATE-----)"));
    }
    Ok(certificates)
}

/// The certificates of a PEM file as those that others are checked against.
pub(crate) fn read_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        roots.add(certificate).map_err(|e| TlsError::file(path, &e))?;
    }
    Ok(roots)
}

/// How receivers are called: against the roots of a file, or those that browsers trust, built into the program.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn client_config(roots: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match roots {
        Some(path) => read_roots(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
