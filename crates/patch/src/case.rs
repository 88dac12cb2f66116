//! Judging the answer of a live application.

use crate::document::Success;

/// What an application answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// For example 200.
    pub status: u16,
    /// In the order received.
    pub headers: Vec<(String, String)>,
    /// Transfer-decoded.
    pub body: Vec<u8>,
}

/// Whether an answer is as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It is.
    Yes,
    /// It is not; why.
    No(String),
}

impl Success {
    /// Compares an answer with what is expected.
    ///
    /// # Errors
    /// A regular expression that does not compile.
    pub fn judge(&self, reply: &Reply) -> Result<Expected, String> {
        let no = |why: String| Ok(Expected::No(why));
        if let Some(status) = self.status
            && status != reply.status
        {
            return no(format!("the status is {}, not {status}", reply.status));
        }
        let contains = |text: &str| find(&reply.body, text.as_bytes());
        if let Some(text) = &self.body_contains
            && !contains(text)
        {
            return no(format!("the body does not contain {text:?}"));
        }
        if let Some(text) = &self.body_lacks
            && contains(text)
        {
            return no(format!("the body contains {text:?}"));
        }
        if let Some(pattern) = &self.body_matches {
            let regex = regex::bytes::Regex::new(pattern).map_err(|error| error.to_string())?;
            if !regex.is_match(&reply.body) {
                return no(format!("the body does not match {:?}", pattern.value));
            }
        }
        for (name, text) in &self.headers {
            let found = reply
                .headers
                .iter()
                .any(|(known, value)| known.eq_ignore_ascii_case(name) && value.contains(text));
            if !found {
                return no(format!("no header {name} contains {text:?}"));
            }
        }
        Ok(Expected::Yes)
    }

    /// Whether nothing is asked, so that every answer would do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}
