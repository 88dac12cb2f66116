//! The story: one function, one step after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::{Limits, Mode, Plan};
use gateway::{Application, Config, Gateway, HostPattern, Running, UpstreamUrl};
use patch::document::{Case, Located};
use patch::{Expected, Level, Request, Source};

use super::screen::Screen;
use super::subject::{Instance, Subject};
use crate::live::Target;
use crate::patch::judge;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What runs when the story has been told.
pub(super) struct Scene {
    gateway: Running,
    plan: Arc<Plan>,
    instances: Vec<Box<dyn Instance>>,
    name: &'static str,
}

impl Scene {
    pub(super) async fn end(self) {
        self.gateway.stop().await;
        for instance in self.instances {
            instance.stop().await;
        }
    }

    fn address(&self) -> SocketAddr {
        // The gateway listens on one address.
        let none = SocketAddr::from(([127, 0, 0, 1], 0));
        self.gateway.addresses().first().copied().unwrap_or(none)
    }
}

/// Tells it all.
pub(super) async fn tell(
    subject: Subject,
    listen: SocketAddr,
    screen: &mut Screen,
) -> anyhow::Result<Scene> {
    let [first, second] = subject.versions;
    screen.step(&format!("{} is deployed behind the gateway", subject.title));
    let instance = (subject.deploy)(first).await?;
    let application = instance.address();
    let config = configuration(&subject, listen, &[application])?;
    let gateway = Gateway::start(config.clone(), Plan::empty())
        .await
        .context("the gateway does not start")?;
    let mut scene = Scene {
        gateway,
        plan: Plan::empty(),
        instances: vec![instance],
        name: subject.name,
    };
    screen.say(&format!("{} {first}: http://{application}", subject.name));
    screen.say(&format!("the gateway:  http://{}", scene.address()));
    let direct = Site::new(application, None);
    let through = Site::new(scene.address(), None);

    screen.step("Its vulnerabilities are real: the exploits work through the gateway");
    for patch in &subject.patches {
        let worked = works(&through, &plain(&patch.document.cases.exploit)).await?;
        screen.claim(
            worked.all(),
            &format!("{}: {}", title(patch), worked.told("exploits work")),
        );
    }

    screen.step("Virtual patches are linted and proven, before any traffic meets them");
    for patch in &subject.patches {
        prove(patch, screen)?;
    }
    let sources: Vec<(Source, Mode)> = subject
        .patches
        .iter()
        .map(|source| (source.clone(), Mode::Enforce))
        .collect();
    scene.plan = patch::load::plan(&[], &sources, Limits::default(), &engine::NoResources)?;

    screen.step("They are enforced: the application itself is not touched");
    scene.gateway.swap(Arc::clone(&scene.plan));
    for patch in &subject.patches {
        stopped(patch, &direct, &through, screen).await?;
    }

    screen.step("Legitimate use goes on");
    for patch in &subject.patches {
        let worked = works(&through, &plain(&patch.document.cases.benign)).await?;
        screen.claim(
            worked.all(),
            &format!("{}: {}", title(patch), worked.told("benign twins pass")),
        );
    }

    screen.step(&format!(
        "A new version, {second}, is deployed beside the old one; nobody touches a patch"
    ));
    let instance = (subject.deploy)(second).await?;
    let new = instance.address();
    scene.instances.push(instance);
    let both = configuration(&subject, listen, &[application, new])?;
    scene.gateway.reconfigure(&both)?;
    let host = format!("v2.{}.localhost", subject.name);
    let new_direct = Site::new(new, None);
    let new_through = Site::new(scene.address(), Some(host.clone()));
    screen.say(&format!(
        "{} {second}: http://{new}, behind the gateway as {host}",
        subject.name
    ));
    for patch in &subject.patches {
        let mut exploits: Vec<&Case> = plain(&patch.document.cases.exploit);
        let of_patch = |newer: &&(&str, Case)| newer.0 == patch.document.id.as_str();
        exploits.extend(subject.newer.iter().filter(of_patch).map(|newer| &newer.1));
        let vulnerable = works(&new_direct, &exploits).await?;
        let covered = works(&new_through, &exploits).await?;
        let benign = works(&new_through, &plain(&patch.document.cases.benign)).await?;
        screen.claim(
            vulnerable.some() && covered.none() && benign.all(),
            &format!(
                "{}: {} it directly, {} through the gateway; {}",
                title(patch),
                vulnerable.told("exploits work on"),
                covered.count,
                benign.told("benign twins pass")
            ),
        );
    }

    screen.step("Rollback is one step, and takes effect at once");
    scene.gateway.swap(Plan::empty());
    for patch in &subject.patches {
        let worked = works(&through, &plain(&patch.document.cases.exploit)).await?;
        screen.claim(
            worked.all(),
            &format!("{}: {} again", title(patch), worked.told("exploits work")),
        );
    }
    Ok(scene)
}

