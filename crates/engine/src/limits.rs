//! Every bound of the engine, in one place.

/// What a plan and its transactions may use at most.
///
/// A bound that is reached is never silent: while compiling it is an error;
/// in a transaction it raises an [`Anomaly`](crate::body::Anomaly) that rules can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of request body that are held for inspection, after decompression.
    pub request_body_bytes: usize,
    /// Bytes of response body that are held for inspection.
    pub response_body_bytes: usize,
    /// Bytes that a compressed body may grow to, for each byte it had.
    pub decompression_ratio: usize,
    /// Layers of `Content-Encoding`.
    pub content_codings: usize,
    /// Names and values that a transaction collects from query, body and cookies.
    pub arguments: usize,
    /// Headers of a request or of a response.
    pub headers: usize,
    /// Nesting of JSON objects and arrays.
    pub json_depth: usize,
    /// Nesting of XML elements.
    pub xml_depth: usize,
    /// Nodes of an XML document that an XPath expression may look at; beyond, what
    /// it has found so far counts, and `MSC_PCRE_LIMITS_EXCEEDED` is set.
    pub xpath_steps: usize,
    /// Parts of a multipart body.
    pub multipart_parts: usize,
    /// Bytes of one multipart part's header lines.
    pub multipart_header_bytes: usize,
    /// Bytes that transformed values may take in one transaction, and as many of what rules set
    /// in `TX`.
    pub scratch_bytes: usize,
    /// Bytes that parsers, gates, operators and transformations read in one transaction, each
    /// time that they read them; some bytes more for each time. Beyond, inspection is given up.
    pub work_bytes: usize,
    /// Matches that a transaction records.
    pub matches: usize,
    /// Steps that a traced transaction keeps.
    pub trace_steps: usize,
    /// Bytes of a compiled regular expression.
    pub regex_program_bytes: usize,
    /// Steps back that a regular expression with look-around or back-references
    /// may take for one value; beyond, it does not match and `MSC_PCRE_ERROR` is set.
    pub regex_backtracks: usize,
    /// Bytes that one regular expression's lazy automaton may cache.
    pub regex_cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body_bytes: 1024 * 1024,
            response_body_bytes: 512 * 1024,
            decompression_ratio: 100,
            content_codings: 2,
            arguments: 1000,
            headers: 200,
            json_depth: 64,
            xml_depth: 64,
            xpath_steps: 1_000_000,
            multipart_parts: 200,
            multipart_header_bytes: 8 * 1024,
            scratch_bytes: 32 * 1024 * 1024,
            work_bytes: 512 * 1024 * 1024,
            matches: 200,
            trace_steps: 100_000,
            regex_program_bytes: 2 * 1024 * 1024,
            regex_backtracks: 100_000,
            regex_cache_bytes: 1024 * 1024,
        }
    }
}
