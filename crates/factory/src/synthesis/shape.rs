//! What a parameter is for, as its name tells, and what it legitimately holds.

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number or another short name of one thing.
    Id,
    /// What people write.
    Text,
    /// What people write, with markup.
    RichText,
    /// A file's name.
    File,
    /// A path.
    Path,
    /// Where to go next, or what to fetch.
    Url,
    /// A command line.
    Command,
    /// Anything else.
    Other,
}

const IDS: &[&str] = &[
    "id", "ids", "uid", "pid", "cid", "gid", "tid", "sid", "aid", "bid", "eid", "fid", "mid",
    "nid", "oid", "rid", "vid", "num", "number", "no", "limit", "offset", "start", "count", "year",
    "month", "day", "width", "height", "qty", "quantity", "idx", "index", "catid", "cat", "itemid",
];
const RICH: &[&str] = &[
    "content",
    "body",
    "html",
    "description",
    "desc",
    "message",
    "msg",
    "comment",
    "comments",
    "article",
    "editor",
    "bio",
    "about",
    "post_content",
    "excerpt",
    "note",
    "notes",
    "review",
    "feedback",
    "signature",
    "markdown",
    "intro",
    "summary",
    "text",
    "textarea",
];
const TEXT: &[&str] = &[
    "q",
    "s",
    "search",
    "query",
    "keyword",
    "keywords",
    "term",
    "terms",
    "title",
    "subject",
    "name",
    "firstname",
    "lastname",
    "fullname",
    "fname",
    "lname",
    "address",
    "company",
    "city",
    "question",
    "answer",
    "label",
    "caption",
    "searchword",
    "searchtext",
    "filter",
    "tag",
    "tags",
    "keys",
    "nickname",
    "display_name",
    "username",
    "user",
    "login",
    "log",
    "email",
    "password",
    "pass",
    "pwd",
];
const FILES: &[&str] = &[
    "file",
    "filename",
    "files",
    "download",
    "fname",
    "filepath",
    "template",
    "tpl",
    "include",
    "inc",
    "load",
    "doc",
    "document",
    "lang",
    "language",
    "locale",
    "theme",
    "view",
    "style",
    "img",
    "image",
    "resource",
    "attachment",
    "logfile",
    "log_file",
    "conf",
    "config",
    "xml",
    "layout",
    "controller",
    "module",
    "mod",
    "skin",
];
const PATHS: &[&str] = &[
    "path",
    "folder",
    "directory",
    "src",
    "source",
    "page",
    "location",
    "root",
    "base",
    "basedir",
    "upload_path",
    "abspath",
    "wp_abspath",
    "target_path",
    "dest_path",
];
const URLS: &[&str] = &[
    "url",
    "uri",
    "redirect",
    "redirect_to",
    "redirect_url",
    "redirecturl",
    "return",
    "returnurl",
    "return_url",
    "returnto",
    "return_to",
    "next",
    "callback",
    "dest",
    "destination",
    "target",
    "continue",
    "goto",
    "link",
    "to",
    "forward",
    "u",
    "ref",
    "referer",
    "rurl",
    "site",
    "domain",
    "host",
    "hostname",
    "feed",
    "webhook",
    "endpoint",
    "server",
    "proxy",
    "fetch",
    "remote",
    "image_url",
    "ret",
    "go",
    "out",
    "back",
    "backurl",
    "jump",
    "returl",
];
/// Names of what tells a browser where to go next.
const REDIRECTS: &[&str] = &[
    "redirect",
    "redir",
    "return",
    "next",
    "goto",
    "continue",
    "forward",
    "backurl",
    "rurl",
    "jump",
    "success",
    "failure",
    "target",
    "dest",
    "destination",
    "ref",
    "referer",
    "referrer",
    "from",
    "back",
    "go",
    "out",
    "ret",
    "returl",
];
/// Names of addresses that applications of others have registered.
const REGISTERED: &[&str] = &["redirecturi", "postlogoutredirecturi", "callbackurl"];

const COMMANDS: &[&str] = &[
    "cmd", "command", "exec", "execute", "run", "shell", "exe", "exepath",
];

/// Words in names of what people write.
const WORDS: &[&str] = &[
    "search",
    "query",
    "keyword",
    "title",
    "subject",
    "firstname",
    "lastname",
    "username",
    "email",
    "fullname",
    "company",
    "address",
    "filter",
];

/// Of `json.user.name` and `user[name]` the last step tells.
fn last(name: &str) -> &str {
    let name = name.trim_end_matches([']', '.', '*', '[']);
    name.rsplit(['.', '[']).next().unwrap_or(name)
}

