//! The variables that rules can look at.

use crate::plan::ir::Collection;

/// One line for each variable: its name, whether it has named members, the
/// first phase in which it is filled, what it holds.
macro_rules! variables {
    ($($id:ident $name:literal $shape:ident $phase:literal $summary:literal;)*) => {
        /// A variable, resolved.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Variable { $($id,)* }

        /// Every variable.
        pub(crate) static ALL: &[Spec] = &[
            $(Spec { variable: Variable::$id, name: $name, shape: Shape::$shape, phase: $phase, summary: $summary },)*
        ];
    };
}

/// A variable as rules name it.
pub(crate) struct Spec {
    pub(crate) variable: Variable,
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The phase from which on it is filled.
    pub(crate) phase: u8,
    /// What it holds, for the reference page.
    pub(crate) summary: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value; a selector is an error.
    Scalar,
    /// Named values.
    Collection,
}

variables! {
    Args "ARGS" Collection 1 "query and body parameters, decoded";
    ArgsGet "ARGS_GET" Collection 1 "query parameters, decoded";
    ArgsPost "ARGS_POST" Collection 2 "body parameters, decoded: urlencoded, multipart fields, JSON leaves";
    ArgsNames "ARGS_NAMES" Collection 1 "names of query and body parameters";
    ArgsGetNames "ARGS_GET_NAMES" Collection 1 "names of query parameters";
    ArgsPostNames "ARGS_POST_NAMES" Collection 2 "names of body parameters";
    ArgsPath "ARGS_PATH" Collection 1 "the parts of a path that @restpath found last, by name";
    ArgsCombinedSize "ARGS_COMBINED_SIZE" Scalar 1 "bytes of all parameters' names and values";
    Files "FILES" Collection 2 "names that clients give uploaded files";
    FilesNames "FILES_NAMES" Collection 2 "names of the fields that carry uploaded files";
    FilesTmpContent "FILES_TMP_CONTENT" Collection 2 "contents of uploaded files";
    FilesTmpNames "FILES_TMPNAMES" Collection 2 "always empty: uploaded files stay in memory";
    FilesSizes "FILES_SIZES" Collection 2 "bytes of each uploaded file";
    FilesCombinedSize "FILES_COMBINED_SIZE" Scalar 2 "bytes of all uploaded files";
    MultipartFilename "MULTIPART_FILENAME" Collection 2 "file names of the parts";
    MultipartName "MULTIPART_NAME" Collection 2 "field names of the parts that carry files";
    MultipartPartHeaders "MULTIPART_PART_HEADERS" Collection 2 "header lines of multipart parts";
    MultipartStrictError "MULTIPART_STRICT_ERROR" Scalar 2 "1 if the multipart body is read differently by different parsers";
    MultipartBoundaryQuoted "MULTIPART_BOUNDARY_QUOTED" Scalar 2 "1 if the boundary stands in quotes";
    MultipartBoundaryWhitespace "MULTIPART_BOUNDARY_WHITESPACE" Scalar 2 "1 if white space is around the boundary";
    MultipartCrlfLfLines "MULTIPART_CRLF_LF_LINES" Scalar 2 "1 if some lines end in CRLF and some in LF";
    MultipartDataAfter "MULTIPART_DATA_AFTER" Scalar 2 "1 if data follows the last boundary";
    MultipartDataBefore "MULTIPART_DATA_BEFORE" Scalar 2 "1 if data precedes the first boundary";
    MultipartFileLimitExceeded "MULTIPART_FILE_LIMIT_EXCEEDED" Scalar 2 "1 if there are more files than SecUploadFileLimit";
    MultipartHeaderFolding "MULTIPART_HEADER_FOLDING" Scalar 2 "1 if a part's header line is folded";
    MultipartInvalidHeaderFolding "MULTIPART_INVALID_HEADER_FOLDING" Scalar 2 "1 if a part's header line is folded and should not be";
    MultipartInvalidPart "MULTIPART_INVALID_PART" Scalar 2 "1 if a part has no usable Content-Disposition";
    MultipartInvalidQuoting "MULTIPART_INVALID_QUOTING" Scalar 2 "1 if quotes do not close, or stand where they may not";
    MultipartLfLine "MULTIPART_LF_LINE" Scalar 2 "1 if lines end in LF";
    MultipartMissingSemicolon "MULTIPART_MISSING_SEMICOLON" Scalar 2 "1 if a parameter is not separated by a semicolon";
    MultipartSemicolonMissing "MULTIPART_SEMICOLON_MISSING" Scalar 2 "as MULTIPART_MISSING_SEMICOLON";
    MultipartUnmatchedBoundary "MULTIPART_UNMATCHED_BOUNDARY" Scalar 2 "1 if a line begins like a boundary and is none";
    ReqbodyError "REQBODY_ERROR" Scalar 2 "1 if the body does not parse as what it claims to be";
    ReqbodyErrorMsg "REQBODY_ERROR_MSG" Scalar 2 "what does not parse";
    ReqbodyProcessorError "REQBODY_PROCESSOR_ERROR" Scalar 2 "as REQBODY_ERROR";
    ReqbodyProcessorErrorMsg "REQBODY_PROCESSOR_ERROR_MSG" Scalar 2 "as REQBODY_ERROR_MSG";
    ReqbodyProcessor "REQBODY_PROCESSOR" Scalar 1 "URLENCODED, MULTIPART, JSON or XML";
    BodyAnomalies "BODY_ANOMALIES" Collection 2 "everything that the parsers noticed, by name (ours)";
    UrlencodedError "URLENCODED_ERROR" Scalar 1 "1 if a percent sign is not followed by two digits";
    InboundDataError "INBOUND_DATA_ERROR" Scalar 2 "1 if the body is larger than what is held";
    InboundErrorData "INBOUND_ERROR_DATA" Scalar 2 "as INBOUND_DATA_ERROR";
    OutboundDataError "OUTBOUND_DATA_ERROR" Scalar 4 "1 if the response's body is larger than what is held";
    MscPcreError "MSC_PCRE_ERROR" Scalar 1 "1 if a regular expression with look-around was stopped by the limit on backtracking";
    MscPcreLimitsExceeded "MSC_PCRE_LIMITS_EXCEEDED" Scalar 1 "as MSC_PCRE_ERROR";
    Xml "XML" Collection 2 "what an XPath selects of an XML body: XML:/* its text, XML://@* its attributes; XML:external the identifiers that it refers to";
    RequestXml "REQUEST_XML" Collection 2 "as XML";
    RequestBody "REQUEST_BODY" Scalar 2 "the raw body, after content decoding";
    RequestBodyLength "REQUEST_BODY_LENGTH" Scalar 2 "bytes of the body";
    FullRequest "FULL_REQUEST" Scalar 2 "the request line, the header lines and the body";
    FullRequestLength "FULL_REQUEST_LENGTH" Scalar 2 "bytes of FULL_REQUEST";
    RequestBasename "REQUEST_BASENAME" Scalar 1 "the path's last segment";
    RequestFilename "REQUEST_FILENAME" Scalar 1 "the path, percent-decoded once";
    PathInfo "PATH_INFO" Scalar 1 "as REQUEST_FILENAME: no part of the path is a script's";
    RequestLine "REQUEST_LINE" Scalar 1 "the request line as received";
    RequestMethod "REQUEST_METHOD" Scalar 1 "the method";
    RequestProtocol "REQUEST_PROTOCOL" Scalar 1 "HTTP/1.1 and the like";
    RequestUri "REQUEST_URI" Scalar 1 "path and query, as received, without scheme and host";
    RequestUriRaw "REQUEST_URI_RAW" Scalar 1 "the request target as received";
    RequestHeaders "REQUEST_HEADERS" Collection 1 "header values";
    RequestHeadersNames "REQUEST_HEADERS_NAMES" Collection 1 "header names";
    RequestCookies "REQUEST_COOKIES" Collection 1 "cookie values";
    RequestCookiesNames "REQUEST_COOKIES_NAMES" Collection 1 "cookie names";
    QueryString "QUERY_STRING" Scalar 1 "the query as received";
    AuthType "AUTH_TYPE" Scalar 1 "the scheme of the Authorization header, such as Basic";
    RemoteUser "REMOTE_USER" Scalar 1 "the user that a Basic Authorization header names, not verified";
    RemoteAddr "REMOTE_ADDR" Scalar 1 "the client's address";
    RemoteHost "REMOTE_HOST" Scalar 1 "as REMOTE_ADDR: names are not looked up";
    RemotePort "REMOTE_PORT" Scalar 1 "the client's port";
    ServerAddr "SERVER_ADDR" Scalar 1 "the address on which the request arrived";
    ServerPort "SERVER_PORT" Scalar 1 "the port on which the request arrived";
    ServerName "SERVER_NAME" Scalar 1 "the host that the request names, without port";
    ResponseStatus "RESPONSE_STATUS" Scalar 3 "the response's status";
    Status "STATUS" Scalar 3 "as RESPONSE_STATUS";
    StatusLine "STATUS_LINE" Scalar 3 "the response's protocol and status";
    ResponseProtocol "RESPONSE_PROTOCOL" Scalar 3 "the response's protocol";
    ResponseHeaders "RESPONSE_HEADERS" Collection 3 "response header values";
    ResponseHeadersNames "RESPONSE_HEADERS_NAMES" Collection 3 "response header names";
    ResponseContentType "RESPONSE_CONTENT_TYPE" Scalar 3 "the response's media type, without parameters";
    ResponseContentLength "RESPONSE_CONTENT_LENGTH" Scalar 3 "bytes of the response's body";
    ResponseBody "RESPONSE_BODY" Scalar 4 "the response's body";
    Tx "TX" Collection 1 "what rules have set";
    Global "GLOBAL" Collection 1 "the persistent collection that `initcol:global=…` chose";
    Ip "IP" Collection 1 "the persistent collection that `initcol:ip=…` chose";
    Resource "RESOURCE" Collection 1 "the persistent collection that `setrsc` or `initcol:resource=…` chose";
    Session "SESSION" Collection 1 "the persistent collection that `setsid` or `initcol:session=…` chose";
    User "USER" Collection 1 "the persistent collection that `setuid` or `initcol:user=…` chose";
    SessionId "SESSIONID" Scalar 1 "the key that `setsid` was given";
    UserId "USERID" Scalar 1 "the key that `setuid` was given";
    WebAppId "WEBAPPID" Scalar 1 "what SecWebAppId says";
    Env "ENV" Collection 1 "what `setenv` has set in this transaction, and what the gateway hands in";
    Geo "GEO" Collection 1 "the place that @geoLookup found last: COUNTRY_CODE, COUNTRY_NAME, COUNTRY_CONTINENT, REGION, CITY, POSTAL_CODE, LATITUDE, LONGITUDE";
    MatchedVar "MATCHED_VAR" Scalar 1 "the value that matched last";
    MatchedVarName "MATCHED_VAR_NAME" Scalar 1 "the name of what matched last";
    MatchedVars "MATCHED_VARS" Collection 1 "all values that matched in the last rule";
    MatchedVarsNames "MATCHED_VARS_NAMES" Collection 1 "names of all that matched in the last rule";
    HighestSeverity "HIGHEST_SEVERITY" Scalar 1 "the gravest severity of the rules that matched so far; 255 if none did";
    Rule "RULE" Collection 1 "id, rev, msg, logdata, severity and phase of the rule being run";
    UniqueId "UNIQUE_ID" Scalar 1 "a name of this transaction that no other has";
    Duration "DURATION" Scalar 1 "always 0: the engine knows no clock beyond when the request came";
    ModsecBuild "MODSEC_BUILD" Scalar 1 "the version of ModSecurity whose rules are understood, as a number";
    Time "TIME" Scalar 1 "when the request came, in UTC: `hour:minute:second`";
    TimeDay "TIME_DAY" Scalar 1 "day of the month, 1 to 31";
    TimeEpoch "TIME_EPOCH" Scalar 1 "seconds since 1970";
    TimeHour "TIME_HOUR" Scalar 1 "hour, 0 to 23";
    TimeMin "TIME_MIN" Scalar 1 "minute, 0 to 59";
    TimeMon "TIME_MON" Scalar 1 "month, 1 to 12";
    TimeSec "TIME_SEC" Scalar 1 "second, 0 to 59";
    TimeWday "TIME_WDAY" Scalar 1 "day of the week, 0 (Sunday) to 6";
    TimeYear "TIME_YEAR" Scalar 1 "year, four digits";
}

