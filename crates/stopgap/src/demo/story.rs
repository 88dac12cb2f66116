//! The story: one function, one step after the other.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use engine::{Limits, Mode, Plan};
use gateway::{Application, Config, Gateway, HostPattern, Running, UpstreamUrl};
use patch::document::Case;
use patch::{Level, Request, Source};

use super::screen::Screen;
use super::shown;
use super::site::{Site, Worked, plain, requests};
use super::subject::{Instance, Subject};

/// What runs when the story has been told.
pub(super) struct Scene {
    gateway: Running,
    plan: Arc<Plan>,
    instances: Vec<Box<dyn Instance>>,
    /// The host of the newer version.
    host: String,
    /// To be tried by hand.
    example: Option<Request>,
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
    let [first, second] = &subject.versions;
    let patches = &subject.patches;
    screen.step(&format!("Deployed behind the gateway: {}", subject.title));
    let instance = (subject.deploy)(first.clone()).await?;
    let application = instance.address();
    let config = configuration(&subject, listen, &[application])?;
    let gateway = Gateway::start(config.clone(), Plan::empty())
        .await
        .context("the gateway does not start")?;
    let example = patches
        .first()
        .and_then(|patch| patch.document.cases.exploit.first());
    let mut scene = Scene {
        gateway,
        plan: Plan::empty(),
        instances: vec![instance],
        host: format!("v2.{}.localhost", subject.name),
        example: example.and_then(|case| Request::of(&case.request).ok()),
    };
    screen.say(&format!("{} {first}: http://{application}", subject.name));
    screen.say(&format!(
        "the gateway: http://{}, with no patches yet",
        scene.address()
    ));
    let direct = Site::new(application, None);
    let through = Site::new(scene.address(), None);

    screen.step("It is vulnerable: the exploits work");
    let mut at_first = Vec::new();
    for patch in patches {
        at_first.push(vulnerable(patch, &direct, &through, screen).await?);
    }

    screen.step("Virtual patches are linted and proven, before any traffic meets them");
    for patch in patches {
        prove(patch, screen)?;
    }
    screen
        .say("Variants are exploits rewritten as attackers do: encoded, moved, chunked, padded …");
    screen.say("Whether one that passes does any harm is tried on the application itself, next.");
    let sources: Vec<(Source, Mode)> = patches
        .iter()
        .map(|source| (source.clone(), Mode::Enforce))
        .collect();
    scene.plan = patch::load::plan(&[], &sources, Limits::default(), &engine::NoResources)?;

    screen.step("The patches are enforced; the application is not touched");
    scene.gateway.swap(Arc::clone(&scene.plan));
    if let (Some(request), Some(case)) = (&scene.example, example) {
        show(request, case, &through, screen).await?;
    }
    for patch in patches {
        stopped(patch, &direct, &through, screen).await?;
    }

    screen.step("Legitimate use goes on, also where it looks like the exploits");
    for patch in patches {
        let worked = through.works(&plain(&patch.document.cases.benign)).await?;
        let told = worked.told("legitimate requests get their answer");
        screen.claim(worked.all(), &line(patch, &told));
    }

    screen.step(&match first == second {
        false => {
            format!("A new version, {second}, is deployed beside {first}; nobody touches a patch")
        }
        true => format!(
            "Another instance, also {first}, is deployed under a new host; nobody touches a patch"
        ),
    });
    let instance = (subject.deploy)(second.clone()).await?;
    let new = instance.address();
    scene.instances.push(instance);
    let both = configuration(&subject, listen, &[application, new])?;
    scene.gateway.reconfigure(&both)?;
    let new_direct = Site::new(new, None);
    let new_through = Site::new(scene.address(), Some(scene.host.clone()));
    screen.say(&format!(
        "{} {second}: http://{new}, behind the gateway as {}",
        subject.name, scene.host
    ));
    for patch in patches {
        covered(patch, &subject.newer, &new_direct, &new_through, screen).await?;
    }

    screen.step("Rollback is one step, and takes effect at once");
    scene.gateway.swap(Plan::empty());
    for (patch, before) in patches.iter().zip(&at_first) {
        let worked = through.works(&plain(&patch.document.cases.exploit)).await?;
        let told = worked.told("exploits work again through the gateway");
        screen.claim(worked == *before && !worked.none(), &line(patch, &told));
    }
    Ok(scene)
}

/// Keeps everything running until its future is dropped.
pub(super) async fn stay(scene: &Scene, screen: &Screen) {
    scene.gateway.swap(Arc::clone(&scene.plan));
    screen.head("\nThe patches are enforced again. Play with it:");
    screen.say(&format!("protected:       http://{}", scene.address()));
    for instance in &scene.instances {
        screen.say(&format!("not protected:   http://{}", instance.address()));
    }
    screen.say(&format!(
        "the second one:  http://{} with the header Host: {}",
        scene.address(),
        scene.host
    ));
    let command = |request| shown::command(request, scene.address());
    if let Some(command) = scene.example.as_ref().and_then(command) {
        screen.say("An exploit to try, here at the protected address:");
        screen.say(&format!("  {command}"));
    }
    screen.say("Ctrl-C ends it.");
    std::future::pending::<()>().await;
}

