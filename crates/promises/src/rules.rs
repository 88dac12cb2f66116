//! SecLang: its text, what that includes, and the expressions in it.

use std::cell::Cell;

use engine::{Flow, Limits, NoResources, RequestHead};
use seclang::{Files, Selector};

/// Compiles or refuses; what parses is printed so that it reads the same.
pub(crate) fn seclang(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parse = |text: &str| seclang::parse("r", text, &seclang::Limits::default());
    let Ok(rules) = parse(&text) else {
        return;
    };
    let printed = seclang::print(&rules.directives);
    // Not every backslash can be written; `print` says which.
    if !text.contains('\\') {
        let again = parse(&printed);
        assert!(
            again.is_ok(),
            "what was printed does not parse: {printed:?}"
        );
        if let Ok(again) = again {
            assert_eq!(seclang::print(&again.directives), printed);
            assert_eq!(again.directives.len(), rules.directives.len());
        }
    }
    let input = engine::Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    // Refused is well.
    drop(engine::compile(&input, Limits::default(), &NoResources));
}

/// Files in one text: each begins with a line `==NAME`, the first is the one that is loaded.
struct Folder {
    files: Vec<(String, String)>,
    reads: Cell<usize>,
}

impl Folder {
    fn new(text: &str) -> Self {
        let mut files: Vec<(String, String)> = vec![("main".to_owned(), String::new())];
        for line in text.split_inclusive('\n') {
            match (line.strip_prefix("=="), files.last_mut()) {
                (Some(name), _) => files.push((name.trim().to_owned(), String::new())),
                (None, Some((_, text))) => text.push_str(line),
                (None, None) => {}
            }
        }
        Self {
            files,
            reads: Cell::new(0),
        }
    }
}

impl Files for Folder {
    fn find(&self, pattern: &str, _: &str) -> Result<Vec<String>, String> {
        if pattern.is_empty() {
            return Err("no pattern".to_owned());
        }
        let names = self.files.iter().map(|(name, _)| name);
        let fits = |name: &&String| match pattern.split_once('*') {
            Some((before, after)) => {
                name.len() >= before.len() + after.len()
                    && name.starts_with(before)
                    && name.ends_with(after)
            }
            None => *name == pattern,
        };
        Ok(names.filter(fits).cloned().collect())
    }

    fn read(&self, name: &str) -> Result<String, String> {
        self.reads.set(self.reads.get() + 1);
        let mut files = self.files.iter();
        let file = files.find(|(known, _)| known == name);
        file.map(|(_, text)| text.clone())
            .ok_or_else(|| format!("{name} is not there"))
    }
}

/// Files that include files, in whatever circle or number, are loaded or refused within bounds.
pub(crate) fn seclang_load(bytes: &[u8]) {
    let folder = Folder::new(&String::from_utf8_lossy(bytes));
    let limits = seclang::Limits {
        source_bytes: 200_000,
        directives: 200,
        include_depth: 3,
        included_files: 20,
        ..seclang::Limits::default()
    };
    match seclang::load("main", &folder, &limits) {
        Ok(rules) => {
            assert!(
                rules.directives.len() <= limits.directives,
                "more directives than allowed"
            );
            let is_include = |directive: &seclang::Directive| match &directive.kind {
                seclang::DirectiveKind::Setting { name, .. } => {
                    let name = name.value.to_ascii_lowercase();
                    name == "include" || name == "includeoptional"
                }
                _ => false,
            };
            assert!(
                !rules.directives.iter().any(is_include),
                "an include was not followed"
            );
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says nothing"),
    }
    let most = limits.included_files + 1;
    assert!(folder.reads.get() <= most, "more files read than allowed");
}

/// The first line is an expression, the rest a document: it selects, or is refused, or gives up.
pub(crate) fn xpath(bytes: &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let (expression, document) = bytes.split_at(end.unwrap_or(bytes.len()));
    let rule = "SecRequestBodyAccess On\n\
        SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n\
        SecRule XML:/a \"!@rx ^$\" \"id:2,phase:2,deny,t:none\"";
    let Ok(mut rules) = seclang::parse("promises.conf", rule, &seclang::Limits::default()) else {
        return;
    };
    for directive in &mut rules.directives {
        if let seclang::DirectiveKind::Rule(rule) = &mut directive.kind {
            let text = String::from_utf8_lossy(expression).into_owned();
            for target in &mut rule.targets {
                target.selector = Some(Selector::Literal(text.clone()));
            }
        }
    }
    let limits = Limits {
        xpath_steps: 10_000,
        ..Limits::default()
    };
    let input = engine::Input {
        rules: vec![rules],
        patches: Vec::new(),
    };
    match engine::compile(&input, limits, &NoResources) {
        Ok(plan) => {
            let headers = [("Content-Type", "text/xml")].to_vec();
            let decide = || {
                let mut transaction = plan.begin();
                let mut flow = transaction.request_head(&RequestHead::new(b"POST", b"/", &headers));
                if flow == Flow::Continue {
                    flow = transaction.request_body(document);
                }
                if flow == Flow::Continue {
                    flow = transaction.request_body_end();
                }
                transaction.finish();
                flow != Flow::Continue
            };
            // What is remembered of the first time changes nothing.
            assert_eq!(decide(), decide(), "the same request is decided otherwise");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says nothing"),
    }
}
