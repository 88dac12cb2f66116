//! Things to keep.

use ledger::{
    Advisory, Application, Area, Asset, AssetKind, AwaitedFix, Criticality, Environment,
    IngressKind, IngressPoint, Proof, Reason, Role, Severity, Subject, Token, VirtualPatch,
};
use store::{Change, Error, Store};

pub(crate) fn asset(id: &str) -> Asset {
    Asset {
        title: format!("Server {id} – β"),
        environment: Some(Environment::Production),
        criticality: Some(Criticality::High),
        owner: Some("operations".to_owned()),
        ..Asset::new(id, AssetKind::Server)
    }
}

pub(crate) fn application(id: &str, assets: &[&str]) -> Application {
    Application {
        id: id.to_owned(),
        title: id.to_owned(),
        environment: Environment::Production,
        owner: "web".to_owned(),
        hosts: vec![format!("{id}.example.org")],
        assets: assets.iter().map(|id| (*id).to_owned()).collect(),
    }
}

pub(crate) fn ingress_point(id: &str, applications: &[&str]) -> IngressPoint {
    IngressPoint {
        applications: applications.iter().map(|id| (*id).to_owned()).collect(),
        ..IngressPoint::new(id, IngressKind::Gateway, Environment::Production)
    }
}

pub(crate) fn advisory(id: &str, severity: Severity) -> Advisory {
    Advisory {
        title: format!("about {id}"),
        ..Advisory::new(id, severity)
    }
}

pub(crate) fn patch(id: &str, advisories: &[&str]) -> VirtualPatch {
    VirtualPatch {
        id: id.to_owned(),
        title: id.to_owned(),
        advisories: advisories.iter().map(|id| (*id).to_owned()).collect(),
        owner: "web".to_owned(),
        reason: Reason::WaitingForFix,
        expires_ms: 9_000,
        fix: AwaitedFix {
            link: "release 2".to_owned(),
            verified_by: None,
        },
        document: format!("stopgap: 1\nid: {id}\n"),
    }
}

pub(crate) fn proof(patch: &VirtualPatch) -> Proof {
    Proof {
        digest: patch.digest(),
        objections: Vec::new(),
        proven_ms: 500,
    }
}

pub(crate) fn shop() -> Subject {
    Subject::Application("shop".to_owned())
}

pub(crate) fn token(id: &str) -> Token {
    Token {
        id: id.to_owned(),
        who: "alice".to_owned(),
        role: Role::Operator,
        areas: vec![Area::Findings],
        expires_ms: 9_000,
        revoked_ms: None,
    }
}

/// A finding of `CVE-1` in the shop, and the patch `p` for it.
pub(crate) fn fill(change: &mut Change<'_>) -> Result<(), Error> {
    change.add(&asset("db-1"))?;
    change.add(&application("shop", &["db-1"]))?;
    change.add(&ingress_point("edge", &["shop"]))?;
    change.add(&advisory("CVE-1", Severity::High))?;
    change.add(&patch("p", &["CVE-1"]))?;
    change.open_finding("CVE-1", &shop())?;
    Ok(())
}

pub(crate) fn filled(backend: &crate::backend::Backend) -> Store {
    let store = backend.open();
    crate::backend::change(&store, fill);
    store
}

pub(crate) fn event(time_ms: u64, reference: &str, patch: Option<&str>) -> wire::Event {
    wire::Event {
        version: wire::Event::VERSION,
        reference: reference.to_owned(),
        time_ms,
        ingress: "edge".to_owned(),
        application: "shop".to_owned(),
        client: "192.0.2.1".to_owned(),
        method: "GET".to_owned(),
        host: "shop.example.org".to_owned(),
        path: "/search?q=%00".to_owned(),
        action: wire::Action::Block,
        status: Some(403),
        request_id: None,
        matches: patch.map(matched).into_iter().collect(),
        probe: None,
    }
}

fn matched(patch: &str) -> wire::EventMatch {
    wire::EventMatch {
        patch: Some(patch.to_owned()),
        rule: 1,
        phase: 1,
        target: "ARGS:q".to_owned(),
        message: String::new(),
        value: "a\0b".to_owned(),
        severity: None,
        enforced: true,
    }
}

pub(crate) fn user() -> ledger::User {
    ledger::User {
        id: "ann".to_owned(),
        role: ledger::Role::Operator,
        areas: Vec::new(),
        account: None,
        removed_ms: None,
    }
}

pub(crate) fn subscription() -> ledger::Subscription {
    ledger::Subscription {
        id: "ops".to_owned(),
        to: "mailto:ops@example.org".to_owned(),
        actions: Vec::new(),
    }
}
