//! The pages in the browser: self-contained, with a single line of script, and without code, state or
//! token.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::text;
use crate::tone::Tone;

/// Removes the response's query, and with it the code, from the address bar and the history.
const SCRIPT: &str = r#"history.replaceState(null,"",location.pathname)"#;

const STYLE: &str = include_str!("page.css");

/// A page. Text in it may come from a server: it is sanitized and escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// The login is complete: validated and stored.
    SignedIn {
        /// The service that the user is signed in to.
        to: String,
        /// The identity of the user, if known.
        identity: Option<String>,
    },
    /// The user or the server denied access.
    Denied {
        /// What the login was for.
        to: String,
        /// The reason that the server returned.
        reason: Option<String>,
    },
    /// The response arrived, but the login failed.
    Failed {
        /// What the login was for.
        to: String,
        /// What went wrong, without secrets.
        reason: String,
    },
    /// The login was completed, or ended, before this request.
    Over,
    /// The callback's path without a response: the login is still waiting.
    Waiting,
    /// A response, but not to the login that is waiting: its `state` is missing or belongs to another one.
    NotTheCallback,
    /// The program ended before it could validate the response.
    Interrupted,
    /// No such path.
    NotFound,
    /// Another method; the value is the allowed one.
    MethodNotAllowed(&'static str),
    /// A form with another media type.
    MediaType,
    /// A request for another host.
    WrongHost,
    /// A prefetch: the response counts only once the page is visited.
    Prefetch,
    /// A request that is malformed or over the limits.
    Malformed,
    /// Too many responses at once.
    Busy,
}

struct Content {
    status: u16,
    tone: Tone,
    title: &'static str,
    /// Sentences, already escaped.
    text: String,
    /// What to do next.
    advice: &'static str,
}

const CLOSE: &str = "You can close this tab.";
const RETURN: &str = "Close this tab and return to your terminal.";
const NO_HARM: &str = "Nothing was changed. A login in progress is still waiting for its response.";

impl Page {
    /// Returns the HTTP status of this page.
    pub fn status(&self) -> u16 {
        self.content().status
    }

    /// Returns the header that only this page has.
    pub(super) fn extra_header(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::MethodNotAllowed(allowed) => Some(("allow", allowed)),
            Self::Busy => Some(("retry-after", "1")),
            _ => None,
        }
    }

    /// Returns the whole document.
    pub fn html(&self) -> String {
        let Content { tone, title, text, advice, .. } = self.content();
        let (class, icon, role) = (tone.class(), tone.icon(), tone.role());
        format!(
            r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} – oauthctl</title>
<script>{SCRIPT}</script>
<style>{STYLE}</style>
</head>
<body>
<main class="{class}">
<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{icon}"/></svg>
<div role="{role}">
<h1>{title}</h1>
<p>{text}</p>
</div>
<p class="advice">{advice}</p>
</main>
<footer>oauthctl</footer>
</body>
</html>
"##
        )
    }

    fn content(&self) -> Content {
        match self {
            Self::SignedIn { .. } | Self::Denied { .. } | Self::Failed { .. } => self.outcome(),
            _ => self.fixed(),
        }
    }

    fn outcome(&self) -> Content {
        let (status, tone, title, text, advice) = match self {
            Self::SignedIn { to, identity } => {
                let to = strong(to);
                let text = match identity {
                    Some(who) => format!("You are signed in to {to} as {}.", strong(who)),
                    None => format!("You are signed in to {to}."),
                };
                (200, Tone::Good, "Signed in", text, CLOSE)
            }
            Self::Denied { to, reason } => {
                let mut text = format!("Access to {} was denied.", strong(to));
                if let Some(reason) = reason {
                    text.push_str(&quote(reason));
                }
                (403, Tone::Bad, "Access denied", text, RETURN)
            }
            Self::Failed { to, reason } => {
                let text = format!("You are not signed in to {}.{}", strong(to), quote(reason));
                (400, Tone::Bad, "Sign-in failed", text, RETURN)
            }
            _ => return self.fixed(),
        };
        Content { status, tone, title, text, advice }
    }

    fn fixed(&self) -> Content {
        let (status, title, text, advice) = match self {
            Self::Over => {
                (410, "Already finished", "This sign-in has already been completed.", CLOSE)
            }
            Self::Waiting => {
                let text = "The sign-in is still waiting for its response.";
                (400, "Waiting", text, "Continue in the tab where you are signing in.")
            }
            Self::NotTheCallback => {
                let text = "This response does not belong to the sign-in in progress.";
                (400, "Not this sign-in", text, NO_HARM)
            }
            Self::Interrupted => {
                let text = "The program ended before it could finish this sign-in.";
                (503, "Interrupted", text, RETURN)
            }
            Self::NotFound => (404, "Not found", "There is nothing at this address.", NO_HARM),
            Self::MethodNotAllowed(_) => {
                (405, "Not allowed", "This address does not accept this kind of request.", NO_HARM)
            }
            Self::MediaType => {
                (415, "Not allowed", "This address does not accept this kind of form.", NO_HARM)
            }
            Self::WrongHost => {
                (421, "Wrong host", "This request was meant for another host.", NO_HARM)
            }
            Self::Prefetch => {
                (403, "Not prefetched", "This page must be visited, not prefetched.", NO_HARM)
            }
            Self::Busy => (503, "Busy", "Too many responses arrived at once.", RETURN),
            _ => (400, "Bad request", "This request could not be understood.", NO_HARM),
        };
        Content { status, tone: Tone::Calm, title, text: text.to_owned(), advice }
    }
}

