//! Errors of the API: problem details (RFC 9457).
//!
//! A problem repeats nothing of the request, of a provider's response or of the store.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use oauthctl_core::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

/// The problem details of an error.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, as a URI: `urn:oauthctl:problem:` and the word of `error`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Box<str>,
    /// What happened, in words that are the same for every problem of this type.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The type as a single word, for programs.
    error: &'static str,
    /// What happened in this case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    detail: Option<Box<str>>,
    /// Where to send the user; for `login_required` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    authorize_url: Option<Box<str>>,
    /// Seconds after which another attempt may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// How to authenticate (RFC 9110, section 11.6.1).
    #[serde(skip)]
    challenge: Option<&'static str>,
}

impl Problem {
    /// Creates a problem.
    pub fn new(status: StatusCode, error: &'static str, title: &'static str) -> Self {
        Self {
            kind: format!("urn:oauthctl:problem:{error}").into(),
            title,
            status: status.as_u16(),
            error,
            detail: None,
            authorize_url: None,
            retry_after: None,
            challenge: None,
        }
    }

    /// Adds details of this case. They must contain nothing that the client sent.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into());
        self
    }

    /// Adds when another attempt may succeed.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Returns the problem of an invalid request.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", "The request is invalid")
            .detail(detail)
    }

    /// Returns the problem of a request that is refused with this status because of its head.
    pub fn refused_head(status: StatusCode) -> Self {
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => {
                Self::new(status, "head_too_large", "The head of the request is too large")
                    .detail(
                        "the request line and the header fields are limited to 64 KiB, with at most 100 header fields",
                    )
            }
            _ => Self {
                status: status.as_u16(),
                ..Self::invalid("the request line or a header field is not valid HTTP/1.1")
            },
        }
    }

    /// Returns the problem of a missing or unknown API key.
    pub fn unauthorized() -> Self {
        Self::without_credentials("Bearer realm=\"oauthctl\"", "a valid API key is required")
    }

    /// Returns the problem of a missing or wrong email address or password.
    pub fn wrong_password() -> Self {
        let detail = "a valid email address and its password are required";
        Self::without_credentials("Basic realm=\"oauthctl\", charset=\"UTF-8\"", detail)
    }

    /// Returns the problem of a request for metrics without their key.
    pub fn metrics_key_required() -> Self {
        let detail = "the key of OAUTHCTL_METRICS_KEY is required";
        Self::without_credentials("Bearer realm=\"oauthctl metrics\"", detail)
    }

    fn without_credentials(challenge: &'static str, detail: &'static str) -> Self {
        let title = "The request is not authenticated";
        let problem = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", title).detail(detail);
        Self { challenge: Some(challenge), ..problem }
    }

    /// Returns the problem of an email address that is not verified.
    pub fn unverified() -> Self {
        let title = "The email address is not confirmed";
        Self::new(StatusCode::FORBIDDEN, "email_unverified", title)
            .detail("open the link in the email first")
    }

    /// Returns the problem of a resource that does not exist or belongs to another tenant.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such resource")
    }

    /// Returns the problem of a method that the resource does not have.
    pub fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method_not_allowed", "The resource does not support this method")
    }

    /// Returns the problem of a conflict with the current state.
    pub fn conflict(error: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, error, title)
    }

    /// Returns the problem of a denial by a rule of the tenant, with its reason.
    pub fn denied(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "access_denied", "Access was denied").detail(reason)
    }

    /// Returns the problem of a failing rule of the tenant.
    pub fn rule_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "rule_failed", "A rule of the tenant failed")
            .detail(detail)
    }

    /// Returns the problem of a resource that changed after the client read it.
    pub fn precondition_failed() -> Self {
        let title = "The resource has changed";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", title)
    }

    /// Returns the problem of a connection that requires a new login, at this URL.
    pub fn login_required(authorize_url: String) -> Self {
        let title = "The user must connect the account again";
        let problem = Self::conflict("login_required", title);
        Self { authorize_url: Some(authorize_url.into()), ..problem }
    }

    /// Returns the problem of a request body that did not arrive in time.
    pub fn too_slow() -> Self {
        let title = "The request took too long";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", title)
            .detail("the body did not arrive in time")
    }

    /// Returns the problem of too many requests.
    pub fn too_many(detail: impl Into<String>, retry_after: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests")
            .detail(detail)
            .retry_after(retry_after)
    }

    /// Returns the problem of an exhausted quota. Waiting does not help.
    pub fn quota_exceeded(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "quota_exceeded", "The quota is used up").detail(detail)
    }

    /// Returns the problem of an internal error.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "An internal error occurred")
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the problem as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the word for programs.
    pub fn error(&self) -> &'static str {
        self.error
    }
}

impl From<Error> for Problem {
    /// The details of an error are for the operator's log, not for the client of a tenant.
    fn from(error: Error) -> Self {
        let (status, word, title) = match error.kind() {
            ErrorKind::Usage => {
                return Self::invalid(error.message());
            }
            ErrorKind::Config => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_provider",
                "The provider is not configured correctly",
            ),
            ErrorKind::LoginRequired => {
                (StatusCode::CONFLICT, "login_required", "The user must connect the account again")
            }
            ErrorKind::AccessDenied => {
                (StatusCode::FORBIDDEN, "access_denied", "Access was denied")
            }
            ErrorKind::Store => {
                (StatusCode::SERVICE_UNAVAILABLE, "store", "The store is not available")
            }
            ErrorKind::Validation | ErrorKind::InvalidState => (
                StatusCode::BAD_GATEWAY,
                "validation",
                "The response of the provider cannot be trusted",
            ),
            ErrorKind::ServerRefused => {
                (StatusCode::BAD_GATEWAY, "server_refused", "The provider refused the request")
            }
            ErrorKind::Unavailable | ErrorKind::Timeout => {
                (StatusCode::BAD_GATEWAY, "unavailable", "The provider is not available")
            }
            _ => return Self::internal(),
        };
        tracing::warn!(error = word, reason = error.message_to_keep(), "a request failed");
        let problem = Self::new(status, word, title);
        match error.kind() {
            ErrorKind::Store | ErrorKind::Unavailable => problem.retry_after(1),
            ErrorKind::Config => problem.detail(error.message()),
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_json()).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
