//! Load on loopback: so many requests on so many connections, and the application that answers.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Connections at one time.
pub(crate) const CONNECTIONS: usize = 16;

/// Sends `count` requests over `connections` and waits for all answers: those given, one after
/// the other, and again from the first. Each connection begins elsewhere among them.
///
/// # Errors
/// Any answer that does not begin with `status`.
pub(crate) fn send(
    address: SocketAddr,
    requests: &Arc<[Vec<u8>]>,
    count: usize,
    connections: usize,
    status: &'static str,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for at in 0..connections {
            let share = count / connections + usize::from(at < count % connections);
            let requests = Arc::clone(requests);
            let first = at * requests.len() / connections;
            clients.spawn(async move {
                let own = requests.iter().cycle().skip(first).take(share);
                client(address, own, status).await
            });
        }
        while let Some(outcome) = clients.join_next().await {
            outcome??;
        }
        Ok(())
    })
}

async fn client(
    address: SocketAddr,
    requests: impl Iterator<Item = &Vec<u8>>,
    status: &str,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    for request in requests {
        stream.write_all(request).await?;
        buffer.clear();
        loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                let so_far = String::from_utf8_lossy(&buffer);
                bail!("{address} closed before its answer was whole: {so_far:?}");
            }
            if length(&buffer).is_some_and(|length| buffer.len() >= length) {
                break;
            }
        }
        if !buffer.starts_with(status.as_bytes()) {
            let answer = String::from_utf8_lossy(&buffer);
            bail!("{address} answered otherwise than {status}: {answer:?}");
        }
    }
    Ok(())
}

/// Bytes of a message of given length, once its head is whole.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let body = bytes
        .get(..head)?
        .windows(NAME.len())
        .position(|window| window.eq_ignore_ascii_case(NAME))
        .and_then(|at| bytes.get(at + NAME.len()..head))
        .map_or(0, |digits| {
            digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
        });
    Some(head + body)
}

/// Starts an application that answers every request with a page of 1 kB, on a thread of its own.
pub(crate) fn application() -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("application".to_owned())
        .spawn(move || runtime.block_on(accept(listener)))
        .context("cannot start the application")?;
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A proxy may end its connections as it likes.
        tokio::spawn(async move { serve(stream).await.ok() });
    }
}

async fn serve(mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let page = "x".repeat(1024);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-cache\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    );
    let mut buffer = Vec::with_capacity(16 * 1024);
    while stream.read_buf(&mut buffer).await? > 0 {
        while let Some(length) = length(&buffer).filter(|&length| length <= buffer.len()) {
            buffer.drain(..length);
            stream.write_all(answer.as_bytes()).await?;
        }
    }
    Ok(())
}

/// A GET as a browser sends it.
pub(crate) fn get(target: &str) -> Vec<u8> {
    head("GET", target, "").into_bytes()
}

/// A POST of 2 kB of JSON.
pub(crate) fn post(target: &str) -> Vec<u8> {
    let body = json();
    let lines = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    format!("{}{body}", head("POST", target, &lines)).into_bytes()
}

fn head(method: &str, target: &str, lines: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: shop.example.org\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
         Referer: https://shop.example.org/\r\n\
         Cookie: session=5f0c2a9e7b1d4c3f8a6e; theme=dark; consent=1\r\n{lines}\r\n"
    )
}

/// An order of 2 kB, as a single-page application sends it.
pub(crate) fn json() -> String {
    let items: Vec<String> = (0..14)
        .map(|item| {
            format!(
                "{{\"sku\":\"SKU-{:05}\",\"name\":\"Garden chair, model {item}\",\"quantity\":{},\"price\":{}.95,\"gift\":false,\"tags\":[\"garden\",\"oak\"]}}",
                item * 7919 % 100_000,
                item % 4 + 1,
                item * 3 + 10
            )
        })
        .collect();
    format!(
        "{{\"customer\":{{\"name\":\"Ann O'Neil\",\"email\":\"ann@example.org\",\"city\":\"Oak & Elm Street 7\"}},\
         \"note\":\"please select the green one, or call\",\"items\":[{}],\"total\":1204.55}}",
        items.join(",")
    )
}
