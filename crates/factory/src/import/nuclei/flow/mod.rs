//! A flow, which is JavaScript: what it runs in which order, and what it sets. It is read, not
//! run: every block that it can reach is taken to run, for each may be what exploits. Only
//! where a condition is known whatever is answered, what it rules out is left out.

mod code;
mod condition;

use std::collections::BTreeSet;
use std::rc::Rc;

use super::dsl;
use super::template::{Template, Texts};
use code::{code, words};
use condition::{Changes, Constants};

/// Bytes of a flow.
const FLOW_BYTES: usize = 64 * 1024;
/// What a flow runs, and what it sets; each is looked at up to its end.
const FLOW_PARTS: usize = 256;
/// Conditions within each other.
const FLOW_DEPTH: usize = 16;
/// Bytes of a condition that a remark tells.
const TOLD_BYTES: usize = 120;

/// What a flow says.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Stages and numbers of blocks; what runs one instead of the other shares a stage.
    pub(super) blocks: Vec<(usize, usize)>,
    /// Names and expressions.
    pub(super) variables: Vec<(String, String)>,
    /// Names and values that are taken one after the other.
    pub(super) lists: Vec<(String, Rc<Texts>)>,
    /// Blocks that no answer leads to, for people.
    pub(super) notes: Vec<String>,
    /// That of the block before.
    stage: usize,
    constants: Constants,
    /// All names that it sets, also to what only a run would tell.
    own: BTreeSet<String>,
}

/// `if (condition) then else otherwise`, with what stands around it.
struct Choice<'t> {
    before: &'t str,
    condition: &'t str,
    then: &'t str,
    otherwise: &'t str,
    rest: &'t str,
}

impl Flow {
    /// The flow of a template; all blocks in their order where it has none.
    ///
    /// # Errors
    /// A block that is not there, or more than a flow may hold.
    pub(super) fn of(template: &Template) -> Result<Self, String> {
        let mut flow = Self::default();
        let text = template.flow.as_deref().unwrap_or_default();
        if text.len() > FLOW_BYTES {
            return Err(format!("its flow has more than {FLOW_BYTES} bytes"));
        }
        let text = code(text);
        flow.settings(&text)?;
        flow.fixed(&text, template);
        let runs = !calls(&text, "http")?.is_empty();
        flow.runs(&text, template, FLOW_DEPTH)?;
        match (flow.blocks.is_empty(), runs) {
            (false, _) => {}
            (true, true) => return Err("its flow reaches none of its requests".to_owned()),
            (true, false) => {
                flow.blocks = (1..=template.http.len())
                    .map(|number| (number, number))
                    .collect();
            }
        }
        Ok(flow)
    }

    /// The names that stand for one text, whatever is answered. What a flow sets itself is not
    /// what the template says.
    fn fixed(&mut self, text: &str, template: &Template) {
        let changes = Changes::of(text);
        self.constants.retain(|name, _| {
            let times = self.variables.iter().filter(|(known, _)| known == name);
            times.count() == 1 && changes.times(name) <= 1
        });
        for (name, value) in template.constants() {
            if !self.own.contains(name) && changes.times(name) == 0 {
                self.constants.insert(name.clone(), value.clone());
            }
        }
    }

