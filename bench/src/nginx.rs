//! nginx as a plain reverse proxy, installed from the distribution if it is missing.

use std::fmt::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::process::{Server, installed};

/// Starts nginx with a server block.
pub(crate) fn start_with(
    server: &str,
    folder: &Path,
    address: SocketAddr,
) -> anyhow::Result<Server> {
    installed("nginx", "nginx", &["-v"])?;
    run(server, folder, address)
}

/// Starts nginx with a configuration of its own in this folder.
pub(crate) fn start(folder: &Path, upstream: SocketAddr) -> anyhow::Result<Server> {
    installed("nginx", "nginx", &["-v"])?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    // What an operator would set to proxy with kept connections; nothing is logged.
    let text = format!(
        "  upstream app {{ server {upstream}; keepalive 256; keepalive_requests 1000000; }}\n\
         \x20 server {{\n    listen {address};\n    location / {{\n      proxy_pass http://app;\n\
         \x20     proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n\
         \x20     proxy_set_header Host $host;\n\
         \x20     proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         \x20     proxy_set_header X-Forwarded-Host $host;\n\
         \x20     proxy_set_header X-Forwarded-Proto $scheme;\n    }}\n  }}\n"
    );
    run(&text, folder, address)
}

fn run(servers: &str, folder: &Path, address: SocketAddr) -> anyhow::Result<Server> {
    let workers = std::thread::available_parallelism()?;
    let place = folder.display();
    let mut temporary = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(temporary, "  {kind}_temp_path {place}/{kind};")?;
    }
    let text = format!(
        "daemon off;\nworker_processes {workers};\npid {place}/nginx.pid;\nerror_log {place}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n{temporary}  access_log off;\n  keepalive_requests 1000000;\n{servers}}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = Command::new("nginx");
    command.args(["-e".as_ref(), folder.join("error.log").as_os_str()]);
    command.arg("-c").arg(&file).arg("-p").arg(folder);
    Server::start_at(command, address)
}
