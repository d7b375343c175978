//! Removes the secrets from what a trace shows: the single redactor for text, HAR and errors.
//!
//! A value is hidden unless its name says that it is public. A hidden value is remembered, and hidden again
//! wherever a server repeats it.

mod headers;
mod json;
mod words;

use url::Url;
use zeroize::Zeroizing;

use self::words::{counted, hide_tokens, pairs};
use super::json::Json;
use crate::redact::names::{self, Class};
use crate::redact::{Known, Origin};
use crate::secret::Secret;
use crate::text;

pub(super) use words::placeholder;

/// Shorter values of a response are not searched for elsewhere, even if their name says that they are
/// secret: servers use such names for words, too.
const LEAST_ANSWERED: usize = 8;
/// Path segments of up to this many characters contain no real secret (less than 128 bits).
const SHORT_SEGMENT: usize = 20;

/// A body, redacted for display.
pub(super) enum Body {
    /// There is none.
    Empty,
    /// Names and values.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(Json),
    /// Size and type of anything else.
    Other(String),
}

/// Hides values by their names, and remembers them.
#[derive(Default)]
pub(super) struct Redactor {
    known: Known,
    /// Whether the current text comes from the server or the browser.
    is_answer: bool,
}

impl Redactor {
    /// Sets who the following text comes from.
    pub(super) fn hears(&mut self, is_answer: bool) {
        self.is_answer = is_answer;
    }

    /// Hides this secret from now on, under whatever name it comes back.
    pub(super) fn hide(&mut self, secret: &Secret) {
        self.known.remember(secret.expose(), Origin::Own);
    }

    /// Redacts a sentence of this program.
    pub(super) fn own_words(&self, text: &str) -> String {
        text::one_line(&self.known.hide_quoted(text))
    }

    /// Redacts the value of a parameter.
    pub(super) fn parameter(&mut self, name: &str, value: &str) -> String {
        self.learn(name, value);
        self.shown(name, value)
    }

    /// Redacts a URL, without its userinfo.
    pub(super) fn url(&mut self, url: &Url) -> String {
        self.learn_url(url);
        self.shown_url(url)
    }