fn strong(text: &str) -> String {
    format!("<strong>{}</strong>", escape(text))
}

fn quote(text: &str) -> String {
    format!(" <span class=\"reason\">{}</span>", escape(text))
}

/// Sanitizes text, then escapes every special character of HTML.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text::one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns the headers of every page, `Content-Security-Policy` among them.
pub(crate) fn headers() -> [(&'static str, &'static str); 8] {
    [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy()),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("connection", "close"),
    ]
}

/// Allows exactly this style and this script, and nothing else.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        format!(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
             style-src 'sha256-{}'; script-src 'sha256-{}'",
            // As a browser reads it, whatever line endings the source has.
            hash(&STYLE.replace("\r\n", "\n")),
            hash(SCRIPT)
        )
    })
}

fn hash(text: &str) -> String {
    STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Page> {
        let (to, reason) = ("GitLab".to_owned(), "no".to_owned());
        vec![
            Page::SignedIn { to: to.clone(), identity: Some("ada".to_owned()) },
            Page::SignedIn { to: to.clone(), identity: None },
            Page::Denied { to: to.clone(), reason: None },
            Page::Denied { to: to.clone(), reason: Some(reason.clone()) },
            Page::Failed { to, reason },
            Page::Over,
            Page::Waiting,
            Page::NotTheCallback,
            Page::Interrupted,
            Page::NotFound,
            Page::MethodNotAllowed("GET"),
            Page::MediaType,
            Page::WrongHost,
            Page::Prefetch,
            Page::Malformed,
            Page::Busy,
        ]
    }

    #[test]
    fn only_a_stored_login_is_a_success() {
        for page in all() {
            let good = matches!(page, Page::SignedIn { .. });
            assert_eq!(page.status() == 200, good, "{page:?}");
            assert_eq!(page.html().contains("class=\"good\""), good, "{page:?}");
            assert_eq!(page.html().contains("You are signed in"), good, "{page:?}");
        }
    }

    #[test]
    fn every_page_is_whole_and_loads_nothing() {
        for page in all() {
            let html = page.html();
            for part in ["<!doctype html>", "lang=\"en\"", "<title>", "name=\"viewport\"", "<h1>"] {
                assert!(html.contains(part), "{page:?}: {part}");
            }
            for part in ["http:", "https:", "//", "src=", "@import", "url(", "style=", "onload"] {
                assert!(!html.contains(part), "{page:?}: {part}");
            }
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "'--></style></script><svg/onload=alert(1)>",
            "</strong><iframe src=javascript:alert(1)>",
            "\u{202e}<b>\u{0}\u{1b}[31m",
            "&lt;script&gt; &#60;b&#62;",
        ];
        for text in hostile {
            let to = text.to_owned();
            for page in [
                Page::SignedIn { to: to.clone(), identity: Some(to.clone()) },
                Page::Denied { to: to.clone(), reason: Some(to.clone()) },
                Page::Failed { to: to.clone(), reason: to.clone() },
            ] {
                let html = page.html();
                let body = html.split_once("<body>").unwrap().1;
                assert!(!html.contains(text) && !body.contains("<script"), "{html}");
                for tag in ["<img", "<iframe", "<svg/", "<b>", "javascript:alert(1)>"] {
                    assert!(!body.contains(tag), "{tag} in {body}");
                }
                assert!(html.chars().all(|c| c == '\n' || text::is_harmless(c)));
            }
        }
        assert_eq!(escape("a&b<c>\"'`"), "a&amp;b&lt;c&gt;&quot;&#39;&#96;");
    }
}
