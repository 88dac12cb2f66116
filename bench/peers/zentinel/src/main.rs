//! zentinel-modsec as a process, for the bench of engines. Rules and mixes of requests are named
//! as for `bench/peers/libmodsecurity/driver.c`, whose mode `bench` this is.

use std::error::Error;
use std::io::{BufRead, Write};

use zentinel_modsec::ModSecurity;

struct Request {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Headers and body, where there is a response.
    response: Option<(Vec<(String, String)>, Vec<u8>)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [rules, mixes @ ..] = &paths[..] else {
        return Err("zentinel-peer RULES MIX...".into());
    };
    let engine = ModSecurity::from_file(rules)?;
    let mixes = mixes.iter().map(|path| read(path));
    let mixes: Vec<Vec<Request>> = mixes.collect::<Result<_, _>>()?;
    let first = mixes.first().and_then(|mix| mix.first());
    inspect(&engine, first.ok_or("no request")?)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (mix, passes) = line.split_once(' ').ok_or("write INDEX PASSES")?;
        let mix = mixes.get(mix.parse::<usize>()?).ok_or("no such mix")?;
        let mut stopped = 0;
        for _ in 0..passes.parse::<u32>()? {
            for request in mix {
                stopped += u32::from(inspect(&engine, request)?);
            }
        }
        println!("{stopped}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Whether the request was stopped.
fn inspect(engine: &ModSecurity, request: &Request) -> Result<bool, Box<dyn Error>> {
    let mut transaction = engine.new_transaction();
    transaction.set_client_addr("127.0.0.1", 40000);
    transaction.set_server_addr("127.0.0.1", 80);
    transaction.process_uri(&request.target, &request.method, &request.version)?;
    for (name, value) in &request.headers {
        transaction.add_request_header(name, value)?;
    }
    transaction.process_request_headers()?;
    if !transaction.has_intervention() {
        if !request.body.is_empty() {
            transaction.append_request_body(&request.body)?;
        }
        transaction.process_request_body()?;
    }
    if let (false, Some((headers, body))) = (transaction.has_intervention(), &request.response) {
        for (name, value) in headers {
            transaction.add_response_header(name, value)?;
        }
        transaction.process_response_headers()?;
        if !transaction.has_intervention() {
            transaction.append_response_body(body)?;
            transaction.process_response_body()?;
        }
    }
    let stopped = transaction.has_intervention();
    transaction.process_logging()?;
    Ok(stopped)
}

fn read(path: &str) -> Result<Vec<Request>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let mut rest = &bytes[..];
    let mut requests = Vec::new();
    while !rest.is_empty() {
        requests.push(Request {
            method: text(&mut rest)?,
            target: text(&mut rest)?,
            version: format!("HTTP/{}", text(&mut rest)?),
            headers: headers(&mut rest)?,
            body: field(&mut rest)?.to_vec(),
            response: match number(&mut rest)? {
                0 => None,
                _ => Some((headers(&mut rest)?, field(&mut rest)?.to_vec())),
            },
        });
    }
    Ok(requests)
}

fn headers(rest: &mut &[u8]) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let count = number(rest)?;
    (0..count).map(|_| Ok((text(rest)?, text(rest)?))).collect()
}

fn number(rest: &mut &[u8]) -> Result<u32, Box<dyn Error>> {
    let (bytes, after) = rest.split_first_chunk().ok_or("a number is cut off")?;
    *rest = after;
    Ok(u32::from_le_bytes(*bytes))
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Box<dyn Error>> {
    let length = number(rest)? as usize;
    let (bytes, after) = rest.split_at_checked(length).ok_or("a field is cut off")?;
    *rest = after;
    Ok(bytes)
}

fn text(rest: &mut &[u8]) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(field(rest)?.to_vec())?)
}