/// Whether a browser goes where the parameter says.
pub(super) fn leads_on(name: &str) -> bool {
    let plain = last(name).to_ascii_lowercase().replace(['_', '-'], "");
    REDIRECTS
        .iter()
        .any(|known| plain == *known || (known.len() > 5 && plain.contains(known)))
}

/// Whether it names a part of the application, which runs or shows it.
pub(super) fn is_included(name: &str) -> bool {
    const INCLUDED: &[&str] = &[
        "page",
        "file",
        "filename",
        "filepath",
        "template",
        "tpl",
        "include",
        "inc",
        "view",
        "layout",
        "lang",
        "language",
        "locale",
        "theme",
        "skin",
        "module",
        "mod",
        "controller",
        "path",
        "abspath",
        "wpabspath",
        "basedir",
        "folder",
        "directory",
        "dir",
        "load",
    ];
    let plain = last(name).to_ascii_lowercase().replace(['_', '-'], "");
    INCLUDED.contains(&plain.as_str())
}

/// Whether visitors write there what they look for.
pub(super) fn is_search(name: &str) -> bool {
    let plain = last(name).to_ascii_lowercase().replace(['_', '-'], "");
    const SEARCHES: &[&str] = &["q", "s", "text", "term", "terms", "query", "wd"];
    SEARCHES.contains(&plain.as_str()) || plain.contains("search") || plain.contains("keyword")
}

/// Whether it holds an address of another application, which this one knows.
pub(super) fn is_registered(name: &str) -> bool {
    let plain = last(name).to_ascii_lowercase().replace(['_', '-'], "");
    REGISTERED.contains(&plain.as_str())
}

/// What a name tells.
pub(super) fn of(name: &str) -> Shape {
    let last = last(name);
    let lower = last.to_ascii_lowercase();
    let plain = lower.replace(['_', '-'], "");
    let listed =
        |names: &[&str]| names.contains(&lower.as_str()) || names.contains(&plain.as_str());
    // `orderId`, `order_id`, `order-id`; not `paid`.
    let is_id = last.ends_with("Id")
        || last.ends_with("ID")
        || lower.ends_with("_id")
        || lower.ends_with("-id")
        || lower.ends_with("_ids");
    if is_id || listed(IDS) {
        Shape::Id
    } else if listed(RICH) {
        Shape::RichText
    } else if listed(TEXT) || WORDS.iter().any(|word| plain.contains(word)) {
        Shape::Text
    } else if listed(COMMANDS) {
        Shape::Command
    } else if listed(FILES) || plain.ends_with("file") || plain.ends_with("filename") {
        Shape::File
    } else if listed(PATHS) || plain.ends_with("path") || plain.ends_with("dir") {
        Shape::Path
    } else if listed(URLS) || plain.ends_with("url") || plain.ends_with("uri") {
        Shape::Url
    } else {
        Shape::Other
    }
}

impl Shape {
    /// Values that must pass.
    pub(super) fn benign(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["42", "blue-shirt_7"],
            Self::Text => &[
                "O'Brien & Sons",
                "select a union jack mug; it's 5 o'clock",
                "Größe 42 – \"new\" (2 < 3)",
                "where is /etc/hosts on a Mac?",
            ],
            Self::RichText => &[
                "<p>Hello <b>you</b>, see <a href=\"https://example.org/?a=1&b=2\">this</a>.</p>",
                "# Notes\n\nIt's O'Brien's; select one from the list and drop it -- or not.\n\n```js\nif (a < b && c > d) { run(); }\n```",
                "&lt;script&gt;alert(1)&lt;/script&gt; is how people try it",
            ],
            Self::File => &["report-2024.final.pdf", "images/logo.png"],
            Self::Path => &["images/logo.png", "/docs/2024/notes"],
            Self::Url => &[
                "/account?tab=orders",
                "account/orders",
                "https://HOST/account/orders?page=2",
            ],
            Self::Command => &["status"],
            Self::Other => &["on", "Blue & white, size 42"],
        }
    }

    /// What the whole value is like, where the name leaves no doubt.
    pub(super) fn pattern(self) -> Option<&'static str> {
        match self {
            // Letters of other languages, but no punctuation and no full-width forms.
            Self::Id => {
                Some(r"(?:[\w.,:@-]|[\xc3-\xdf][\x80-\xbf]|[\xe0\xe1\xe3-\xed][\x80-\xbf]{2})*")
            }
            _ => None,
        }
    }
}
