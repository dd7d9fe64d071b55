//! Encrypted connections: both listeners, and the webhook.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::client::Served;
use crate::common::{Place, string, wait_until};
use crate::grpc_client::{json, moderation, speak};

const GAMBLING: &str = r#"{"id":"p1","text":"真人荷官在线发牌","account":"a1"}"#;

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, name: &str) -> Identity {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    fn write(&self, place: &Place) {
        place.write("cert.pem", &self.certificate);
        place.write("key.pem", &self.key);
    }

    fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate");
        (vec![certificate], PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key"))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn trusting(authority: &Authority, own: Option<&Identity>, protocol: &[u8]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("a root")).expect("a root");
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let (chain, key) = own.parts();
            builder.with_client_auth_cert(chain, key).expect("an identity")
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

/// The status of a check over HTTPS; none if no connection comes about.
fn check(served: &Served, config: Arc<ClientConfig>) -> Option<u16> {
    let stream = std::net::TcpStream::connect(served.address).ok()?;
    let connection = ClientConnection::new(config, localhost()).ok()?;
    let mut stream = StreamOwned::new(connection, stream);
    let head = "POST /v1/check HTTP/1.1\r\nhost: test\r\ncontent-type: application/json";
    let length = GAMBLING.len();
    write!(stream, "{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{GAMBLING}").ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split_whitespace().nth(1)?.parse().ok()
}

const CONFIG: &str = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_are_encrypted_and_take_another_certificate_when_the_files_change() {
    let place = Place::new();
    let (first, second) = (Authority::new(), Authority::new());
    first.sign("localhost").write(&place);
    place.write("service.toml", CONFIG);
    let served = Served::start(&place, "--config service.toml");
    assert_eq!(check(&served, trusting(&first, None, b"http/1.1")), Some(200));
    assert_eq!(check(&served, trusting(&second, None, b"http/1.1")), None);
    let mut plain = served.client();
    plain.send("GET", "/healthz", &[], b"");
    assert_eq!(plain.receive(), None);
    let stream = tokio::net::TcpStream::connect(served.grpc).await.expect("a connection");
    let connector = tokio_rustls::TlsConnector::from(trusting(&first, None, b"h2"));
    let stream = connector.connect(localhost(), stream).await.expect("a connection");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = moderation(speak(stream, 1 << 16).await.0);
    let answer = client.check(json(GAMBLING)).await.expect("an answer").into_inner();
    assert_eq!(answer.item, "p1");
    // A key that is not its own: the certificate before stays, and the log says why.
    place.write("cert.pem", second.sign("localhost").certificate);
    let events = || -> Vec<String> {
        Served::log(&place, "")
            .iter()
            .filter_map(|record| record["event"].as_str().map(str::to_owned))
            .collect()
    };
    wait_until("refusal", || events().iter().any(|event| event == "certificate_refused"));
    assert_eq!(check(&served, trusting(&first, None, b"http/1.1")), Some(200));
    second.sign("localhost").write(&place);
    wait_until("new certificate", || check(&served, trusting(&second, None, b"http/1.1")) == Some(200));
    // Connections that are open go on.
    assert!(client.check(json(GAMBLING)).await.is_ok());
    assert!(events().iter().any(|event| event == "certificate"));
    served.stop().expect(0, &[]);
}

#[test]
fn clients_show_certificates_where_roots_of_theirs_are_set() {
    let place = Place::new();
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.sign("localhost").write(&place);
    place.write("clients.pem", authority.pem());
    place.write("service.toml", format!("{CONFIG}client_ca = \"clients.pem\"\n"));
    let served = Served::start(&place, "--config service.toml");
    let with = |own: Option<&Identity>| check(&served, trusting(&authority, own, b"http/1.1"));
    assert_eq!(with(Some(&authority.sign("site"))), Some(200));
    assert_eq!(with(None), None);
    assert_eq!(with(Some(&stranger.sign("site"))), None);
}

#[test]
fn files_that_are_not_fit_are_named_before_anything_starts() {
    let place = Place::new();
    let (one, other) = (Authority::new().sign("localhost"), Authority::new().sign("localhost"));
    place.write("service.toml", CONFIG);
    let start = |parts: &[&str]| {
        place
            .run("serve --listen 127.0.0.1:0 --data data --bundle bundle --config service.toml")
            .expect(1, parts);
    };
    start(&["cert.pem", "No such file"]);
    place.write("cert.pem", "nothing");
    start(&["cert.pem", "holds no certificate"]);
    one.write(&place);
    place.write("key.pem", &one.certificate);
    start(&["key.pem", "holds no private key"]);
    place.write("key.pem", &other.key);
    start(&["cert.pem", "key.pem"]);
    place.write("half.toml", "[tls]\nkey = \"key.pem\"\n");
    place.run("config check half.toml").expect(2, &["certificate and key go together"]);
    place.write("hook.toml", "[webhook]\nurl = \"https://x/\"\nsecrets = [\"s\"]\nca = \"nothing.pem\"\n");
    place
        .run("serve --listen 127.0.0.1:0 --data data --bundle bundle --config hook.toml")
        .expect(1, &["nothing.pem"]);
}

/// A receiver behind TLS that takes everything. The bodies that it got.
fn receive(identity: &Identity) -> (SocketAddr, Arc<Mutex<Vec<Value>>>) {
    let (chain, key) = identity.parts();
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
    let config = Arc::new(config.expect("an identity"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, bodies) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&bodies);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (kept, config) = (Arc::clone(&kept), Arc::clone(&config));
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).expect("a connection");
                let mut stream = BufReader::new(StreamOwned::new(connection, stream.expect("a connection")));
                while let Some(body) = read_request(&mut stream) {
                    kept.lock().expect("a lock").push(body);
                    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if stream.get_mut().write_all(reply).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, bodies)
}

fn read_request(stream: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            None if line.trim_end().is_empty() => break,
            Some(_) | None => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

#[test]
fn a_webhook_is_called_over_tls_only_if_its_certificate_is_right() {
    let place = Place::new();
    let authority = Authority::new();
    let (address, bodies) = receive(&authority.sign("localhost"));
    place.write("root.pem", authority.pem());
    let hook = format!(
        "[webhook]\nurl = \"https://localhost:{}/\"\nsecrets = [\"s\"]\nallow_private = true\nattempts = 1\n",
        address.port()
    );
    place.write("service.toml", &hook);
    let served = Served::start(&place, "--config service.toml");
    served.check(GAMBLING);
    let dead = "data/outbox/webhook.dead.jsonl";
    wait_until("a dead letter", || place.exists(dead) && place.text(dead).contains("certificate"));
    served.stop().expect(0, &[]);
    assert!(bodies.lock().expect("a lock").is_empty());
    // With the right root, what was put aside is delivered after all.
    place.write("service.toml", format!("{hook}ca = \"root.pem\"\n"));
    let served = Served::start(&place, "--config service.toml");
    wait_until("a delivery", || bodies.lock().expect("a lock").len() == 1);
    served.stop().expect(0, &[]);
    assert_eq!(string(&bodies.lock().expect("a lock")[0]["decision"]["item"]), "p1");
}
