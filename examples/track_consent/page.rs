//! What a person sees. Nothing on these pages is a script, and no text of others is markup.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use oauthctl_core::flow::RequiredIdentity;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind};

use crate::people::{Consent, Person};

pub const STYLE: &str = include_str!("page.css");

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/style.css\">\
         <main><h1>{title}</h1>{body}</main></html>"
    ))
}

pub fn list(people: &[Person]) -> Html<String> {
    let items: String = people.iter().map(item).collect();
    page("Who has consented?", &format!("<ul>{items}</ul>"))
}

pub fn denied(person: &Person) -> Response {
    let text = format!("<p>{} has denied. {}</p>{BACK}", shown(&person.name), earlier(person));
    (StatusCode::FORBIDDEN, page("Denied", &text)).into_response()
}

/// An answer that is not valid, or is another account's: the error says which came.
pub fn refused(person: &Person, expected: &RequiredIdentity, error: &Error) -> Response {
    let known = [("email", &expected.email), ("sub", &expected.sub)];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let known: Vec<_> = known.map(|(name, v)| format!("{name} <b>{}</b>", shown(v))).collect();
    let text = format!(
        "<p>The consent of {} requires the account with {}.</p><p>The answer was refused: {}.</p>\
         <p>No consent was recorded. {}</p>{BACK}",
        shown(&person.name),
        known.join(" and "),
        shown(error.message()),
        earlier(person),
    );
    (StatusCode::BAD_REQUEST, page("Not accepted", &text)).into_response()
}

fn earlier(person: &Person) -> String {
    match &person.consent {
        Some(consent) => format!("The consent of {} stays.", shown(&consent.at)),
        None => "There is no consent from before either.".to_owned(),
    }
}

fn item(person: &Person) -> String {
    let (class, status, buttons) = match &person.consent {
        None => ("no", "has not consented".to_owned(), button(person, "/ask", "Ask for consent")),
        Some(Consent { at, sub, email }) => {
            let sub = shown(sub.as_deref().unwrap_or("somebody unnamed"));
            let email = email.as_deref().map(|e| format!(" ({})", shown(e))).unwrap_or_default();
            let at = shown(at);
            let since = format!("has consented since <time>{at}</time> as <b>{sub}</b>{email}");
            let again = button(person, "/ask", "Ask again");
            ("yes", since, again + &button(person, "/withdraw", "Withdraw consent"))
        }
    };
    format!(
        "<li class=\"{class}\"><div><h2>{}</h2><p class=\"mail\">{}</p><p>{status}</p></div>\
         <div>{buttons}</div></li>",
        shown(&person.name),
        shown(&person.email),
    )
}

fn button(person: &Person, action: &str, what: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\"><button name=\"user\" value=\"{}\" \
         aria-label=\"{what}: {}\">{what}</button></form>",
        person.id,
        shown(&person.name)
    )
}

const BACK: &str = "<p><a href=\"/\">Who has consented?</a></p>";

/// Text of others: nothing that is invisible, nothing that is markup.
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

/// What a person is told when it did not work. The log has the error's own words.
#[derive(Debug)]
pub struct Problem(StatusCode, &'static str, &'static str);

impl Problem {
    pub const NOT_FROM_HERE: Self = Self(
        StatusCode::BAD_REQUEST,
        "Not from here",
        "This was not begun in this browser, or it is over. Nothing was changed.",
    );
    pub const NOBODY: Self = Self(StatusCode::NOT_FOUND, "Nobody", "There is no such person.");
    pub const ONLY_HERE: Self = Self(
        StatusCode::BAD_GATEWAY,
        "Withdrawn here only",
        "The tokens are gone here, but the authorization server did not revoke them.",
    );

    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidState => Self(
                StatusCode::BAD_REQUEST,
                "Not accepted",
                "This answer is forged, used, too late or another's. Nothing was changed.",
            ),
            ErrorKind::Validation => Self(
                StatusCode::BAD_REQUEST,
                "Not believed",
                "This is not an answer to what the authorization server was asked.",
            ),
            ErrorKind::Unavailable => Self(
                StatusCode::SERVICE_UNAVAILABLE,
                "Out of reach",
                "The authorization server does not answer. Try again later.",
            ),
            ErrorKind::ServerRefused | ErrorKind::LoginRequired => {
                Self(StatusCode::BAD_GATEWAY, "Refused", "The authorization server refused.")
            }
            _ => Self(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Our fault",
                "It did not work. The reason is in the log of this program.",
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
        eprintln!("the database: {error}");
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
