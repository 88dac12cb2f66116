//! A slow network that loses connections, between the ingress point and the control side.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long each piece takes at most, in milliseconds.
const DELAY_MS: u64 = 60;
/// Connections in the time of a test.
const MAX_CONNECTIONS: usize = 20_000;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
    seed: u64,
}

impl Relay {
    pub(crate) fn start(to: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&open);
        std::thread::spawn(move || {
            let incoming = listener.incoming().take(MAX_CONNECTIONS);
            for (number, near) in (1..).zip(incoming.map_while(Result::ok)) {
                let Ok(far) = TcpStream::connect(to) else {
                    continue;
                };
                let kept = [&near, &far].map(|stream| stream.try_clone().unwrap());
                all.lock().unwrap().extend(kept);
                let pairs = [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far, near),
                ];
                for (from, to) in pairs {
                    std::thread::spawn(move || copy(from, to, Chance::new(seed * 1000 + number)));
                }
            }
        });
        Self {
            address,
            open,
            seed,
        }
    }

    /// Every connection is lost.
    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            // It may have ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn chance(&self) -> Chance {
        Chance::new(self.seed)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut chance: Chance) {
    let mut buffer = [0; 4096];
    while let Ok(count) = from.read(&mut buffer) {
        std::thread::sleep(Duration::from_millis(chance.below(DELAY_MS)));
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Numbers that look like chance, the same in each run: xorshift64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let mut state = self.0;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0 = state;
        state % bound
    }
}