    /// What is run, in the order of the text; what is run instead of other blocks ends at the
    /// same stage as they.
    fn runs(&mut self, text: &str, template: &Template, depth: usize) -> Result<(), String> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!(
                "its flow has conditions more than {FLOW_DEPTH} deep"
            ));
        };
        let mut rest = text;
        while let Some(choice) = choice(rest, depth) {
            self.in_order(choice.before, template)?;
            let before = self.stage;
            self.in_order(choice.condition, template)?;
            let holds = condition::holds(choice.condition, &self.constants);
            // What runs where a block did not match is another way than that block.
            let negated = negates_block(choice.condition);
            let start = if negated { before } else { self.stage };
            let (mut ends, mut last) = (Vec::new(), self.stage);
            for (branch, never) in [(choice.then, Some(false)), (choice.otherwise, Some(true))] {
                if holds == never {
                    self.left_out(branch, choice.condition)?;
                    continue;
                }
                let from = self.blocks.len();
                self.stage = start;
                self.runs(branch, template, depth)?;
                ends.push((from..self.blocks.len(), self.stage));
                last = last.max(self.stage);
            }
            for (blocks, end) in ends {
                for (stage, _) in self.blocks.get_mut(blocks).unwrap_or_default() {
                    *stage += last - end;
                }
            }
            self.stage = last;
            rest = choice.rest;
        }
        self.in_order(rest, template)
    }

    fn left_out(&mut self, branch: &str, condition: &str) -> Result<(), String> {
        let told = condition.trim();
        let told = match told.split_at(told.floor_char_boundary(TOLD_BYTES)) {
            (all, "") => all.to_owned(),
            (start, _) => format!("{start}…"),
        };
        for (_, block) in calls(branch, "http")? {
            let (block, _) = block.split_at(block.floor_char_boundary(TOLD_BYTES));
            self.notes.push(format!(
                "its flow never runs http({block}): `{told}` is known"
            ));
        }
        Ok(())
    }

    /// Blocks without a choice of `if`.
    fn in_order(&mut self, text: &str, template: &Template) -> Result<(), String> {
        let (mut negated, mut asked) = (false, false);
        for (between, arguments) in calls(text, "http")? {
            // What runs where another did not match is another way.
            let instead = between.contains("||") || asked && between.trim().starts_with(':');
            asked |= between.contains('?');
            let other_way = instead && !negated && !self.blocks.is_empty();
            self.stage += usize::from(!other_way);
            let sign = between.trim_end_matches(|sign: char| sign == '(' || sign.is_whitespace());
            negated = sign.ends_with('!');
            let told: Vec<&str> = pieces(arguments);
            let all = told
                .iter()
                .all(|argument| argument.is_empty() || argument.starts_with('{'));
            let numbers: Vec<usize> = match all {
                true => (1..=template.http.len()).collect(),
                false => told
                    .iter()
                    .filter(|argument| !argument.starts_with('{'))
                    .filter_map(|argument| number(argument, template).transpose())
                    .collect::<Result<_, _>>()?,
            };
            for number in numbers {
                if !self.blocks.iter().any(|(_, known)| *known == number) {
                    self.blocks.push((self.stage, number));
                }
            }
        }
        Ok(())
    }

    /// `set("name", …)`, `let name = …` and `for (let name of …)`.
    fn settings(&mut self, text: &str) -> Result<(), String> {
        for (_, arguments) in calls(text, "set")? {
            if let [name, value] = pieces(arguments)[..]
                && let Some(name) = literal(name)
            {
                self.own.insert(name.clone());
                self.keep(&name, value);
            }
        }
        let mut places: Vec<usize> = ["let ", "var ", "const "]
            .into_iter()
            .flat_map(|word| words(text, word).map(|at| at + word.len()))
            .collect();
        if places.len() > FLOW_PARTS {
            return Err(too_many());
        }
        places.sort_unstable();
        for at in places {
            let rest = text.get(at..).unwrap_or_default().trim_start();
            let end =
                rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_$".contains(letter));
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            self.own.insert(name.to_owned());
            let rest = rest.trim_start();
            if let Some(value) = rest.strip_prefix("of ") {
                let value = until(value, &[]);
                let iterated = value.rsplit_once("iterate");
                let inner = iterated.and_then(|(_, behind)| behind.trim_start().strip_prefix('('));
                self.keep(name, inner.map_or(value, |inner| until(inner, &[])));
            } else if let Some(value) = rest.strip_prefix('=')
                && !value.starts_with('=')
            {
                let value = until(value, b";\n");
                if let Some(text) = literal(value) {
                    self.constants.insert(name.to_owned(), text);
                }
                self.keep(name, value);
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, value: &str) {
        let value = of_template(value.trim());
        if let Some(items) = value
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let texts: Vec<String> = pieces(items).into_iter().filter_map(literal).collect();
            if !texts.is_empty() {
                let listed = true;
                let list = Rc::new(Texts { texts, listed });
                self.lists.push((name.to_owned(), list));
            }
        } else if let Some((_, list)) = self.lists.iter().find(|(known, _)| *known == value) {
            let list = Rc::clone(list);
            self.lists.push((name.to_owned(), list));
        } else if value != name && dsl::is_known(value.as_bytes()) {
            // A text alone is what it says.
            let value = match literal(&value) {
                Some(text) => text,
                None => format!("{{{{{value}}}}}"),
            };
            self.variables.push((name.to_owned(), value));
        }
    }
}

/// The number of a block by its number or id; none where only a run would tell.
fn number(argument: &str, template: &Template) -> Result<Option<usize>, String> {
    let quoted = literal(argument);
    let name = quoted.as_deref().unwrap_or(argument);
    let by_id = |name: &str| {
        let mut blocks = template.http.iter();
        blocks.position(|block| block.id.as_deref() == Some(name))
    };
    if let Some(at) = by_id(name) {
        return Ok(Some(at + 1));
    }
    match name.parse::<usize>() {
        Ok(number) if (1..=template.http.len()).contains(&number) => Ok(Some(number)),
        Err(_) if quoted.is_none() => Ok(None),
        _ => Err(format!(
            "its flow runs http({argument}), but there is no such block"
        )),
    }
}

