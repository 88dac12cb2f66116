//! traffic
mod traffic;
use std::path::PathBuf;
fn main() {
    let paths: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let sources = patch::load::sources(&paths).unwrap_or_default();
    let all: Vec<_> = sources.iter().map(|s| (s, false)).collect();
    let made = traffic::generate(
        &all,
        traffic::Volume {
            seed: 1,
            near: 20,
            elsewhere: 60,
        },
    );
    for one in &made {
        println!(
            "##### {:?}\n{}",
            one.near,
            String::from_utf8_lossy(&one.request.wire())
        );
    }
}
