//! Conditions to alternatives: each a list of what must hold together.

use super::model::Condition;

/// Alternatives of one file at most.
const GROUPS: usize = 64;
/// Conditions within conditions at most.
const NESTING: usize = 16;

/// One condition whose names are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) zones: Vec<Zone>,
    /// Empty: every member of the zones.
    pub(super) variables: Vec<String>,
    pub(super) transform: Vec<Transform>,
    pub(super) test: Test,
    pub(super) value: String,
    pub(super) not: bool,
    /// The body parser that is asked for.
    pub(super) parser: Option<&'static str>,
}

/// One line a name: the variant, how files write it, what SecLang calls it.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($variant:ident $name:literal $seclang:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $type {
            $($variant,)*
        }

        impl $type {
            const ALL: &[(&str, Self)] = &[$(($name, Self::$variant),)*];

            /// The name in SecLang.
            pub(super) fn seclang(self) -> &'static str {
                match self {
                    $(Self::$variant => $seclang,)*
                }
            }

            fn of(name: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, found)| *found).ok_or_else(|| {
                    let mut known: Vec<&str> = Self::ALL.iter().map(|(known, _)| *known).collect();
                    known.dedup();
                    format!("`{name}` is not known; there are {}", known.join(", "))
                })
            }
        }
    };
}

names! {
    /// Which part of a request.
    Zone {
        Args "ARGS" "ARGS_GET";
        ArgsNames "ARGS_NAMES" "ARGS_GET_NAMES";
        BodyArgs "BODY_ARGS" "ARGS_POST";
        BodyArgsNames "BODY_ARGS_NAMES" "ARGS_POST_NAMES";
        Cookies "COOKIES" "REQUEST_COOKIES";
        CookiesNames "COOKIES_NAMES" "REQUEST_COOKIES_NAMES";
        Files "FILES" "FILES";
        FilesNames "FILES_NAMES" "FILES_NAMES";
        FilesTotalSize "FILES_TOTAL_SIZE" "FILES_COMBINED_SIZE";
        FileNames "FILENAMES" "FILES";
        Headers "HEADERS" "REQUEST_HEADERS";
        HeadersNames "HEADERS_NAMES" "REQUEST_HEADERS_NAMES";
        Method "METHOD" "REQUEST_METHOD";
        Protocol "PROTOCOL" "REQUEST_PROTOCOL";
        Uri "URI" "REQUEST_FILENAME";
        UriFull "URI_FULL" "REQUEST_URI";
        RawBody "RAW_BODY" "REQUEST_BODY";
    }
}

names! {
    /// What is done to a value first.
    Transform {
        Lowercase "lowercase" "lowercase";
        Uppercase "uppercase" "uppercase";
        Base64 "b64decode" "base64Decode";
        Hex "hexdecode" "hexDecode";
        Length "length" "length";
        Url "urldecode" "urlDecode";
        Trim "trim" "trim";
        Path "normalizepath" "normalisePath";
        PathToo "normalize_path" "normalisePath";
        Html "htmlentitydecode" "htmlEntityDecode";
        HtmlToo "html_entity_decode" "htmlEntityDecode";
        // Not of values but of how many there are.
        Count "count" "";
    }
}

names! {
    /// What is asked.
    Test {
        Regex "regex" "rx";
        Equals "equals" "streq";
        StartsWith "startsWith" "beginsWith";
        EndsWith "endsWith" "endsWith";
        Contains "contains" "contains";
        Sql "libinjectionSQL" "detectSQLi";
        Xss "libinjectionXSS" "detectXSS";
        Greater "gt" "gt";
        Less "lt" "lt";
        GreaterOrEqual "gte" "ge";
        LessOrEqual "lte" "le";
        Equal "eq" "eq";
    }
}

impl Leaf {
    pub(super) fn has(&self, transform: Transform) -> bool {
        self.transform.contains(&transform)
    }
}

