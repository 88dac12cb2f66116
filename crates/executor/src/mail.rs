//! Mail is handed to a mail server.

use std::time::Duration;

use campaign::{Class, Done, Failure, Mail};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Message, SmtpTransport, Transport};

use crate::{Executor, fault};

/// How long the mail server may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn send(executor: &Executor, key: &str, mail: &Mail) -> Result<Done, Failure> {
    let server = executor.config.mail.as_ref().ok_or_else(|| {
        fault::of(
            Class::Command,
            "no mail server: add [mail] with `server` and `from` to the executor's configuration",
        )
    })?;
    let message = message(executor, &server.from, key, mail)
        .map_err(|why| fault::of(Class::Command, format!("cannot write the mail: {why}")))?;
    let transport = SmtpTransport::from_url(&server.server)
        .map_err(|why| fault::of(Class::Command, format!("[mail] server: {why}")))?
        .timeout(Some(PATIENCE))
        .build();
    match transport.send(&message) {
        Ok(answer) => {
            let code = answer.code();
            Ok(executor.seen(format!("accepted with {code} for {}", mail.to.join(", "))))
        }
        Err(why) => {
            let class = if why.is_transient() || why.is_timeout() || why.is_client() {
                Class::Busy
            } else if why.is_permanent() {
                Class::Refused
            } else {
                Class::Unreachable
            };
            Err(fault::of(class, format!("the mail server: {}", root(&why))))
        }
    }
}

fn message(
    executor: &Executor,
    from: &str,
    key: &str,
    mail: &Mail,
) -> Result<Message, Box<dyn std::error::Error>> {
    let from: Mailbox = from.parse()?;
    // The same task is the same message: who gets it twice can tell.
    let id = format!("<{}@{}>", executor.name_of(key), from.email.domain());
    let mut builder = Message::builder()
        .from(from)
        .message_id(Some(id))
        .subject(&mail.subject);
    for to in &mail.to {
        builder = builder.to(to.parse()?);
    }
    let text = SinglePart::plain(mail.text.clone());
    let Some(calendar) = &mail.calendar else {
        return Ok(builder.singlepart(text)?);
    };
    let calendar = SinglePart::builder()
        .header(ContentType::parse(
            "text/calendar; charset=utf-8; method=PUBLISH",
        )?)
        .body(calendar.clone());
    Ok(builder.multipart(MultiPart::mixed().singlepart(text).singlepart(calendar))?)
}

/// The cause of an error: what is above it only says that it happened.
fn root(why: &dyn std::error::Error) -> String {
    let mut text = why.to_string();
    let mut cause = why.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
