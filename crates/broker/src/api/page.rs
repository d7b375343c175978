//! The pages that end users see. They repeat nothing of a request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}\
:root{color-scheme:light dark}";

/// What no page may do: run scripts, load anything, be framed.
const POLICY: &str = "default-src 'none'; style-src 'sha256-STYLE'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Returns a page with a heading and a paragraph, both of which are escaped.
pub fn page(status: StatusCode, heading: &str, text: &str) -> Response {
    let (heading, text) = (escape(heading), escape(text));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{heading}</title>\n\
         <style>{STYLE}</style>\n<main>\n<h1>{heading}</h1>\n<p>{text}</p>\n</main>\n</html>\n"
    );
    let mut response = (status, Html(html)).into_response();
    let policy = POLICY.replace("STYLE", &style_hash());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns the page for a link that no longer exists.
pub fn invalid_link() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "This link is invalid",
        "It may have expired or already been used. Go back to the application and start again.",
    )
}

/// Returns the page after a failure that the user cannot do anything about.
pub fn failed(status: StatusCode) -> Response {
    page(
        status,
        "The account was not connected",
        "Something went wrong. Go back to the application and try again later.",
    )
}

fn style_hash() -> String {
    use base64::Engine;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash)
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
