//! What vendors publish, as a text that people can read.

/// Elements of which nothing is shown.
const HIDDEN: [&str; 4] = ["script", "style", "svg", "template"];
/// Elements that begin a line.
const LINES: [&str; 17] = [
    "p", "br", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6",
    "section", "article", "pre",
];

/// The text of a page in HTML, without its markup; any other text as it is.
#[must_use]
pub fn readable(text: &str) -> String {
    let head = text
        .trim_start()
        .get(..200)
        .unwrap_or(text)
        .to_ascii_lowercase();
    if !(head.starts_with("<!doctype html") || head.contains("<html") || head.contains("<body")) {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, tag_on)) = rest.split_once('<') {
        add(&mut shown, before);
        let (tag, after) = match tag_on.strip_prefix("!--") {
            Some(comment) => ("", comment.split_once("-->").map_or("", |(_, after)| after)),
            None => tag_on.split_once('>').unwrap_or((tag_on, "")),
        };
        let name: String = tag
            .chars()
            .skip_while(|it| *it == '/')
            .take_while(char::is_ascii_alphanumeric)
            .map(|it| it.to_ascii_lowercase())
            .collect();
        if LINES.contains(&name.as_str()) && !shown.ends_with('\n') && !shown.is_empty() {
            shown.push('\n');
        }
        rest = match HIDDEN.contains(&name.as_str()) && !tag.starts_with('/') {
            true => past(after, &name),
            false => after,
        };
    }
    add(&mut shown, rest);
    shown.trim().to_owned()
}

/// What stands behind the end of a hidden element.
fn past<'t>(text: &'t str, name: &str) -> &'t str {
    let end = format!("</{name}");
    let places = text.match_indices("</");
    let mut ends = places.filter(|(at, _)| {
        let found = text.get(*at..at.saturating_add(end.len()));
        found.is_some_and(|found| found.eq_ignore_ascii_case(&end))
    });
    ends.next().and_then(|(at, _)| text.get(at..)).unwrap_or("")
}

/// Adds words, with one space between them.
fn add(shown: &mut String, text: &str) {
    let decoded = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    let glued = !decoded.starts_with(char::is_whitespace);
    for (at, word) in decoded.split_whitespace().enumerate() {
        let joined = at == 0 && glued;
        if !joined && !shown.is_empty() && !shown.ends_with(char::is_whitespace) {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    if decoded.ends_with(char::is_whitespace)
        && !shown.is_empty()
        && !shown.ends_with(char::is_whitespace)
    {
        shown.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_page_is_shown_without_its_markup_and_a_text_as_it_is() {
        let page = "<!DOCTYPE html><html><head><style>p{}</style><SCRIPT>if (a<b) {}</SCRIPT></head><body>\
            <h1>Notes</h1>\n<p>Fixes <b>CVE-1</b>, not &lt;all&gt;.<!-- <p>hidden</p> --></p><ul><li>a &amp;amp; b<li>c</ul></body></html>";
        assert_eq!(
            readable(page),
            "Notes\nFixes CVE-1, not <all>.\na &amp; b\nc"
        );
        for text in [
            "2 < 3 > 1\n  as it is",
            "",
            "<body",
            "<html><script>",
            "<html>é<",
        ] {
            assert!(!readable(text).contains("script"), "{text}");
        }
        assert_eq!(readable("2 < 3 > 1\n  as it is"), "2 < 3 > 1\n  as it is");
    }
}
