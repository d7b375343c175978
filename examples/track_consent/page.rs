//! The pages that users see. They contain no scripts, and untrusted text is never markup.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use oauthctl_core::flow::RequiredIdentity;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind};

use crate::users::{Consent, User};

pub const STYLE: &str = include_str!("page.css");

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/style.css\">\
         <main><h1>{title}</h1>{body}</main></html>"
    ))
}

pub fn list(users: &[User]) -> Html<String> {
    let items: String = users.iter().map(item).collect();
    page("Who has consented?", &format!("<ul>{items}</ul>"))
}

pub fn denied(user: &User) -> Response {
    let text = format!("<p>{} denied access. {}</p>{BACK}", shown(&user.name), earlier(user));
    (StatusCode::FORBIDDEN, page("Denied", &text)).into_response()
}

/// Returns the page for a response that is invalid or belongs to another account; the error names that
/// account.
pub fn refused(user: &User, expected: &RequiredIdentity, error: &Error) -> Response {
    let known = [("email", &expected.email), ("sub", &expected.sub)];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let known: Vec<_> = known.map(|(name, v)| format!("{name} <b>{}</b>", shown(v))).collect();
    let text = format!(
        "<p>The consent of {} requires the account with {}.</p><p>The response was refused: {}.</p>\
         <p>No consent was recorded. {}</p>{BACK}",
        shown(&user.name),
        known.join(" and "),
        shown(error.message()),
        earlier(user),
    );
    (StatusCode::BAD_REQUEST, page("Not accepted", &text)).into_response()
}

fn earlier(user: &User) -> String {
    match &user.consent {
        Some(consent) => format!("The consent of {} remains valid.", shown(&consent.at)),
        None => "There is no earlier consent either.".to_owned(),
    }
}

fn item(user: &User) -> String {
    let (class, status, buttons) = match &user.consent {
        None => ("no", "has not consented".to_owned(), button(user, "/ask", "Ask for consent")),
        Some(Consent { at, sub, email }) => {
            let sub = shown(sub.as_deref().unwrap_or("an unnamed user"));
            let email = email.as_deref().map(|e| format!(" ({})", shown(e))).unwrap_or_default();
            let at = shown(at);
            let since = format!("has consented since <time>{at}</time> as <b>{sub}</b>{email}");
            let again = button(user, "/ask", "Ask again");
            ("yes", since, again + &button(user, "/withdraw", "Withdraw consent"))
        }
    };
    format!(
        "<li class=\"{class}\"><div><h2>{}</h2><p class=\"mail\">{}</p><p>{status}</p></div>\
         <div>{buttons}</div></li>",
        shown(&user.name),
        shown(&user.email),
    )
}

fn button(user: &User, action: &str, what: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\"><button name=\"user\" value=\"{}\" \
         aria-label=\"{what}: {}\">{what}</button></form>",
        user.id,
        shown(&user.name)
    )
}

const BACK: &str = "<p><a href=\"/\">Who has consented?</a></p>";

/// Escapes untrusted text: it contains neither invisible characters nor markup.
fn shown(text: &str) -> String {
    let escaped = |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c => c.to_string(),
    };
    one_line(text).chars().map(escaped).collect()
}

/// What the user is told when something failed. The log has the error message.
#[derive(Debug)]
pub struct Problem(StatusCode, &'static str, &'static str);

impl Problem {
    pub const NOT_FROM_HERE: Self = Self(
        StatusCode::BAD_REQUEST,
        "Not started here",
        "This was not started in this browser, or has already ended. Nothing was changed.",
    );
    pub const NOBODY: Self = Self(StatusCode::NOT_FOUND, "Unknown user", "There is no such user.");
    pub const ONLY_HERE: Self = Self(
        StatusCode::BAD_GATEWAY,
        "Withdrawn locally only",
        "The tokens were removed here, but the authorization server did not revoke them.",
    );

    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidState => Self(
                StatusCode::BAD_REQUEST,
                "Not accepted",
                "This response is forged, already used, expired or for another user. Nothing was changed.",
            ),
            ErrorKind::Validation => Self(
                StatusCode::BAD_REQUEST,
                "Not trusted",
                "This response does not match the request to the authorization server.",
            ),
            ErrorKind::Unavailable => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "Unreachable",
                "The authorization server does not respond. Try again later.",
            ),
            ErrorKind::ServerRefused | ErrorKind::LoginRequired => Self(
                StatusCode::BAD_GATEWAY,
                "Refused",
                "The authorization server refused the request.",
            ),
            _ => Self(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal error",
                "Something went wrong. The reason is in the log of this program.",
            ),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        eprintln!("{error}");
        Self::of(error.kind())
    }
}

impl From<oauthctl_sandbox::Error> for Problem {
    fn from(error: oauthctl_sandbox::Error) -> Self {
        eprintln!("{error}");
        Self::of(ErrorKind::Unavailable)
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        eprintln!("database error: {error}");
        Self::of(ErrorKind::Store)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, page(self.1, &format!("<p>{}</p>{BACK}", self.2))).into_response()
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        eprintln!("{error}");
        Self::of(ErrorKind::Internal)
    }
}
