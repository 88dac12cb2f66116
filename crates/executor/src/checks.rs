//! Whether something holds of an asset or a service.

mod sql;
mod tls;

use std::net::{TcpStream, ToSocketAddrs};
use std::thread::sleep;
use std::time::{Duration, Instant};

use campaign::{Check, Class, Done, Failure, Probe};

use crate::{Executor, fault, remote};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(10);
/// How long what does not hold yet is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// The most bytes of a page.
const MAX_PAGE: u64 = 1 << 20;

/// Sees whether all hold, each within its time.
pub(crate) fn carry_out(
    executor: &Executor,
    asset: &str,
    checks: &[Check],
) -> Result<Done, Failure> {
    let mut evidence = String::new();
    for check in checks {
        let begun = Instant::now();
        let patience = Duration::from_millis(check.timeout_ms.try_into().unwrap_or(0));
        loop {
            match look(executor, asset, &check.probe) {
                Ok(seen) => {
                    evidence.push_str(&format!("{}: {seen}\n", check.name));
                    break;
                }
                Err(why) if begun.elapsed() > patience => {
                    let text = format!("{evidence}{}: {why}", check.name);
                    return Err(fault::of(Class::Check, text));
                }
                Err(_) => sleep(PAUSE),
            }
        }
    }
    Ok(executor.seen(evidence))
}

fn look(executor: &Executor, asset: &str, probe: &Probe) -> Result<String, String> {
    match probe {
        Probe::Http {
            url,
            status,
            contains,
        } => http(url, *status, contains.as_deref()),
        Probe::Tcp { address } => connect(address).map(|_| "accepts".to_owned()),
        Probe::Tls { address, days } => tls::days_left(address).and_then(|left| {
            let text = format!("valid for {left} more days");
            if left >= i64::from(*days) {
                Ok(text)
            } else {
                Err(format!("{text}, not {days}"))
            }
        }),
        Probe::Unit { name } => {
            let words = ["systemctl", "is-active", "--", name].map(str::to_owned);
            on_asset(executor, asset, &words)
        }
        Probe::Sql {
            database,
            query,
            expect,
        } => answers(executor, database, query, expect),
        Probe::Command { arguments } => on_asset(executor, asset, arguments),
    }
}

fn on_asset(executor: &Executor, asset: &str, arguments: &[String]) -> Result<String, String> {
    remote::program(&executor.config, asset, arguments, LOOK)
        .map(|said| fault::excerpt(&said))
        .map_err(|failure| format!("{}: {}", failure.class.name(), failure.excerpt))
}

fn http(url: &str, status: u16, contains: Option<&str>) -> Result<String, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LOOK))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut answer = agent.get(url).call().map_err(|why| why.to_string())?;
    let found = answer.status().as_u16();
    if found != status {
        return Err(format!("answers {found}, not {status}"));
    }
    if let Some(text) = contains {
        let body = answer.body_mut().with_config().limit(MAX_PAGE);
        let page = body.read_to_vec().map_err(|why| why.to_string())?;
        if !String::from_utf8_lossy(&page).contains(text) {
            return Err(format!("answers {found} without `{text}`"));
        }
    }
    Ok(format!("answers {found}"))
}

/// Connects to `host:port`.
fn connect(address: &str) -> Result<TcpStream, String> {
    let found = address
        .to_socket_addrs()
        .map_err(|why| format!("{address}: {why}"))?;
    let mut last = format!("{address}: has no address");
    for place in found {
        match TcpStream::connect_timeout(&place, LOOK) {
            Ok(stream) => return Ok(stream),
            Err(why) => last = format!("{place}: {why}"),
        }
    }
    Err(last)
}

fn answers(
    executor: &Executor,
    database: &str,
    query: &str,
    expect: &str,
) -> Result<String, String> {
    let url = executor
        .config
        .databases
        .get(database)
        .map_or(database, |database| database.url.as_str());
    let config = url.parse().map_err(|_| {
        format!(
            "`{database}` is no URL of PostgreSQL and no database of the executor's configuration"
        )
    })?;
    let found = sql::first_field(config, query, LOOK)?;
    match found {
        Some(found) if found == expect => Ok(format!("answers {found}")),
        Some(found) => Err(format!("answers {}, not {expect}", fault::excerpt(&found))),
        None => Err(format!("answers with no row, not {expect}")),
    }
}
