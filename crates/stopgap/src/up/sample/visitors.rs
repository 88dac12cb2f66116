//! The shop of the example, and those who visit it: some buy, some attack.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use patch::{Request, Source};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::demo::SHOP_PATCHES;
use crate::live::Target;

const VERSION: &str = "1.4.0";
/// How often somebody comes: first to have something to look at, then so that it goes on.
const FIRST: (usize, Duration) = (60, Duration::from_millis(100));
const LATER: Duration = Duration::from_secs(5);
/// How long one answer may take, and the end of the program wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the shop, on this machine alone.
pub(in crate::up) async fn shop() -> anyhow::Result<shop::Running> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(shop::Shop::start(any, VERSION).await?)
}

/// Lets people visit the shop through the gateway until it is dropped.
pub(in crate::up) struct Visitors(JoinHandle<()>);

impl Visitors {
    pub(in crate::up) fn of(gateway: SocketAddr) -> anyhow::Result<Self> {
        let wants = wants()?;
        Ok(Self(tokio::spawn(async move {
            let (many, soon) = FIRST;
            for (count, want) in wants.iter().cycle().enumerate() {
                let (target, bytes) = (Target::new(gateway, PATIENCE), want.clone());
                // Whatever comes of it: visitors are not served while the gateway ends.
                drop(spawn_blocking(move || target.send(&bytes)).await);
                sleep(if count < many { soon } else { LATER }).await;
            }
        })))
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What visitors send: for each exploit all that is legitimate.
fn wants() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut wants = Vec::new();
    for (name, text) in SHOP_PATCHES {
        let cases = Source::parse(name, text)?.document.cases;
        for exploit in &cases.exploit {
            for case in cases.benign.iter().chain([exploit]) {
                let request = Request::of(&case.value.request);
                let request =
                    request.map_err(|why| anyhow::anyhow!("{name}: {}: {why}", case.value.name))?;
                wants.push(request.wire());
            }
        }
    }
    Ok(wants)
}