/// Variables that are known and not offered: their names, why, and what to use instead.
pub(crate) static REFUSED: &[(&str, &str)] = &[
    (
        "JSON",
        "the leaves of a JSON body are parameters; use ARGS_POST with names such as json.user.name",
    ),
    (
        "PERF_ALL",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_COMBINED",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_GC",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_LOGGING",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_PHASE1",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_PHASE2",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_PHASE3",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_PHASE4",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_PHASE5",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_RULES",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_SREAD",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "PERF_SWRITE",
        "the cost of rules is not seen by rules; use the bench command",
    ),
    (
        "RESPONSE_ARGS",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RESPONSE_XML",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RES_BODY_ERROR",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RES_BODY_ERROR_MSG",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RES_BODY_PROCESSOR",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RES_BODY_PROCESSOR_ERROR",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "RES_BODY_PROCESSOR_ERROR_MSG",
        "responses are not parsed; use RESPONSE_BODY",
    ),
    (
        "SCRIPT_BASENAME",
        "requests are not mapped to files here; use REQUEST_BASENAME",
    ),
    (
        "SCRIPT_FILENAME",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SCRIPT_GID",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SCRIPT_GROUPNAME",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SCRIPT_MODE",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SCRIPT_UID",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SCRIPT_USERNAME",
        "requests are not mapped to files here; use REQUEST_FILENAME",
    ),
    (
        "SDBM_DELETE_ERROR",
        "persistent collections are in memory; leave the rule out",
    ),
    (
        "STREAM_INPUT_BODY",
        "bodies are not rewritten; use REQUEST_BODY",
    ),
    (
        "STREAM_OUTPUT_BODY",
        "bodies are not rewritten; use RESPONSE_BODY",
    ),
    (
        "USERAGENT_IP",
        "the gateway decides whose address counts; use REMOTE_ADDR",
    ),
    (
        "WEBSERVER_ERROR_LOG",
        "there is no web server whose log could be read; use RESPONSE_STATUS",
    ),
];

