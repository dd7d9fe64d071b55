//! Addresses of receivers.

use hyper::Uri;

/// An address of a webhook, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl {
    is_https: bool,
    host: String,
    port: u16,
    /// Path and query.
    target: String,
}

/// Why an address is no address of a webhook.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    /// It cannot be read.
    #[error("{0:?} is no URL")]
    Unreadable(String),
    /// It is neither `https` nor `http`.
    #[error("{0:?}: expected https:// or http://")]
    Scheme(String),
    /// It has a user or a password in it.
    #[error("a URL must not hold a user or password")]
    User,
}

impl WebhookUrl {
    /// Takes an address apart.
    ///
    /// # Errors
    /// It is not `https://host[:port][/path]`, or the same with `http`.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Unreadable(url.to_owned()))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(UrlError::Unreadable(url.to_owned()));
        };
        let (is_https, usual) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return Err(UrlError::Scheme(scheme.to_owned())),
        };
        if authority.as_str().contains('@') {
            return Err(UrlError::User);
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let port = authority.port_u16().unwrap_or(usual);
        Ok(Self { is_https, host: authority.host().to_owned(), port, target })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The host as names and addresses are written elsewhere.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_without_users_are_taken() {
        let url = WebhookUrl::parse("http://example.com/hook?x=1").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.target.as_str()), ("example.com", 80, "/hook?x=1"));
        assert_eq!(WebhookUrl::parse("http://[::1]:9/").unwrap().port, 9);
        let url = WebhookUrl::parse("https://example.com").unwrap();
        assert_eq!((url.is_https, url.port, url.target.as_str()), (true, 443, "/"));
        for url in ["ftp://x/", "http://a:b@x/", "/path", "", "http://"] {
            assert!(WebhookUrl::parse(url).is_err(), "{url}");
        }
    }
}
