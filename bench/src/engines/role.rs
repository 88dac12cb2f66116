//! The role: our engine as a process that inspects mixes of requests.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use engine::{BodyNeed, Flow, Input, Limits, Plan, RequestHead, ResponseHead};

/// Rule files by their names.
struct Files;

impl seclang::Files for Files {
    fn find(&self, pattern: &str, _: &str) -> Result<Vec<String>, String> {
        Ok(vec![pattern.to_owned()])
    }

    fn read(&self, name: &str) -> Result<String, String> {
        std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))
    }
}

impl engine::Resources for Files {
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        let path = Path::new(source).with_file_name(name);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

struct Request {
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    response: Option<Response>,
}

struct Response {
    status: u16,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

/// Loads, says "ready", then does what each line says, as `peers/libmodsecurity/driver.c` does.
pub(crate) fn run(rules: &Path, mixes: &[&str]) -> anyhow::Result<()> {
    let name = rules.display().to_string();
    let rules = seclang::load(&name, &Files, &seclang::Limits::default())?;
    let input = Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    let plan = engine::compile(&input, Limits::default(), &Files)?;
    drop(input);
    let mixes: Vec<Vec<Request>> = mixes
        .iter()
        .map(|path| read(&std::fs::read(path)?))
        .collect::<anyhow::Result<_>>()?;
    let first = mixes.first().and_then(|mix| mix.first());
    inspect(&plan, first.context("no request")?);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (mix, passes) = line.split_once(' ').context("write INDEX PASSES")?;
        let mix = mixes.get(mix.parse::<usize>()?).context("no such mix")?;
        let mut stopped = 0;
        for _ in 0..passes.parse::<u32>()? {
            for request in mix {
                stopped += u32::from(inspect(&plan, request));
            }
        }
        println!("{stopped}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Whether the request was stopped. The picture of where time goes begins with it.
#[inline(never)]
fn inspect(plan: &Arc<Plan>, request: &Request) -> bool {
    let mut transaction = plan.begin();
    let mut head = RequestHead::new(&request.method, &request.target, &request.headers);
    head.host = b"shop.example.org";
    let mut flow = transaction.request_head(&head);
    if transaction.is_concerned() {
        if flow == Flow::Continue && transaction.request_body_need() != BodyNeed::None {
            flow = transaction.request_body(&request.body);
        }
        if flow == Flow::Continue {
            flow = transaction.request_body_end();
        }
        if let (Flow::Continue, Some(response)) = (&flow, &request.response)
            && transaction.wants_response()
        {
            flow = answer(&mut transaction, response);
        }
    }
    std::hint::black_box(transaction.finish());
    flow != Flow::Continue
}

fn answer(transaction: &mut engine::Transaction, response: &Response) -> Flow {
    let head = ResponseHead {
        status: response.status,
        version: b"HTTP/1.1",
        headers: &response.headers,
    };
    let mut flow = transaction.response_head(&head);
    if flow == Flow::Continue && transaction.response_body_need() != BodyNeed::None {
        flow = transaction.response_body(&response.body);
    }
    match flow {
        Flow::Continue => transaction.response_body_end(),
        Flow::Stop(_) => flow,
    }
}

fn read(mut rest: &[u8]) -> anyhow::Result<Vec<Request>> {
    let mut requests = Vec::new();
    while !rest.is_empty() {
        let (method, target) = (field(&mut rest)?, field(&mut rest)?);
        field(&mut rest)?;
        requests.push(Request {
            method,
            target,
            headers: headers(&mut rest)?,
            body: field(&mut rest)?,
            response: match number(&mut rest)? {
                0 => None,
                status => Some(Response {
                    status: u16::try_from(status)?,
                    headers: headers(&mut rest)?,
                    body: field(&mut rest)?,
                }),
            },
        });
    }
    Ok(requests)
}

fn headers(rest: &mut &[u8]) -> anyhow::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    (0..number(rest)?)
        .map(|_| Ok((field(rest)?, field(rest)?)))
        .collect()
}

fn number(rest: &mut &[u8]) -> anyhow::Result<u32> {
    let (bytes, after) = rest.split_first_chunk().context("a number is cut off")?;
    *rest = after;
    Ok(u32::from_le_bytes(*bytes))
}

fn field(rest: &mut &[u8]) -> anyhow::Result<Vec<u8>> {
    let length = number(rest)? as usize;
    let (bytes, after) = rest
        .split_at_checked(length)
        .context("a field is cut off")?;
    *rest = after;
    Ok(bytes.to_vec())
}
