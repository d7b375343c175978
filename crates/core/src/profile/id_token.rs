//! The settings for id_tokens: accepted audiences and algorithm.

use super::TrustedAudiences;
use super::node::Value;
use super::reader::Reader;

/// The algorithms that `id_token_signed_response_alg` accepts. `Ed25519` and `EdDSA` are the same.
pub(crate) const ALGORITHMS: [&str; 13] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
    "HS256", "HS384", "HS512",
];

/// Returns whether an algorithm verifies with the client secret.
pub(crate) fn needs_secret(algorithm: &str) -> bool {
    algorithm.starts_with("HS")
}

impl Reader<'_, '_> {
    /// Reads a list of audiences, or `any`.
    pub(crate) fn trusted_audiences(&mut self) -> Option<TrustedAudiences> {
        match &self.entry.node.value {
            Value::Text(text) if text == "any" => Some(TrustedAudiences::Any),
            Value::List(_) => self.list().map(TrustedAudiences::Listed),
            _ => self.fail("must be a list of strings, like [\"a\", \"b\"], or \"any\""),
        }
    }

    /// Reads the name of an algorithm.
    pub(crate) fn id_token_algorithm(&mut self) -> Option<String> {
        let words = ALGORITHMS.map(|name| (name, name));
        self.choice(&words).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::jws::Alg;

    #[test]
    fn algorithms_of_the_setting_are_those_of_signatures() {
        for name in ALGORITHMS {
            let alg = Alg::parse_any(name).unwrap();
            assert_eq!(alg.is_symmetric(), needs_secret(name), "{name}");
        }
        for (name, _) in Alg::ALL.iter().chain(&Alg::SYMMETRIC) {
            assert!(ALGORITHMS.contains(name), "{name}");
        }
    }
}
