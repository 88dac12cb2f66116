//! Brings notices to subscribers: webhooks and mail.

use anyhow::Context;
use clap::Args;
use control::{Courier, Delivering, Notice};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, Uri};
use http_body_util::Full;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::web::{Web, client};

/// How mail is sent.
#[derive(Args, Default)]
pub(crate) struct Mail {
    /// The server that takes mail to subscribers: smtps://user:password@host, or
    /// smtp://host:port, with ?tls=required for STARTTLS.
    #[arg(
        long,
        value_name = "URL",
        requires = "mail_from",
        env = "STOPGAP_SMTP",
        hide_env_values = true
    )]
    smtp: Option<String>,
    /// From whom mail to subscribers is.
    #[arg(long, value_name = "ADDRESS", requires = "smtp")]
    mail_from: Option<String>,
}

/// Sends over the network.
pub(crate) struct Messenger {
    client: Web,
    mail: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
}

impl Messenger {
    pub(crate) fn new(mail: &Mail) -> anyhow::Result<Self> {
        let mail = match (&mail.smtp, &mail.mail_from) {
            (Some(url), Some(from)) => {
                // The URL may hold a password: it is not in the complaint.
                let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                let server = server
                    .context("--smtp is no address of a mail server")?
                    .build();
                let from = from.parse();
                Some((server, from.context("--mail-from is no address")?))
            }
            _ => None,
        };
        let client = client(None)?;
        Ok(Self { client, mail })
    }

    async fn post(&self, to: &str, notice: &Notice) -> anyhow::Result<()> {
        let uri: Uri = to.parse()?;
        let request = Request::post(uri)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("stopgap/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", notice.time_s)
            .header("webhook-signature", &notice.signature)
            .body(Full::from(notice.body.clone()))?;
        // Nobody reads what else is answered.
        let status = self.client.request(request).await?.status();
        anyhow::ensure!(status.is_success(), "the answer is {status}");
        Ok(())
    }

    async fn mail(&self, to: &str, notice: &Notice) -> anyhow::Result<()> {
        let none = "no mail server is named: start with --smtp and --mail-from";
        let (server, from) = self.mail.as_ref().context(none)?;
        // What comes again is the same message.
        let id = format!("<{}@stopgap>", notice.id);
        let message = Message::builder()
            .from(from.clone())
            .to(to.parse()?)
            .subject(&notice.subject)
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .body(notice.text.clone())?;
        server.send(message).await?;
        Ok(())
    }
}

impl Courier for Messenger {
    fn deliver<'a>(&'a self, to: &'a str, notice: &'a Notice) -> Delivering<'a> {
        Box::pin(async move {
            let outcome = match to.strip_prefix("mailto:") {
                Some(address) => self.mail(address, notice).await,
                None => self.post(to, notice).await,
            };
            outcome.map_err(|why| format!("{why:#}"))
        })
    }
}
