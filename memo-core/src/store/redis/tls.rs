//! The same connection, encrypted: with certificates that the system trusts, and the cryptography
//! that the program chose.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::transport::Socket;

pub(super) type Stream = StreamOwned<ClientConnection, Socket>;

/// Encrypts what comes and goes; the first question has the handshake in it, and its deadline.
pub(super) fn connect(host: &str, socket: Socket) -> Result<Stream, String> {
    static CONFIG: OnceCell<Arc<ClientConfig>> = OnceCell::new();
    let config = CONFIG.get_or_try_init(config)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| "its host is no name that a certificate could have".to_owned())?;
    let client =
        ClientConnection::new(Arc::clone(config), name).map_err(|error| error.to_string())?;
    Ok(StreamOwned::new(client, socket))
}

fn config() -> Result<Arc<ClientConfig>, String> {
    const NONE: &str = "no cryptography for TLS: enable the feature `redis-tls-ring` or \
        `redis-tls-aws-lc-rs` of memo, or install a `rustls::crypto::CryptoProvider` first";
    let provider = CryptoProvider::get_default().cloned().or_else(built_in).ok_or(NONE)?;
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err("the system has no certificates to trust: set `SSL_CERT_FILE`".to_owned());
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What the features chose. It is used here only, and installed for nobody.
fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "redis-tls-ring")]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(all(feature = "redis-tls-aws-lc-rs", not(feature = "redis-tls-ring")))]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(not(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc-rs")))]
    None
}
