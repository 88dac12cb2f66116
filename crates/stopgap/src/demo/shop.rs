//! The embedded shop as the story's subject.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use patch::Source;
use patch::document::{Case, RequestForm, Success};
use shop::{Running, Shop};

use super::subject::{Instance, Subject};

macro_rules! documents {
    ($($name:literal)*) => {
        [$((concat!("demo/shop/", $name), include_str!(concat!("../../demo/shop/", $name)))),*]
    };
}

/// The shop's patches, by the names of their files.
pub(crate) const PATCHES: [(&str, &str); 5] = documents! {
    "sql-injection.yaml"
    "path-traversal.yaml"
    "command-injection.yaml"
    "authorisation-bypass.yaml"
    "mass-assignment.yaml"
};

pub(super) fn subject() -> anyhow::Result<Subject> {
    let patches = PATCHES
        .iter()
        .map(|(name, text)| Ok(Source::parse(name, text)?))
        .collect::<anyhow::Result<_>>()?;
    Ok(Subject {
        title: "a small web shop, vulnerable on purpose".to_owned(),
        name: "shop",
        versions: ["1.4.0", "2.0.0"].map(str::to_owned),
        patches,
        newer: vec![("SHOP-2026-001", new_search())],
        deploy: Box::new(|version| {
            Box::pin(async move {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let instance: Box<dyn Instance> = Box::new(Shop::start(any, &version).await?);
                Ok(instance)
            })
        }),
    })
}

/// The newer version's search has another path and another parameter.
fn new_search() -> Case {
    let request = "GET /v2/search?term=zzz%27%20UNION%20SELECT%20id,email,0,password_hash,%27%27%20FROM%20users--%20 HTTP/1.1\nHost: app\n\n";
    Case {
        name: "the new search".to_owned(),
        request: RequestForm::Raw(request.to_owned()),
        success: Some(Success {
            body_contains: Some("sha256$".to_owned()),
            ..Success::default()
        }),
        inert: None,
    }
}

impl Instance for Running {
    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Running::stop(*self))
    }
}
