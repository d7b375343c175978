//! Sends emails to users who sign up.

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use oauthctl_core::{Error, Result, Secret};

use crate::keys::random_name;
use crate::storage::is_loopback;

/// Maximum length of a line, in bytes.
const LONGEST_LINE: usize = 998;

/// The mail server.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    /// Creates a mailer. Without TLS, only a server on this machine is accepted: emails contain links that open accounts.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an invalid URL or sender.
    pub fn new(url: &Secret, from: &str) -> Result<Self> {
        Ok(Self { transport: server(url)?.build(), from: mailbox(from)? })
    }

    /// Sends a mail of plain text.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if the server does not accept it. The message does not name the recipient.
    pub async fn send(&self, to: Mailbox, subject: &str, text: String) -> Result<()> {
        let is_ascii = [&to.email, &self.from.email].iter().all(|address| {
            let text: &str = address.as_ref();
            text.is_ascii()
        });
        // A relay need not add an id, and receivers suspect mail without one.
        let id = format!("<{}@{}>", random_name()?, self.from.email.domain());
        let mail = Message::builder().from(self.from.clone()).to(to).subject(subject);
        let mail = mail.message_id(Some(id)).singlepart(plain(text));
        let mail = mail.map_err(|_| Error::internal("cannot create an email"))?;
        match self.transport.send(mail).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::unavailable(match error.status() {
                Some(code) => format!("the mail server returned {code}"),
                None if error.is_client() && !is_ascii => {
                    "the mail server does not support non-ASCII addresses".to_owned()
                }
                None if error.is_client() => "the mail server does not support TLS".to_owned(),
                None => "the mail server does not respond".to_owned(),
            })),
        }
    }
}

/// Returns the mail server at a URL.
///
/// # Errors
///
/// Returns `Config` for an invalid URL.
pub fn server(url: &Secret) -> Result<AsyncSmtpTransportBuilder> {
    let invalid = || {
        Error::config("`smtp` is invalid")
            .hint("expected `smtps://USER:PASSWORD@HOST`, or `smtp://HOST:PORT`")
    };
    let mut parsed = url::Url::parse(url.expose()).map_err(|_| invalid())?;
    // A URL of an unknown scheme keeps an address as text.
    let host = parsed.host_str().ok_or_else(invalid)?;
    let is_local = is_loopback(host);
    if parsed.scheme() == "smtp" && !is_local {
        parsed.set_query(Some("tls=required"));
    }
    let url = Secret::new(String::from(parsed));
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose()).map_err(|_| invalid())
}

/// Parses the sender of emails.
///
/// # Errors
///
/// Returns `Config` for anything but the address of a mailbox.
pub fn mailbox(text: &str) -> Result<Mailbox> {
    text.parse().map_err(|_| {
        Error::config("`mail_from` is not the address of a mailbox")
            .hint("for example `Example <no-reply@example.com>`")
    })
}

/// Returns the body of an email. The library would encode lines as long as our links, and split and change the links.
/// Not every mail program decodes them. Mail servers accept lines of up to 998 bytes (RFC 5322, section 2.1.1).
fn plain(text: String) -> SinglePart {
    if !text.is_ascii() || text.lines().any(|line| line.len() > LONGEST_LINE) {
        return SinglePart::plain(text);
    }
    let encoding = ContentTransferEncoding::SevenBit;
    let body = Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), encoding);
    SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body)
}
