//! Client certificates: parsed from PEM, and named in the header of a JWT (RFC 7515, sections 4.1.7 and
//! 4.1.8).

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::jws::b64;
use crate::error::{Error, Result};
use crate::secret::Secret;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Returns the first certificate of a PEM text, in DER: that of the client, before those of authorities.
///
/// # Errors
///
/// Returns [`Config`](crate::ErrorKind::Config) if there is none.
pub(crate) fn first(pem: &Secret) -> Result<Vec<u8>> {
    let body = pem.expose().split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (body, _) = body.ok_or_else(|| bad("contains no certificate"))?;
    let packed: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(packed).map_err(|_| bad("is damaged: its PEM is not base64"))?;
    // A certificate is an ASN.1 sequence.
    if der.first() == Some(&0x30) { Ok(der) } else { Err(bad("is damaged")) }
}

/// Adds the thumbprints of a certificate to a header. Servers that know the certificate choose the key by
/// one of them.
pub(crate) fn identify(header: &mut Value, der: &[u8]) {
    header["x5t"] = b64(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, der)).into();
    header["x5t#S256"] = b64(digest::digest(&SHA256, der)).into();
}

fn bad(why: &str) -> Error {
    Error::config(format!("the client certificate {why}")).hint("use a certificate in PEM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_certificate_is_refused() {
        for text in [
            "",
            "-----BEGIN CERTIFICATE-----",
            &format!("{BEGIN}\n!!\n{END}"),
            &format!("{BEGIN}\nAAAA\n{END}"),
        ] {
            let error = first(&Secret::new(text)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{text}");
        }
        let good = format!("text\n{BEGIN}\nMAA=\n{END}\n{BEGIN}\nAAAA\n{END}");
        assert_eq!(first(&Secret::new(good)).unwrap(), [0x30, 0]);
    }
}