/// `template["name"]` and `template.name` are the variable.
fn of_template(value: &str) -> String {
    const TEMPLATE: &str = "template";
    let (mut named, mut from) = (String::new(), 0);
    for at in words(value, TEMPLATE) {
        let rest = value.get(at + TEMPLATE.len()..).unwrap_or_default();
        let (name, length) = if rest.starts_with('.') {
            (String::new(), 1)
        } else if let Some(inner) = rest.strip_prefix('[')
            && let held = until(inner, &[])
            && let Some(name) = literal(held)
        {
            (name, held.len() + 2)
        } else {
            continue;
        };
        named.push_str(value.get(from..at).unwrap_or_default());
        named.push_str(&name);
        from = at + TEMPLATE.len() + length;
    }
    named + value.get(from..).unwrap_or_default()
}

/// Whether a condition is that a block, with whatever else, did not match.
fn negates_block(condition: &str) -> bool {
    let (mut rest, mut negated) = (condition.trim_start(), false);
    loop {
        match rest.strip_prefix('!') {
            Some(behind) => (rest, negated) = (behind.trim_start(), !negated),
            None => match rest.strip_prefix('(') {
                Some(inner) => rest = inner.trim_start(),
                None => break,
            },
        }
    }
    let arguments = rest.strip_prefix("http").map(str::trim_start);
    negated && arguments.is_some_and(|arguments| arguments.starts_with('('))
}

/// What stands in quotes, if the whole text does.
fn literal(text: &str) -> Option<String> {
    let text = text.trim();
    let quote = text
        .chars()
        .next()
        .filter(|first| "\"'`".contains(*first))?;
    let mut letters = text.strip_prefix(quote)?.strip_suffix(quote)?.chars();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(match letters.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            '$' if quote == '`' => return None,
            letter if letter == quote => return None,
            letter => out.push(letter),
        }
    }
    Some(out)
}

/// The first `if` of a text.
fn choice(text: &str, depth: usize) -> Option<Choice<'_>> {
    let within = |letter: char| letter.is_ascii_alphanumeric() || "_.$".contains(letter);
    let (at, inner) = words(text, "if").find_map(|at| {
        let inner = text.get(at + 2..)?.trim_start().strip_prefix('(')?;
        (!text.get(..at)?.ends_with('.')).then_some((at, inner))
    })?;
    let condition = until(inner, &[]);
    let behind = inner.get(condition.len() + 1..).unwrap_or_default();
    let (then, mut rest) = statement(behind, depth);
    let mut otherwise = "";
    let next = rest.trim_start().trim_start_matches(';').trim_start();
    if let Some(other) = next.strip_prefix("else")
        && !other.starts_with(within)
    {
        (otherwise, rest) = statement(other, depth);
    }
    Some(Choice {
        before: text.get(..at).unwrap_or_default(),
        condition,
        then,
        otherwise,
        rest,
    })
}

/// What braces hold, or one statement, and what follows it.
fn statement(text: &str, depth: usize) -> (&str, &str) {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('{') {
        let held = until(inner, &[]);
        return (held, inner.get(held.len() + 1..).unwrap_or_default());
    }
    // `else if` goes on to the end of that choice.
    let nested = text.strip_prefix("if").map(str::trim_start);
    if nested.is_some_and(|behind| behind.starts_with('('))
        && let Some(depth) = depth.checked_sub(1)
        && let Some(choice) = choice(text, depth)
    {
        return text.split_at(text.len() - choice.rest.len());
    }
    text.split_at(until(text, b";\n").len())
}

/// The calls of a function: what stands before each, behind the last one, and its arguments.
///
/// # Errors
/// There are more than a flow may hold.
fn calls<'t>(text: &'t str, name: &str) -> Result<Vec<(&'t str, &'t str)>, String> {
    let mut found = Vec::new();
    let (mut from, mut behind) = (0, 0);
    for at in words(text, name) {
        let rest = text.get(at + name.len()..).unwrap_or_default();
        let of_other = text.get(..at).is_some_and(|before| before.ends_with('.'));
        let (Some(inner), false) = (rest.trim_start().strip_prefix('('), of_other || at < from)
        else {
            continue;
        };
        if found.len() == FLOW_PARTS {
            return Err(too_many());
        }
        let arguments = until(inner, &[]);
        let start = if behind > at { from } else { behind };
        found.push((text.get(start..at).unwrap_or_default(), arguments));
        from = at + name.len();
        behind = text.len() - inner.len() + arguments.len() + 1;
    }
    Ok(found)
}

fn too_many() -> String {
    format!("its flow runs or sets more than {FLOW_PARTS} things")
}