/// Every variable's name and what it holds, in the order of the reference page.
pub fn reference() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|spec| (spec.name, spec.summary))
}

/// The phase from which on a variable is filled, by name; none if there is no such variable.
pub fn first_phase(name: &str) -> Option<u8> {
    find(name).map(|spec| spec.phase)
}

/// The names of all that a collection ever holds, by the collection's name; none if rules,
/// requests or responses choose them.
pub fn members(name: &str) -> Option<&'static [&'static str]> {
    match find(name)?.variable {
        Variable::Geo => Some(&crate::places::NAMES),
        Variable::Rule => Some(&RULE_NAMES),
        _ => None,
    }
}

/// What `RULE` holds.
pub(crate) const RULE_NAMES: [&str; 6] = ["id", "rev", "phase", "severity", "msg", "logdata"];

/// Why there is no variable of that name: it is not offered, or not known.
pub(crate) fn missing(name: &str) -> String {
    let refused = REFUSED
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    match refused {
        Some((known, why)) => format!("the variable {known} is not offered: {why}"),
        None => super::nearest::unknown("variable", name, ALL.iter().map(|spec| spec.name)),
    }
}

/// A set of variables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct VariableSet([u64; 4]);

impl Variable {
    /// Those that mean fields of a request, or what is counted or put together of them.
    pub(crate) const FIELDS: &[Self] = &[
        Self::Args,
        Self::ArgsGet,
        Self::ArgsPost,
        Self::ArgsNames,
        Self::ArgsGetNames,
        Self::ArgsPostNames,
        Self::ArgsCombinedSize,
        Self::BodyAnomalies,
        Self::Files,
        Self::FilesNames,
        Self::FilesTmpContent,
        Self::FilesTmpNames,
        Self::FilesSizes,
        Self::FilesCombinedSize,
        Self::FullRequest,
        Self::FullRequestLength,
        Self::MultipartFilename,
        Self::MultipartName,
        Self::MultipartPartHeaders,
        Self::RequestCookies,
        Self::RequestCookiesNames,
        Self::RequestHeaders,
        Self::RequestHeadersNames,
        Self::RequestXml,
        Self::Xml,
    ];
}

impl VariableSet {
    pub(crate) fn add(&mut self, variable: Variable) {
        let at = variable as usize;
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    pub(crate) fn add_all(&mut self, other: Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(crate) fn has(self, variable: Variable) -> bool {
        let at = variable as usize;
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

/// The persistent collection that a variable is.
pub(crate) fn persistent(variable: Variable) -> Option<Collection> {
    match variable {
        Variable::Global => Some(Collection::Global),
        Variable::Ip => Some(Collection::Ip),
        Variable::Resource => Some(Collection::Resource),
        Variable::Session => Some(Collection::Session),
        Variable::User => Some(Collection::User),
        _ => None,
    }
}

/// The variable of that name, case ignored.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
}

/// The specification of a variable.
pub(crate) fn spec(variable: Variable) -> &'static Spec {
    // The table lists the variables in the order of the enum: both come from one macro.
    ALL.get(variable as usize).unwrap_or(&FALLBACK)
}

static FALLBACK: Spec = Spec {
    variable: Variable::Tx,
    name: "TX",
    shape: Shape::Collection,
    phase: 1,
    summary: "",
};