/// Keeps everything running until someone ends it.
pub(super) async fn stay(scene: &Scene, screen: &Screen) -> anyhow::Result<()> {
    scene.gateway.swap(Arc::clone(&scene.plan));
    println!("\nThe patches are enforced again. Play with it:");
    screen.say(&format!("protected:    http://{}", scene.address()));
    for instance in &scene.instances {
        screen.say(&format!("not protected: http://{}", instance.address()));
    }
    screen.say(&format!(
        "the new version, protected: http://{}, with `Host: v2.{}.localhost`",
        scene.address(),
        scene.name
    ));
    screen.say("Ctrl-C ends it.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// Lint and proof of one patch.
fn prove(source: &Source, screen: &mut Screen) -> anyhow::Result<()> {
    let errors: Vec<String> = patch::lint(source, crate::patch::today())
        .iter()
        .filter(|problem| problem.level == Level::Error)
        .map(ToString::to_string)
        .collect();
    let compiled = patch::compile(source)?;
    let plan = patch::prove::plan(source, &compiled)?;
    let report = patch::prove::prove(source, &plan, true)?;
    let count = |exploit| {
        report
            .cases
            .iter()
            .filter(|case| case.exploit == exploit)
            .count()
    };
    screen.claim(
        errors.is_empty() && report.holds(),
        &format!(
            "{}: {} exploits stopped, {} benign twins pass, {} of {} variants stopped",
            title(source),
            count(true),
            count(false),
            report.evasions.iter().filter(|variant| variant.ok).count(),
            report.evasions.len()
        ),
    );
    for error in errors {
        screen.say(&error);
    }
    Ok(())
}

/// No exploit, and no variant that really works, gets through.
async fn stopped(
    source: &Source,
    direct: &Site,
    through: &Site,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let mut real = 0;
    let mut leaks = Vec::new();
    let exploits = plain(&source.document.cases.exploit);
    let blocked = works(through, &exploits).await?;
    for case in exploits {
        let request = request(case)?;
        for variant in patch::evasions(&request) {
            if !direct.works(&variant.request, case).await? {
                continue;
            }
            real += 1;
            if through.works(&variant.request, case).await? {
                leaks.push(format!("{}, {}", case.name, variant.name));
            }
        }
    }
    screen.claim(
        blocked.none() && leaks.is_empty(),
        &format!(
            "{}: {} of {} exploits and {} of {real} working variants get through",
            title(source),
            blocked.count,
            blocked.of,
            leaks.len()
        ),
    );
    for leak in leaks {
        screen.say(&format!("gets through: {leak}"));
    }
    Ok(())
}

fn title(source: &Source) -> String {
    format!(
        "{} ({})",
        source.document.id.value, source.document.title.value
    )
}

fn request(case: &Case) -> anyhow::Result<Request> {
    Request::of(&case.request).map_err(|why| anyhow::anyhow!("case {}: {why}", case.name))
}

/// How many of some cases worked.
struct Worked {
    count: usize,
    of: usize,
}

impl Worked {
    fn all(&self) -> bool {
        self.count == self.of
    }

    fn some(&self) -> bool {
        self.count > 0
    }

    fn none(&self) -> bool {
        self.count == 0
    }

    fn told(&self, what: &str) -> String {
        format!("{} of {} {what}", self.count, self.of)
    }
}

/// The cases without their places.
fn plain(cases: &[Located<Case>]) -> Vec<&Case> {
    cases.iter().map(|case| &case.value).collect()
}

async fn works(site: &Site, cases: &[&Case]) -> anyhow::Result<Worked> {
    let mut count = 0;
    for case in cases {
        count += usize::from(site.works(&request(case)?, case).await?);
    }
    Ok(Worked {
        count,
        of: cases.len(),
    })
}

/// Where requests go, and under which name.
struct Site {
    address: SocketAddr,
    host: Option<String>,
}

impl Site {
    fn new(address: SocketAddr, host: Option<String>) -> Self {
        Self { address, host }
    }

    /// Whether a request does there what its case says.
    async fn works(&self, request: &Request, case: &Case) -> anyhow::Result<bool> {
        let mut request = request.clone();
        if let Some(host) = &self.host {
            for (name, value) in &mut request.headers {
                if name.eq_ignore_ascii_case(b"host") {
                    *value = host.clone().into_bytes();
                }
            }
        }
        let wire = request.wire();
        let target = Target::new(self.address, PATIENCE);
        let reply = tokio::task::spawn_blocking(move || target.send(&wire)).await?;
        // No answer: it did not work.
        let Ok(reply) = reply else {
            return Ok(false);
        };
        Ok(judge(case.success.as_ref(), &reply)? == Expected::Yes)
    }
}

/// The gateway's configuration: the newest version has a host of its own.
fn configuration(
    subject: &Subject,
    listen: SocketAddr,
    instances: &[SocketAddr],
) -> anyhow::Result<Config> {
    let mut config = Config::for_one(listen, "http://127.0.0.1:1")?;
    let versions = instances.iter().enumerate().rev();
    config.application = versions
        .map(|(at, address)| {
            let upstream = UpstreamUrl::try_from(format!("http://{address}"));
            let hosts = match at {
                0 => Vec::new(),
                newer => vec![HostPattern::try_from(format!(
                    "v{}.{}.localhost",
                    newer + 1,
                    subject.name
                ))],
            };
            Ok(Application {
                name: match at {
                    0 => subject.name.to_owned(),
                    newer => format!("{}-v{}", subject.name, newer + 1),
                },
                hosts: hosts
                    .into_iter()
                    .collect::<Result<_, _>>()
                    .map_err(anyhow::Error::msg)?,
                upstreams: vec![upstream.map_err(anyhow::Error::msg)?],
                protocol: gateway::Protocol::default(),
                authorities: None,
                fail: gateway::Fail::default(),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(config)
}
