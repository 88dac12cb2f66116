//! Events that wait until the control side has them.

use std::time::Duration;

use crate::peer::Peer;
use crate::site::{ATTACK, get};
use crate::{ENFORCE, Point, of_traversal};

/// The event that the page of a stopped request names.
fn reference(page: &str) -> String {
    let (_, rest) = page.split_once("<code>").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[test]
fn events_outlast_the_control_sides_absence_and_the_gateways_death() {
    let peer = Peer::start();
    let point = Point::enrolled(&peer);
    let started = point.start();
    peer.offer(of_traversal(&peer, 1, ENFORCE));
    peer.attests(1);
    let mut told = Vec::new();
    let mut attack = |address, times| {
        for _ in 0..times {
            told.push(reference(&get(address, ATTACK)));
        }
    };
    attack(started.address, 1);
    peer.until("the first is delivered", |state| {
        (state.events.len() == 1).then_some(())
    });

    // Nobody is there; then the gateway is killed.
    peer.state().away = true;
    attack(started.address, 7);
    let end = std::time::Instant::now() + crate::support::PATIENCE;
    while !started.counts("stopgap_events_waiting 7") {
        assert!(std::time::Instant::now() < end, "seven events wait");
        std::thread::sleep(Duration::from_millis(10));
    }
    started.kill();
    let started = point.start();
    assert!(started.counts("stopgap_events_waiting 7"));
    attack(started.address, 3);

    // Taken, but not acknowledged: they come again, each is kept once.
    {
        let mut state = peer.state();
        state.forgets_to_acknowledge = true;
        state.away = false;
    }
    peer.until("all are delivered", |state| {
        (state.events.len() == 11).then_some(())
    });
    peer.until("nothing waits", |_| {
        started.counts("stopgap_events_waiting 0").then_some(())
    });
    assert!(started.counts("stopgap_events_lost_total 0"));
    let state = peer.state();
    let kept: std::collections::BTreeSet<_> = state.events.keys().cloned().collect();
    assert_eq!(kept, told.into_iter().collect());
    assert!(
        state.events.values().any(|times| *times > 1),
        "some came again"
    );
    let left = std::fs::read_dir(point.state().join("spool")).unwrap();
    assert_eq!(left.count(), 0);
}
