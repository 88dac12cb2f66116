//! Plans come and go under load.

use std::sync::Arc;

use engine::Plan;

use crate::process::{alone, resident};
use crate::support::{Client, OK, Upstream, ask, config, get, no_attack, post, start};

/// Swaps before memory is measured: by then everything has its size.
const WARM_UP: usize = 200;
const SWAPS: usize = 1000;
/// What memory may differ by afterwards. One leaked plan takes 20 kB, 800 of them 16 MB.
const TOLERANCE: usize = 4 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_under_load_fail_no_request_and_leave_no_plan_behind() {
    let alone = alone().await;
    let upstream = Upstream::serve(OK.into(), false).await;
    let mut config = config(upstream.address);
    // A fast machine has time for so many that the connection would end, in good order.
    config.limits.connection_requests = u64::MAX;
    let (running, address) = start(config, Plan::empty()).await;
    let (done, stop) = tokio::sync::watch::channel(false);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let stop = stop.clone();
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut count = 0;
                while !*stop.borrow() || count < 50 {
                    let request = match count % 2 {
                        0 => get("/?q=fine"),
                        _ => post("q=fine"),
                    };
                    client.send(request).await;
                    assert_eq!(client.response().await.status, 200);
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut known = Vec::new();
    let mut before = 0;
    for count in 0..SWAPS {
        let plan = no_attack();
        known.push(Arc::downgrade(&plan));
        running.swap(plan);
        // Requests come between.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        if count == WARM_UP {
            before = resident();
        }
    }
    let after = resident();
    done.send(true).unwrap();
    let mut requests = 0;
    for client in clients {
        requests += client.await.unwrap();
    }
    assert!(
        requests > SWAPS,
        "only {requests} requests between the swaps"
    );
    assert!(
        after.abs_diff(before) <= TOLERANCE,
        "memory went from {before} to {after} bytes"
    );
    let alive = known.iter().filter(|plan| plan.strong_count() > 0).count();
    assert_eq!(
        alive, 1,
        "plans that are not in use any more are still there"
    );
    assert_eq!(ask(address, get("/?q=attack")).await.status, 403);
    let metrics = running.metrics();
    let swapped = format!("stopgap_plan_reloads_total{{outcome=\"success\"}} {SWAPS}\n");
    assert!(metrics.contains(&swapped), "{metrics}");
    assert!(!metrics.contains("stopgap_failures_total{"), "{metrics}");
    running.stop().await;
    drop(alone);
}
