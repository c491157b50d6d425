//! An OTLP endpoint as it is written, and the URL that is asked. Pure.

use super::Protocol;
use crate::flow::SignalKind;
use http::Uri;

/// A URL as it was written, made whole.
pub(super) struct Target {
    pub(super) uri: Uri,
    /// What the scheme says, when it is one of gRPC's.
    pub(super) protocol: Option<Protocol>,
    /// Whether a user stood in it: never kept, since URLs are told.
    pub(super) had_user: bool,
}

impl Target {
    /// Reads `https://host:4317`, `grpc://host`, or `host:4317` alone.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) =
            text.split_once("://").unwrap_or((if text.ends_with(":443") { "https" } else { "http" }, text));
        let (scheme, protocol) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", None),
            "https" => ("https", None),
            "grpc" => ("http", Some(Protocol::Grpc)),
            "grpcs" => ("https", Some(Protocol::Grpc)),
            _ => return Err("its scheme is neither http nor https".to_owned()),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let uri = Uri::builder().scheme(scheme).authority(host).path_and_query(path).build();
        let uri = uri.map_err(|error| format!("it is no URL: {error}"))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
        }
        // The type takes any text for a port, and then tells none.
        if uri.port_u16().is_none() && uri.authority().map(http::uri::Authority::as_str) != uri.host() {
            return Err("its port is no number".to_owned());
        }
        Ok(Self { uri, protocol, had_user: user.is_some() })
    }

    /// What is asked for signals of `kind`: the base URL with `/v1/<kind>`, a signal's own endpoint `verbatim`.
    pub(super) fn request_uri(self, protocol: Protocol, kind: SignalKind, verbatim: bool) -> Uri {
        let path = match protocol {
            Protocol::Grpc => "/".to_owned(),
            _ if verbatim => return self.uri,
            _ => {
                let path = self.uri.path().trim_end_matches('/');
                // The base URL is asked for; one that was given with a signal's path is understood all the same.
                let base = SignalKind::ALL.iter().find_map(|kind| path.strip_suffix(&format!("/v1/{}", kind.as_str())));
                let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
                format!("{}/v1/{}{query}", base.unwrap_or(path), kind.as_str())
            }
        };
        let mut parts = self.uri.into_parts();
        parts.path_and_query = Some(path.parse().expect("a path taken from a URL is one"));
        Uri::from_parts(parts).expect("scheme and authority are there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, protocol: Protocol) -> String {
        Target::parse(text).unwrap().request_uri(protocol, SignalKind::Logs, false).to_string()
    }

    #[test]
    fn a_scheme_may_be_missing_or_grpcs_own() {
        assert_eq!(asked("collector:4317", Protocol::Grpc), "http://collector:4317/");
        assert_eq!(asked("example.com:443", Protocol::Grpc), "https://example.com:443/");
        assert_eq!(asked("grpcs://example.com/ignored", Protocol::Grpc), "https://example.com/");
        assert_eq!(asked("HTTP://[::1]:4318", Protocol::Http), "http://[::1]:4318/v1/logs");
    }

    #[test]
    fn what_is_no_url_is_told_and_never_repeated() {
        for text in ["ftp://host", "https://", "https://me:s3cr3t@", "http://a b", "http://host:port"] {
            let problem = Target::parse(text).err().expect(text);
            assert!(!problem.contains("s3cr3t"), "{problem}");
        }
    }
}