    /// Redacts a URL, without userinfo, query and fragment.
    pub(super) fn base(&self, url: &Url) -> String {
        let path = self.path(url.path());
        match url.host_str() {
            Some(host) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{}{port}{path}", url.scheme(), text::one_line(host))
            }
            None => format!("{}:{path}", url.scheme()),
        }
    }

    /// Redacts a URL, or part of one: a path with a query, or a query alone.
    pub(super) fn target(&mut self, raw: &str) -> String {
        if let Ok(url) = Url::parse(raw) {
            return self.url(&url);
        }
        let (rest, fragment) = raw.split_once('#').map_or((raw, None), |(a, b)| (a, Some(b)));
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None if rest.contains('=') => ("", Some(rest)),
            None => (rest, None),
        };
        for part in query.iter().chain(&fragment) {
            self.learn_pairs(&pairs(part));
        }
        let mark = if path.is_empty() { "" } else { "?" };
        let query = query.map(|query| format!("{mark}{}", self.joined(query)));
        let fragment = fragment.map(|fragment| format!("#{}", self.joined(fragment)));
        self.path(path) + &query.unwrap_or_default() + &fragment.unwrap_or_default()
    }

    /// Redacts the parameters of a query or a form-encoded body.
    pub(super) fn form(&mut self, raw: &str) -> Vec<(String, String)> {
        let pairs = pairs(raw);
        self.learn_pairs(&pairs);
        pairs.iter().map(|(name, value)| (self.name(name), self.shown(name, value))).collect()
    }

    /// Redacts the value of a header.
    pub(super) fn header(&mut self, name: &str, value: &str) -> String {
        match name.to_ascii_lowercase().as_str() {
            name if names::is_shown_header(name) => self.text(value),
            "location" | "content-location" | "referer" => self.target(value),
            "authorization" | "proxy-authorization" => self.credentials(value),
            "www-authenticate" | "proxy-authenticate" => self.challenge(value),
            "dpop" | "dpop-nonce" | "cookie" | "set-cookie" => {
                self.remember(value, Class::Secret);
                placeholder(value)
            }
            _ => {
                self.remember(value, Class::Unknown);
                placeholder(value)
            }
        }
    }

    /// Redacts a body: JSON whatever its type, a form if it is declared as one, else its size and type.
    pub(super) fn body(&mut self, content_type: Option<&str>, body: &[u8]) -> Body {
        let size = counted(body.len(), "byte");
        if body.is_empty() {
            return Body::Empty;
        }
        if let Some(json) = Json::read(body) {
            self.learn_json("", &json);
            return Body::Json(self.shown_json("", &json));
        }
        let full = content_type.unwrap_or_default();
        let media = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match (media.as_str(), std::str::from_utf8(body)) {
            ("application/x-www-form-urlencoded", Ok(form)) => Body::Form(self.form(form)),
            ("application/x-www-form-urlencoded" | "application/json" | "", _) => {
                Body::Other(format!("[unreadable body, {size}]"))
            }
            (media, _) if media.ends_with("+json") => {
                Body::Other(format!("[unreadable body, {size}]"))
            }
            (media, _) if names::is_wordlike(media) => {
                Body::Other(format!("[{media} body, {size}]"))
            }
            _ => Body::Other(format!("[body of an unknown type, {size}]")),
        }
    }

    /// Redacts human-readable text: removes everything that was hidden before.
    pub(super) fn text(&self, text: &str) -> String {
        match self.is_answer {
            true => text::one_line(&self.known.hide(text)),
            false => self.own_words(text),
        }
    }

    /// Returns a name, unless it looks like a value.
    fn name(&self, name: &str) -> String {
        if names::class(name) != Class::Unknown || names::is_wordlike(name) {
            self.text(name)
        } else {
            format!("[name of {} characters]", name.chars().count())
        }
    }

    fn shown(&self, name: &str, value: &str) -> String {
        match names::class_with(name, value) {
            Class::Shown if name == "error" && names::is_error_code(value) => value.to_owned(),
            Class::Shown => {
                value.split(' ').map(|word| self.word(word)).collect::<Vec<_>>().join(" ")
            }
            Class::Prose => self.prose(value),
            Class::Secret | Class::Unknown => placeholder(value),
        }
    }

    /// Redacts a word of a public value; a URL loses its potentially secret parts.
    fn word(&self, word: &str) -> String {
        match Url::parse(word) {
            Ok(url)
                if url.query().is_some()
                    || url.fragment().is_some()
                    || !url.username().is_empty()
                    || url.password().is_some()
                    || (url.has_host() && self.path(url.path()) != url.path()) =>
            {
                self.shown_url(&url)
            }
            _ => self.text(word),
        }
    }

    /// Redacts sentences: words that look like tokens are hidden.
    fn prose(&self, prose: &str) -> String {
        let token = |c: char| c.is_ascii_alphanumeric() || "_-.~+/=".contains(c);
        let prose = Zeroizing::new(self.text(prose));
        let mut out = String::new();
        let mut rest = prose.as_str();
        while let Some(c) = rest.chars().next() {
            let end = rest.find(|next| token(next) != token(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            if token(c) {
                out += &hide_tokens(run)
            } else {
                out += run
            }
            rest = after;
        }
        out
    }

    fn path(&self, path: &str) -> String {
        let shown = |segment: &str| {
            let plain = segment.len() <= SHORT_SEGMENT && !segment.contains(['=', ';', '@']);
            if plain || names::is_wordlike(segment) || names::is_uuid(segment) {
                self.text(segment)
            } else {
                placeholder(segment)
            }
        };
        path.split('/').map(shown).collect::<Vec<_>>().join("/")
    }

    fn shown_url(&self, url: &Url) -> String {
        let query = url.query().map(|query| format!("?{}", self.joined(query)));
        let fragment = url.fragment().map(|fragment| format!("#{}", self.joined(fragment)));
        self.base(url) + &query.unwrap_or_default() + &fragment.unwrap_or_default()
    }

    fn joined(&self, raw: &str) -> String {
        let show = |(name, value): &(Zeroizing<String>, Zeroizing<String>)| {
            let shown = self.shown(name, value);
            if name.is_empty() { shown } else { format!("{}={shown}", self.name(name)) }
        };
        pairs(raw).iter().map(show).collect::<Vec<_>>().join("&")
    }

    fn learn(&mut self, name: &str, value: &str) {
        match names::class_with(name, value) {
            class @ (Class::Secret | Class::Unknown) => self.remember(value, class),
            Class::Shown | Class::Prose => {
                value.split(' ').flat_map(Url::parse).for_each(|url| self.learn_url(&url));
            }
        }
    }

    fn learn_pairs(&mut self, pairs: &[(Zeroizing<String>, Zeroizing<String>)]) {
        for (name, value) in pairs {
            self.learn(name, value);
        }
    }

    fn learn_url(&mut self, url: &Url) {
        self.remember(url.password().unwrap_or_default(), Class::Secret);
        for part in url.query().iter().chain(&url.fragment()) {
            self.learn_pairs(&pairs(part));
        }
    }

    /// Remembers a value, unless it is so short that it would be found in innocent words.
    fn remember(&mut self, value: &str, class: Class) {
        let (origin, least) = match (class, self.is_answer) {
            (Class::Secret, false) => (Origin::Own, 1),
            (Class::Secret, true) => (Origin::Answer, LEAST_ANSWERED),
            _ => (Origin::Unknown, names::LEAST_UNKNOWN),
        };
        if value.len() >= least {
            self.known.remember(value, origin);
        }
    }
}