/// The alternatives of a file: one of its rules must hold.
///
/// # Errors
/// What is not known or too much, with the line.
pub(super) fn alternatives(rules: &[Condition], name: &str) -> Result<Vec<Vec<Leaf>>, String> {
    let mut all = Vec::new();
    for rule in rules {
        all.extend(of(rule, name, 0)?);
        bound(&all, name)?;
    }
    Ok(all)
}

/// What a condition itself asks, all of `and`, and one of `or`.
fn of(condition: &Condition, name: &str, depth: usize) -> Result<Vec<Vec<Leaf>>, String> {
    if depth > NESTING {
        return Err(format!("{name}: conditions are more than {NESTING} deep"));
    }
    let mut all: Vec<Vec<Leaf>> = vec![Vec::new()];
    if let Some(leaf) = leaf(condition, name)? {
        all = vec![vec![leaf]];
    } else if condition.and.is_empty() && condition.or.is_empty() {
        return Err(format!("{name}: a rule has no `zones`, `and` or `or`"));
    }
    for each in &condition.and {
        all = product(&all, &of(each, name, depth + 1)?, name)?;
    }
    if !condition.or.is_empty() {
        let mut any = Vec::new();
        for each in &condition.or {
            any.extend(of(each, name, depth + 1)?);
        }
        all = product(&all, &any, name)?;
    }
    Ok(all)
}

fn product(left: &[Vec<Leaf>], right: &[Vec<Leaf>], name: &str) -> Result<Vec<Vec<Leaf>>, String> {
    let mut all = Vec::new();
    for one in left {
        for other in right {
            all.push([one.as_slice(), other].concat());
            bound(&all, name)?;
        }
    }
    Ok(all)
}

fn bound(all: &[Vec<Leaf>], name: &str) -> Result<(), String> {
    match all.len() > GROUPS {
        true => Err(format!(
            "{name}: its `or` and `and` make more than {GROUPS} alternatives; split the file"
        )),
        false => Ok(()),
    }
}

/// None where a condition has parts alone.
fn leaf(condition: &Condition, name: &str) -> Result<Option<Leaf>, String> {
    let Some(first) = condition.zones.first() else {
        return match &condition.matched {
            Some(matched) => Err(format!(
                "{name}:{}: a `match` without `zones`",
                matched.kind.referenced.line()
            )),
            None => Ok(None),
        };
    };
    let line = first.referenced.line();
    let matched = condition
        .matched
        .as_ref()
        .ok_or_else(|| format!("{name}:{line}: `zones` without a `match`"))?;
    let at = |line: u64| move |why: String| format!("{name}:{line}: {why}");
    if matched.kind.value == "fromFile" {
        let line = matched.kind.referenced.line();
        return Err(format!(
            "{name}:{line}: its words are in the file `{}`, which is not part of the rule; write them as a `regex`",
            matched.value
        ));
    }
    let test = Test::of(&matched.kind.value).map_err(at(matched.kind.referenced.line()))?;
    if matched.value.is_empty() && !matches!(test, Test::Sql | Test::Xss) {
        return Err(format!("{name}:{line}: the `match` has no `value`"));
    }
    let mut zones = Vec::new();
    for zone in &condition.zones {
        zones.push(Zone::of(&zone.value).map_err(at(zone.referenced.line()))?);
    }
    let mut transform = Vec::new();
    for step in &condition.transform {
        transform.push(Transform::of(&step.value).map_err(at(step.referenced.line()))?);
    }
    let parser = match &condition.body_type {
        None => None,
        Some(kind) => Some(parser(&kind.value).map_err(at(kind.referenced.line()))?),
    };
    Ok(Some(Leaf {
        zones,
        variables: condition.variables.clone(),
        transform,
        test,
        value: matched.value.clone(),
        not: matched.not,
        parser,
    }))
}

fn parser(name: &str) -> Result<&'static str, String> {
    match name {
        "json" => Ok("JSON"),
        "xml" => Ok("XML"),
        "multipart" => Ok("MULTIPART"),
        "urlencoded" => Ok("URLENCODED"),
        other => Err(format!(
            "`{other}` is no body type; there are json, xml, multipart, urlencoded"
        )),
    }
}
