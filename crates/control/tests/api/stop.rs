use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use control::{Keys, Limits, Service, serve};
use ledger::rollout::Policy;
use store::{Location, Store};
use tokio::net::TcpListener;

use crate::harness::now_ms;

const NEVER_ENDED: &[u8] = b"POST /api/v1/assets HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n";

#[test]
fn whoever_never_ends_a_call_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::folder(folder.path());
    let store = Arc::new(Store::open(&location, store::Limits::default()).unwrap());
    let limits = Limits {
        stop_ms: 50,
        ..Limits::default()
    };
    let keys = Keys::open(&folder.path().join("keys")).unwrap();
    let (policy, clock) = (Policy { two_persons: true }, Arc::new(now_ms));
    let service = Service::new(store, policy, keys, clock, limits);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.write_all(NEVER_ENDED).unwrap();
    runtime.block_on(async {
        let served = serve(
            listener,
            service,
            tokio::time::sleep(Duration::from_millis(50)),
        );
        let ended = tokio::time::timeout(Duration::from_secs(9), served);
        ended.await.unwrap().unwrap();
    });
}