/// Every exploit works directly, and some also through a gateway without patches:
/// it refuses by itself what is hardly HTTP. Gives what worked through the gateway.
async fn vulnerable(
    source: &Source,
    direct: &Site,
    through: &Site,
    screen: &mut Screen,
) -> anyhow::Result<Worked> {
    let exploits = plain(&source.document.cases.exploit);
    let requests = requests(&exploits)?;
    screen.say(&format!(
        "{}: {}",
        source.document.id.value, source.document.title.value
    ));
    if let (Some(request), Some(case)) = (requests.first(), exploits.first()) {
        show(request, case, through, screen).await?;
    }
    let real = direct.works(&exploits).await?;
    let open = through.works_in_two(&exploits).await?;
    let told = format!(
        "{}, {} of them through the gateway",
        real.told("exploits work"),
        open.count()
    );
    screen.claim(real.all() && !open.none(), &told);
    Ok(open)
}

/// A request and what comes back.
async fn show(request: &Request, case: &Case, site: &Site, screen: &Screen) -> anyhow::Result<()> {
    for line in shown::request(request) {
        screen.say(&format!("  > {line}"));
    }
    let reply = site.answer(request).await?;
    screen.say(&format!("  < {}", shown::answer(reply.as_ref(), case)));
    Ok(())
}

/// Lint and proof of one patch.
fn prove(source: &Source, screen: &mut Screen) -> anyhow::Result<()> {
    let errors = errors(source);
    let compiled = patch::compile(source)?;
    let plan = patch::prove::plan(source, &compiled)?;
    let report = patch::prove::prove(source, &plan, true)?;
    let count = |exploit| {
        let of_kind = report.cases.iter().filter(|case| case.exploit == exploit);
        of_kind.count()
    };
    let told = format!(
        "{} exploits and {} of {} variants stopped, {} legitimate requests pass",
        count(true),
        report.evasions.iter().filter(|variant| variant.ok).count(),
        report.evasions.len(),
        count(false),
    );
    screen.claim(errors.is_empty() && report.holds(), &line(source, &told));
    for error in errors {
        screen.say(&error);
    }
    Ok(())
}

/// What keeps a patch from being used, on its last day: as part of a program it is shown for years.
pub(super) fn errors(source: &Source) -> Vec<String> {
    let expires = source.document.expires.as_ref();
    let last = expires.and_then(|day| day.value.parse().ok());
    patch::lint(source, last.unwrap_or_else(crate::patch::today))
        .iter()
        .filter(|problem| problem.level == Level::Error)
        .map(ToString::to_string)
        .collect()
}

/// No exploit, and no variant that really works, gets through.
async fn stopped(
    source: &Source,
    direct: &Site,
    through: &Site,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let exploits = plain(&source.document.cases.exploit);
    let blocked = through.works(&exploits).await?;
    let mut seen = HashSet::new();
    let mut variants = Vec::new();
    for (request, case) in requests(&exploits)?.iter().zip(&exploits) {
        let new = patch::evasions(request)
            .into_iter()
            .filter(|variant| seen.insert(variant.request.wire()));
        variants.extend(new.map(|variant| (variant, *case)));
    }
    let tries = variants
        .iter()
        .map(|(variant, case)| (&variant.request, *case));
    let works = direct.tries(tries).await?;
    let real: Vec<_> = variants
        .iter()
        .zip(works)
        .filter_map(|(variant, works)| works.then_some(variant))
        .collect();
    let tries = real.iter().map(|(variant, case)| (&variant.request, *case));
    let leaks: Vec<String> = real
        .iter()
        .zip(through.tries(tries).await?)
        .filter(|(_, leaks)| *leaks)
        .map(|((variant, case), _)| format!("{}, {}", case.name, variant.name))
        .collect();
    let told = format!(
        "{} and {} of {} working variants get through",
        blocked.told("exploits"),
        leaks.len(),
        real.len()
    );
    screen.claim(blocked.none() && leaks.is_empty(), &line(source, &told));
    for leak in leaks {
        screen.say(&format!("gets through: {leak}"));
    }
    Ok(())
}

/// The newcomer is vulnerable by itself, and protected behind the gateway.
async fn covered(
    source: &Source,
    newer: &[(&str, Case)],
    direct: &Site,
    through: &Site,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let mut exploits = plain(&source.document.cases.exploit);
    let of_patch = newer
        .iter()
        .filter(|newer| newer.0 == source.document.id.as_str());
    exploits.extend(of_patch.map(|newer| &newer.1));
    let vulnerable = direct.works(&exploits).await?;
    let covered = through.works(&exploits).await?;
    let benign = through.works(&plain(&source.document.cases.benign)).await?;
    let told = format!(
        "{} directly, {} through the gateway; {}",
        vulnerable.told("exploits work"),
        covered.count(),
        benign.told("legitimate pass")
    );
    screen.claim(
        !vulnerable.none() && covered.none() && benign.all(),
        &line(source, &told),
    );
    Ok(())
}

fn line(source: &Source, told: &str) -> String {
    format!("{:16} {told}", source.document.id.value)
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
