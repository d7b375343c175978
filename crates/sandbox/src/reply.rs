//! Responses: as handlers create them, and as they are sent.

use serde_json::{Map, Value, json};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Creates an object from a JSON literal.
pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(map) => map,
        _ => Object::new(),
    }
}

/// The body of a reply.
pub(super) enum Content {
    /// A JSON object, which scenarios may still edit.
    Json(Object),
    /// Anything else, with its media type.
    Bytes(&'static str, Vec<u8>),
}

/// The response of a handler.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
}

impl Reply {
    /// Creates a JSON object with status 200.
    pub(super) fn json(object: Object) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Json(object) }
    }

    /// Creates a body with its media type.
    pub(super) fn bytes(status: u16, kind: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), content: Content::Bytes(kind, bytes.into()) }
    }

    /// Creates a reply without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self::bytes(status, "", Vec::new())
    }

    /// Creates a redirect.
    pub(super) fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::empty(status).header("location", location)
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Renders the reply as it is sent.
    pub(super) fn render(self) -> Answer {
        let (kind, body) = match self.content {
            Content::Json(object) => {
                ("application/json", Value::Object(object).to_string().into_bytes())
            }
            Content::Bytes(kind, bytes) => (kind, bytes),
        };
        let mut answer = Answer { status: self.status, body, ..Answer::default() };
        if !kind.is_empty() {
            answer.set("content-type", kind);
        }
        answer.set("cache-control", "no-store");
        answer.set("x-content-type-options", "nosniff");
        answer.set("referrer-policy", "no-referrer");
        for (name, value) in self.headers {
            answer.set(name, value);
        }
        answer
    }
}

/// A way to send a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Closes the connection.
    Drop,
    /// Resets it.
    Reset,
    /// Keeps it open and sends nothing.
    Stall,
    /// Closes it in the middle of the body.
    Half,
    /// Resets it in the middle of the body.
    HalfReset,
    /// Keeps it open in the middle of the body, and sends nothing more.
    HalfStall,
    /// Sends the body without a status line and headers, and closes it.
    Raw,
    /// Sends one byte per second.
    Drip,
    /// Sends endless chunks.
    EndlessBody,
    /// Sends endless headers.
    EndlessHeaders,
}

/// A response on its way to the socket.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers. That of the length is added when the response is sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How to send it, if not as HTTP.
    pub transport: Option<Transport>,
}

impl Answer {
    /// Sets a header, replacing one of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.into()));
    }
}

/// An OAuth error response (RFC 6749, section 5.2).
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: String,
    headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// Creates an error with status 400.
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: 400, error, description: description.into(), headers: Vec::new() }
    }

    /// Creates `invalid_request`.
    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// Creates `invalid_grant`.
    pub(super) fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    /// Creates `server_error`, status 500.
    pub(super) fn server() -> Self {
        Self { status: 500, ..Self::new("server_error", "the sandbox failed") }
    }

    /// Sets the status.
    pub(super) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let mut reply = Self::json(object(json!({
            "error": refusal.error,
            "error_description": refusal.description,
        })));
        reply.status = refusal.status;
        reply.headers = refusal.headers;
        reply
    }
}

/// The result of a handler.
pub(super) type Outcome = Result<Reply, Refusal>;