/// A text up to one of these bytes, or to what closes around it; quotes and brackets within
/// are passed over.
fn until<'t>(text: &'t str, ends: &[u8]) -> &'t str {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') if depth == 0 => return text.get(..at).unwrap_or(text),
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, _) if depth == 0 && ends.contains(&byte) => {
                return text.get(..at).unwrap_or(text);
            }
            _ => {}
        }
    }
    text
}

/// What commas part.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let piece = until(rest, b",");
        pieces.push(piece.trim());
        match rest.get(piece.len() + 1..) {
            Some(more) => rest = more,
            None => return pieces,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a template with three blocks, and a constant `x` that is `a`.
    fn flow(text: &str) -> Result<Flow, String> {
        let block = "  - { method: GET, path: ['{{BaseURL}}/'] }\n";
        let template = format!(
            "id: a\ninfo: {{ name: a, severity: high }}\nconstants: {{ x: a }}\nflow: {}\nhttp:\n{}",
            serde_json::Value::from(text),
            block.repeat(3)
        );
        Flow::of(&Template::parse(&template, "a.yaml").unwrap())
    }

    #[test]
    fn what_looks_like_code_in_texts_and_expressions_is_none() {
        for (text, blocks) in [
            (
                "set('q', 'if (x) {'); http(1); http(2)",
                &[(1, 1), (2, 2)][..],
            ),
            (
                "http(1); if ('if (false) http(3)') { http(2) }",
                &[(1, 1), (2, 2)],
            ),
            ("if (/if (false) http(3)/.test(y)) { http(1) }", &[(1, 1)]),
            (
                "q = y.replace(/[\"/]/g, ''); http(1); http(2)",
                &[(1, 1), (2, 2)],
            ),
            ("q = 6 / 2; http(1); r = 4 / 2", &[(1, 1)]),
            (
                "http(1); set('q', `${http(2)} if (`); http(3)",
                &[(1, 1), (2, 2), (3, 3)],
            ),
            ("set('q', 'http(3)'); http(1)", &[(1, 1)]),
        ] {
            assert_eq!(flow(text).unwrap().blocks, blocks, "{text}");
        }
    }

    #[test]
    fn what_runs_where_a_block_did_not_match_is_another_way() {
        for condition in [
            "!http(1)",
            "! http(1)",
            "!(http(1))",
            "(!http(1))",
            "!!!http (1)",
        ] {
            let found = flow(&format!("if ({condition}) {{ http(2) }}")).unwrap();
            assert_eq!(found.blocks, [(1, 1), (1, 2)], "{condition}");
        }
        for condition in ["http(1)", "!!http(1)", "!https(1) && http(1)"] {
            let found = flow(&format!("if ({condition}) {{ http(2) }}")).unwrap();
            assert_eq!(found.blocks, [(1, 1), (2, 2)], "{condition}");
        }
    }

    #[test]
    fn a_name_stands_for_its_text_only_where_the_flow_gives_it_no_other() {
        let choice = "if (x == 'a') { http(1) } else { http(2) }";
        for (before, blocks) in [
            ("", &[(1, 1)][..]),
            ("set('q', 'x = 1');", &[(1, 1)]),
            ("let x = 'b';", &[(1, 2)]),
            ("let x = y;", &[(1, 1), (1, 2)]),
            ("let x = 'a'; x = y;", &[(1, 1), (1, 2)]),
            ("[x] = y;", &[(1, 1), (1, 2)]),
            ("({ q: [x] } = y);", &[(1, 1), (1, 2)]),
            ("let x = 'a'; [q, x] = y;", &[(1, 1), (1, 2)]),
            ("for (x of y) { q(x) }", &[(1, 1), (1, 2)]),
        ] {
            let found = flow(&format!("{before} {choice}")).unwrap();
            assert_eq!(found.blocks, blocks, "{before}");
        }
    }

    #[test]
    fn remarks_tell_the_beginning_of_long_conditions() {
        let long = "é".repeat(1000);
        let found = flow(&format!("if ('{long}' == 'b') {{ http(1) }} http(2)")).unwrap();
        assert_eq!(found.blocks, [(1, 2)]);
        let [note] = &found.notes[..] else {
            panic!("{:?}", found.notes);
        };
        assert!(note.len() < 200 && note.contains("é…"), "{note}");
    }

    #[test]
    fn choices_without_end_are_read_or_refused() {
        let chain = format!("{}http(1)", "if(a)b\nelse ".repeat(5000));
        let why = flow(&chain).err();
        assert!(why.is_some_and(|why| why.contains("16 deep")));
        let nested = format!("{}http(1)", "if(a){".repeat(10_000));
        let why = flow(&nested).err();
        assert!(why.is_some_and(|why| why.contains("16 deep")));
        let open = format!("http(1){}", "if(".repeat(20_000));
        assert_eq!(flow(&open).unwrap().blocks, [(1, 1)]);
    }
}
