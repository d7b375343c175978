//! The body of an answer: read within its limit, and decompressed.
//!
//! Decompression is done here and not by reqwest, which takes away the headers that say how a body ends.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;

use super::{MAX_BODY, Target, failure};
use crate::port::{HttpError, HttpResponse};

/// How a gzip file begins (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a body as it came.
pub(super) async fn read(
    mut answer: reqwest::Response,
    target: &Target,
) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) =
        answer.chunk().await.map_err(|error| failure::of_reading(error, target))?
    {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(failure::of_size(target, "body", MAX_BODY));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Decompresses the body of a response, where it is compressed.
pub(super) fn decompressed(
    response: HttpResponse,
    target: &Target,
) -> Result<HttpResponse, HttpError> {
    if !response.is_gzip() || response.body.is_empty() {
        return Ok(response);
    }
    if !MAGIC.starts_with(&response.body[..response.body.len().min(MAGIC.len())]) {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it is not gzip");
        return Err(failure::of_decoding(&error, target));
    }
    let mut body = Zeroizing::new(Vec::new());
    let limit = MAX_BODY as u64 + 1;
    MultiGzDecoder::new(response.body.as_slice())
        .take(limit)
        .read_to_end(&mut body)
        .map_err(|error| failure::of_decoding(&error, target))?;
    if body.len() > MAX_BODY {
        return Err(failure::of_size(target, "body", MAX_BODY));
    }
    Ok(HttpResponse { body, ..response })
}
