//! The trace as a HAR 1.2 file: steps are pages, exchanges are entries.

use std::io;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::exchange::{Outcome, Request, Response, phrase};
use super::explain::WIDTH;
use super::redact::Body;
use crate::error::{Error, Result};
use crate::files::output::{self, Leftovers};
use crate::time::Timestamp;

/// The content of a HAR file.
#[derive(Default)]
pub(super) struct Har {
    pages: Vec<Page>,
    entries: Vec<Entry>,
}

struct Page {
    title: String,
    started: Duration,
    comments: Vec<String>,
}

struct Entry {
    page: usize,
    request: Request,
    outcome: Outcome,
    took: Duration,
}

impl Har {
    /// Starts a step.
    pub(super) fn page(&mut self, title: String, started: Duration) {
        self.pages.push(Page { title, started, comments: Vec::new() });
    }

    /// Adds a comment to the current step.
    pub(super) fn comment(&mut self, comment: &str) {
        if let Some(page) = self.pages.last_mut() {
            page.comments.push(comment.to_owned());
        }
    }

    /// Adds an exchange to the current step.
    pub(super) fn exchange(&mut self, request: Request, outcome: Outcome, took: Duration) {
        self.entries.push(Entry { page: self.pages.len(), request, outcome, took });
    }

    /// Returns the file's content.
    pub(super) fn render(&self, started: Timestamp) -> String {
        let at = |elapsed: Duration| {
            let time = (Duration::from_secs(started.unix()) + elapsed)
                .min(Duration::from_secs(Timestamp::MAX.unix()));
            humantime::format_rfc3339_millis(UNIX_EPOCH + time).to_string()
        };
        let pages = self.pages.iter().enumerate().map(|(index, page)| {
            json!({
                "startedDateTime": at(page.started),
                "id": page_id(index + 1),
                "title": page.title,
                "pageTimings": {},
                "comment": page.comments.join("\n"),
            })
        });
        let entries = self.entries.iter().map(|entry| entry.render(&at));
        let har = json!({
            "log": {
                "version": "1.2",
                "creator": { "name": "oauthctl", "version": env!("CARGO_PKG_VERSION") },
                "pages": pages.collect::<Vec<_>>(),
                "entries": entries.collect::<Vec<_>>(),
                "comment": "Secrets are redacted.",
            }
        });
        format!("{har:#}\n")
    }
}

impl Entry {
    fn render(&self, at: &dyn Fn(Duration) -> String) -> Value {
        let took = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let mut entry = json!({
            "startedDateTime": at(self.request.started),
            "time": took,
            "request": request(&self.request),
            "response": match &self.outcome {
                Outcome::Answer(answer) => response(answer),
                Outcome::Failure(why) => no_response(why),
            },
            "cache": {},
            "timings": { "send": 0, "wait": took, "receive": 0 },
            "comment": self.request.purpose,
        });
        if self.page > 0 {
            entry["pageref"] = page_id(self.page).into();
        }
        entry
    }
}

fn page_id(number: usize) -> String {
    format!("step_{number}")
}

fn request(request: &Request) -> Value {
    let mut har = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&request.headers),
        "queryString": pairs(&request.query),
        "headersSize": -1,
        "bodySize": request.size,
    });
    // A request has either parameters or text, never both (HAR 1.2, postData).
    har["postData"] = match &request.body {
        Body::Empty => return har,
        Body::Form(parameters) => {
            json!({ "mimeType": media_type(&request.headers), "params": pairs(parameters) })
        }
        body => json!({ "mimeType": media_type(&request.headers), "text": text(body) }),
    };
    har
}

fn response(response: &Response) -> Value {
    json!({
        "status": response.status,
        "statusText": phrase(response.status).trim_start(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&response.headers),
        "content": {
            "size": response.size,
            "mimeType": media_type(&response.headers),
            "text": text(&response.body),
        },
        "redirectURL": header(&response.headers, "location"),
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn no_response(why: &str) -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": { "size": 0, "mimeType": "" },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": why,
    })
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

fn media_type(headers: &[(String, String)]) -> &str {
    header(headers, "content-type")
}

fn text(body: &Body) -> String {
    match body {
        Body::Empty => String::new(),
        Body::Json(json) => json.lines(WIDTH, &mut |_| None).join("\n"),
        Body::Other(what) => what.clone(),
        Body::Form(parameters) => {
            let parts = parameters.iter().map(|(name, value)| format!("{name}={value}"));
            parts.collect::<Vec<_>>().join("&")
        }
    }
}

/// Writes a file of mode 0600 beside `path` and moves it into place.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |error: io::Error| {
        Error::usage(format!("cannot write the HAR file {}: {error}", path.display()))
            .hint("use a file in a writable directory")
            .caused_by(&error)
    };
    // A device, a pipe or a directory would be replaced, not written to.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) || is_of_the_system(path) {
        return Err(failed(io::Error::other("not a regular file")));
    }
    output::replace(path, content, Leftovers::Keep).map_err(failed)
}

/// Returns whether this is a name like `/dev/stdout`, which may lead to a file but must not be replaced.
fn is_of_the_system(path: &Path) -> bool {
    let folder = path.parent().map(|dir| dir.canonicalize().unwrap_or_else(|_| dir.to_owned()));
    cfg!(unix) && folder.is_some_and(|dir| dir.starts_with("/dev") || dir.starts_with("/proc"))
}
