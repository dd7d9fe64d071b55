//! TLS for both listeners: certificate and key from files, taken anew when these change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::emit::{TlsError, provider, read_certificates, read_pem, read_roots};

/// Where certificate and key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// PEM: the service's certificate, then those that lead to a root.
    pub certificate: PathBuf,
    /// PEM: its private key, PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// PEM: roots of clients' certificates. With it, clients need one, beside their key of the service.
    pub client_ca: Option<PathBuf>,
}

/// What is spoken inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2, for gRPC.
    Grpc,
}

/// What a file looked like: its length and time.
type Stamp = Vec<Option<(u64, Option<SystemTime>)>>;

/// What both listeners offer at the moment.
#[derive(Debug)]
pub(super) struct Tls {
    options: TlsOptions,
    /// By protocol.
    live: ArcSwap<[Arc<ServerConfig>; 2]>,
    /// The files when they were last taken or refused.
    seen: Mutex<Stamp>,
}

impl Tls {
    /// # Errors
    /// A file cannot be read, or certificate and key do not belong together.
    pub(super) fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let seen = Mutex::new(stamp(options));
        let live = ArcSwap::from_pointee(configs(options)?);
        Ok(Self { options: options.clone(), live, seen })
    }

    /// What the next connection is offered.
    pub(super) fn acceptor(&self, protocol: Protocol) -> TlsAcceptor {
        let [http, grpc] = &**self.live.load();
        TlsAcceptor::from(Arc::clone(match protocol {
            Protocol::Http => http,
            Protocol::Grpc => grpc,
        }))
    }

    /// Takes the files anew if they have changed. Nothing if they have not; if they are not fit, what was taken before
    /// stays until they change again.
    pub(super) fn refresh(&self) -> Option<Result<(), TlsError>> {
        let found = stamp(&self.options);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == found {
            return None;
        }
        *seen = found;
        Some(configs(&self.options).map(|configs| self.live.store(Arc::new(configs))))
    }
}

fn stamp(options: &TlsOptions) -> Stamp {
    let of = |path: &Path| -> io::Result<_> {
        let metadata = fs::metadata(path)?;
        Ok((metadata.len(), metadata.modified().ok()))
    };
    let files = [Some(&options.certificate), Some(&options.key), options.client_ca.as_ref()];
    files.into_iter().flatten().map(|path| of(path).ok()).collect()
}

fn configs(options: &TlsOptions) -> Result<[Arc<ServerConfig>; 2], TlsError> {
    let TlsOptions { certificate, key, client_ca } = options;
    let chain = read_certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read_pem(key)?).map_err(|e| {
        TlsError::file(key, &format!("holds no private key (-----BEGIN PRIVATE KEY-----): {e}"))
    })?;
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(read_roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            builder.with_client_cert_verifier(verifier.build().map_err(|e| TlsError::file(path, &e))?)
        }
    };
    let both = builder.with_single_cert(chain, private);
    let http =
        both.map_err(|e| TlsError::file(certificate, &format!("with the key {}: {e}", key.display())))?;
    let with = |protocol: &[u8]| {
        let mut config = http.clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    };
    Ok([with(b"http/1.1"), with(b"h2")])
}
