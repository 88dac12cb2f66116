//! EPSS scores: `cve,epss,percentile`, below a comment with the model and the date.

use super::{Fault, Told, is_cve};
use crate::{Limits, News};

pub(super) fn read(source: &str, limits: &Limits) -> Result<Told, Fault> {
    let mut told = Told::default();
    let mut header = false;
    for (at, line) in source.lines().enumerate() {
        let fault = |why: &str| Fault {
            line: Some(at + 1),
            why: why.to_owned(),
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !header {
            if !line.starts_with("cve,epss") {
                return Err(fault("the first row must be `cve,epss,percentile`"));
            }
            header = true;
            continue;
        }
        let mut fields = line.split(',');
        let (id, score) = (fields.next().unwrap_or_default(), fields.next());
        let score = score.and_then(|score| score.parse::<f64>().ok());
        let score = score.filter(|score| (0.0..=1.0).contains(score));
        let (true, Some(score)) = (is_cve(id), score) else {
            return Err(fault("a row must be a CVE and a probability from 0 to 1"));
        };
        told.news.push(News::Probability {
            id: id.to_owned(),
            epss_millionths: millionths(score),
        });
        if told.news.len() > limits.entries {
            return Err(fault("there are too many rows; import it in parts"));
        }
    }
    match header {
        true => Ok(told),
        false => Err(Fault::new("it is empty")),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to a million"
)]
fn millionths(score: f64) -> u32 {
    (score * 1_000_000.0).round() as u32
}
