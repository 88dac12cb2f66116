//! The variables that rules can look at.

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
    ArgsCombinedSize "ARGS_COMBINED_SIZE" Scalar 1 "bytes of all parameters' names and values";
    Files "FILES" Collection 2 "names that clients give uploaded files";
    FilesNames "FILES_NAMES" Collection 2 "names of the fields that carry uploaded files";
    FilesTmpContent "FILES_TMP_CONTENT" Collection 2 "contents of uploaded files";
    FilesSizes "FILES_SIZES" Collection 2 "bytes of each uploaded file";
    FilesCombinedSize "FILES_COMBINED_SIZE" Scalar 2 "bytes of all uploaded files";
    MultipartFilename "MULTIPART_FILENAME" Collection 2 "file names of the parts";
    MultipartName "MULTIPART_NAME" Collection 2 "field names of the parts that carry files";
    MultipartPartHeaders "MULTIPART_PART_HEADERS" Collection 2 "header lines of multipart parts";
    MultipartStrictError "MULTIPART_STRICT_ERROR" Scalar 2 "1 if the multipart body is read differently by different parsers";
    MultipartUnmatchedBoundary "MULTIPART_UNMATCHED_BOUNDARY" Scalar 2 "1 if a line begins like a boundary and is none";
    ReqbodyError "REQBODY_ERROR" Scalar 2 "1 if the body does not parse as what it claims to be";
    ReqbodyErrorMsg "REQBODY_ERROR_MSG" Scalar 2 "what does not parse";
    ReqbodyProcessor "REQBODY_PROCESSOR" Scalar 1 "URLENCODED, MULTIPART, JSON or XML";
    BodyAnomalies "BODY_ANOMALIES" Collection 2 "everything that the parsers noticed, by name (ours)";
    Xml "XML" Collection 2 "XML:/* texts, XML://@* attributes, XML:external identifiers";
    RequestBody "REQUEST_BODY" Scalar 2 "the raw body, after content decoding";
    RequestBodyLength "REQUEST_BODY_LENGTH" Scalar 2 "bytes of the body";
    RequestBasename "REQUEST_BASENAME" Scalar 1 "the path's last segment";
    RequestFilename "REQUEST_FILENAME" Scalar 1 "the path, percent-decoded once";
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
    RemoteAddr "REMOTE_ADDR" Scalar 1 "the client's address";
    RemotePort "REMOTE_PORT" Scalar 1 "the client's port";
    ServerAddr "SERVER_ADDR" Scalar 1 "the address on which the request arrived";
    ServerPort "SERVER_PORT" Scalar 1 "the port on which the request arrived";
    ServerName "SERVER_NAME" Scalar 1 "the host that the request names, without port";
    ResponseStatus "RESPONSE_STATUS" Scalar 3 "the response's status";
    ResponseProtocol "RESPONSE_PROTOCOL" Scalar 3 "the response's protocol";
    ResponseHeaders "RESPONSE_HEADERS" Collection 3 "response header values";
    ResponseHeadersNames "RESPONSE_HEADERS_NAMES" Collection 3 "response header names";
    ResponseContentType "RESPONSE_CONTENT_TYPE" Scalar 3 "the response's Content-Type";
    ResponseContentLength "RESPONSE_CONTENT_LENGTH" Scalar 3 "bytes of the response's body";
    ResponseBody "RESPONSE_BODY" Scalar 4 "the response's body";
    Tx "TX" Collection 1 "what rules have set";
    MatchedVar "MATCHED_VAR" Scalar 1 "the value that matched last";
    MatchedVarName "MATCHED_VAR_NAME" Scalar 1 "the name of what matched last";
    MatchedVars "MATCHED_VARS" Collection 1 "all values that matched in the last rule";
    MatchedVarsNames "MATCHED_VARS_NAMES" Collection 1 "names of all that matched in the last rule";
    Rule "RULE" Collection 1 "id, msg and severity of the rule being run";
}

/// Every variable's name and what it holds, in the order of the reference page.
pub fn reference() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|spec| (spec.name, spec.summary))
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
