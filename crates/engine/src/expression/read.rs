//! Reads what expressions are commonly written with: texts, sets, groups, counts, flags.

use regex_syntax::hir::Look;

use super::{Case, Node, Place, Span, Tree};
use crate::need::ByteSet;

/// Groups in groups at most; far from where `regex-syntax` says no.
const DEPTH: usize = 40;
/// Counts after one another at most.
const COUNTS: usize = 3;
const LINE_END: u8 = b'\n';

/// None: something in it is not known here, or is wrong.
pub(super) fn read(pattern: &str) -> Option<Tree> {
    let mut reader = Reader {
        rest: pattern.as_bytes(),
        flags: Flags {
            case: Case::Matters,
            lines: true,
            dot: true,
        },
        tree: Tree::new(),
        parts: Vec::new(),
        choices: Vec::new(),
    };
    reader.tree.root = reader.either(DEPTH)?;
    reader.rest.is_empty().then_some(reader.tree)
}

struct Reader<'p> {
    rest: &'p [u8],
    flags: Flags,
    tree: Tree,
    /// Parts of the sequences that are being read, the innermost last.
    parts: Vec<Place>,
    /// The same of alternatives.
    choices: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Flags {
    case: Case,
    /// `^` and `$` match at line ends.
    lines: bool,
    /// `.` matches a line end.
    dot: bool,
}

/// What an escape stands for.
enum Escaped {
    Byte(u8),
    Set(ByteSet),
    Look(Look),
}

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let tail = self.rest.strip_prefix(&[byte]);
        self.rest = tail.unwrap_or(self.rest);
        tail.is_some()
    }

    /// Alternatives, up to a closing parenthesis or the end.
    fn either(&mut self, depth: usize) -> Option<Place> {
        let first = self.sequence(depth)?;
        if !self.rest.starts_with(b"|") {
            return Some(first);
        }
        let start = self.choices.len();
        self.choices.push(first);
        while self.take(b'|') {
            let next = self.sequence(depth)?;
            self.choices.push(next);
        }
        let from = self.tree.parts.len() as u32;
        let mut set = Some(ByteSet::NONE);
        for choice in self.choices.drain(start..) {
            set = set.and_then(|set| Some(set.or(one_byte(&self.tree, choice)?)));
            self.tree.parts.push(choice);
        }
        if let Some(set) = set {
            self.tree.parts.truncate(from as usize);
            return Some(self.tree.add(Node::Set(set)));
        }
        let span = (from, self.tree.parts.len() as u32);
        Some(self.tree.add(Node::Either(span)))
    }

    /// One after the other, up to a bar, a closing parenthesis or the end.
    fn sequence(&mut self, depth: usize) -> Option<Place> {
        let start = self.parts.len();
        // The text that ends the sequence so far, to which bytes may be added.
        let mut open = None;
        while let Some((&byte, tail)) = self.rest.split_first() {
            if matches!(byte, b'|' | b')') {
                break;
            }
            self.rest = tail;
            let node = match byte {
                b'(' => {
                    match self.group(depth)? {
                        None if self.at_count() => return None,
                        None => {}
                        Some(group) => {
                            let counted = self.counted(group)?;
                            self.append(counted);
                        }
                    }
                    open = None;
                    continue;
                }
                b'[' => Node::Set(self.set()?),
                b'.' if self.flags.dot => Node::Set(ByteSet::ALL),
                b'.' => Node::Set(ByteSet::of(&[LINE_END]).complement()),
                b'^' if self.flags.lines => Node::Look(Look::StartLF),
                b'^' => Node::Look(Look::Start),
                b'$' if self.flags.lines => Node::Look(Look::EndLF),
                b'$' => Node::Look(Look::End),
                b'*' | b'+' | b'?' | b'{' | 0x80.. => return None,
                b'\\' => match self.escape()? {
                    Escaped::Byte(byte) => self.byte(byte),
                    Escaped::Set(set) => Node::Set(set),
                    Escaped::Look(look) => Node::Look(look),
                },
                byte => self.byte(byte),
            };
            if let Node::Text((_, to), case) = node
                && !self.at_count()
            {
                match open {
                    Some((place, from, before)) if before == case => {
                        if let Some(text) = self.tree.nodes.get_mut(place as usize) {
                            *text = Node::Text((from, to), case);
                        }
                    }
                    _ => {
                        let place = self.tree.add(node);
                        self.parts.push(place);
                        open = Some((place, to - 1, case));
                    }
                }
                continue;
            }
            open = None;
            let place = self.tree.add(node);
            let place = self.counted(place)?;
            self.parts.push(place);
        }
        Some(match self.parts.get(start..)? {
            [] => self.tree.add(Node::Empty),
            &[part] => {
                self.parts.truncate(start);
                part
            }
            _ => {
                let from = self.tree.parts.len() as u32;
                self.tree.parts.extend(self.parts.drain(start..));
                let span: Span = (from, self.tree.parts.len() as u32);
                self.tree.add(Node::Concat(span))
            }
        })
    }

    /// Adds a part to the sequence; that of a sequence are parts of this one.
    fn append(&mut self, part: Place) {
        match self.tree.node(part) {
            Node::Empty => {}
            Node::Concat((from, to)) => {
                let parts = self.tree.parts.get(from as usize..to as usize);
                self.parts.extend_from_slice(parts.unwrap_or_default());
            }
            _ => self.parts.push(part),
        }
    }

    fn byte(&mut self, byte: u8) -> Node {
        let from = self.tree.bytes.len() as u32;
        self.tree.bytes.push(byte);
        Node::Text((from, from + 1), self.flags.case)
    }

    /// After the opening parenthesis. Nothing: it only set flags for what follows.
    fn group(&mut self, depth: usize) -> Option<Option<Place>> {
        let depth = depth.checked_sub(1)?;
        let before = self.flags;
        let captures = !self.take(b'?');
        if !captures {
            self.flags = self.flags()?;
            if self.take(b')') {
                return Some(None);
            }
            self.take(b':').then_some(())?;
        }
        let inner = self.either(depth)?;
        self.flags = before;
        self.take(b')').then_some(())?;
        Some(Some(match captures {
            true => self.tree.add(Node::Capture(inner)),
            false => inner,
        }))
    }

    /// Flags up to a colon or a closing parenthesis, none of them twice.
    fn flags(&mut self) -> Option<Flags> {
        let length = self.rest.iter().position(|byte| b":)".contains(byte))?;
        let (letters, tail) = self.rest.split_at_checked(length)?;
        if letters.is_empty() && !tail.starts_with(b":") || letters.ends_with(b"-") {
            return None;
        }
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = ByteSet::NONE;
        for &letter in letters {
            if seen.contains(letter) {
                return None;
            }
            seen = seen.with(letter);
            match letter {
                b'i' if on => flags.case = Case::Ignored,
                b'i' => flags.case = Case::Matters,
                b'm' => flags.lines = on,
                b's' => flags.dot = on,
                b'-' => on = false,
                _ => return None,
            }
        }
        self.rest = tail;
        Some(flags)
    }

    fn at_count(&self) -> bool {
        matches!(self.rest.first(), Some(b'*' | b'+' | b'?' | b'{'))
    }

    /// The part with the counts that follow it.
    fn counted(&mut self, mut part: Place) -> Option<Place> {
        for _ in 0..COUNTS {
            if !self.at_count() {
                return Some(part);
            }
            let (least, most) = self.count()?;
            // As few as possible is still as many as it takes.
            self.take(b'?');
            part = self.tree.add(Node::Repeat(part, least, most));
        }
        (!self.at_count()).then_some(part)
    }

    fn count(&mut self) -> Option<(u32, Option<u32>)> {
        let (&byte, tail) = self.rest.split_first()?;
        self.rest = tail;
        match byte {
            b'*' => Some((0, None)),
            b'+' => Some((1, None)),
            b'?' => Some((0, Some(1))),
            _ => {
                let least = self.number()?;
                let most = match self.take(b',') {
                    false => Some(least),
                    true if self.rest.starts_with(b"}") => None,
                    true => Some(self.number()?),
                };
                let right = most.is_none_or(|most| least <= most);
                (self.take(b'}') && right).then_some((least, most))
            }
        }
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, tail) = self.rest.split_at_checked(digits.count())?;
        self.rest = tail;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// After a backslash.
    fn escape(&mut self) -> Option<Escaped> {
        let (&letter, tail) = self.rest.split_first()?;
        self.rest = tail;
        Some(match letter {
            b'd' => Escaped::Set(DIGIT),
            b'D' => Escaped::Set(DIGIT.complement()),
            b's' => Escaped::Set(ByteSet::SPACE),
            b'S' => Escaped::Set(ByteSet::SPACE.complement()),
            b'w' => Escaped::Set(WORD),
            b'W' => Escaped::Set(WORD.complement()),
            b'b' if !self.rest.starts_with(b"{") => Escaped::Look(Look::WordAscii),
            b'B' => Escaped::Look(Look::WordAsciiNegate),
            b'A' => Escaped::Look(Look::Start),
            b'z' => Escaped::Look(Look::End),
            b'n' => Escaped::Byte(LINE_END),
            b'r' => Escaped::Byte(b'\r'),
            b't' => Escaped::Byte(b'\t'),
            b'f' => Escaped::Byte(0x0c),
            b'v' => Escaped::Byte(0x0b),
            b'a' => Escaped::Byte(0x07),
            b'x' => {
                let (digits, tail) = self.rest.split_first_chunk::<2>()?;
                let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
                self.rest = tail;
                Escaped::Byte((high? * 16 + low?) as u8)
            }
            _ if letter.is_ascii() && regex_syntax::is_escapeable_character(letter.into()) => {
                Escaped::Byte(letter)
            }
            _ => return None,
        })
    }

    /// After the opening bracket.
    fn set(&mut self) -> Option<ByteSet> {
        let negated = self.take(b'^');
        let mut set = ByteSet::NONE;
        while self.take(b'-') {
            set = set.with(b'-');
        }
        if self.rest.starts_with(b"]") {
            return None;
        }
        while !self.take(b']') {
            set = set.or(self.member()?);
        }
        set = self.cased(set);
        Some(if negated { set.complement() } else { set })
    }

    /// A member of a set, or a range of them.
    fn member(&mut self) -> Option<ByteSet> {
        if self.rest.starts_with(b"[") {
            return self.named();
        }
        let first = match self.one()? {
            Escaped::Byte(byte) => byte,
            Escaped::Set(set) => return Some(set),
            Escaped::Look(_) => return None,
        };
        match self.rest {
            [b'-', b']' | b'-', ..] | [] => {}
            [b'-', tail @ ..] => {
                self.rest = tail;
                let Escaped::Byte(last) = self.one()? else {
                    return None;
                };
                return (first <= last).then(|| ByteSet::range(first, last));
            }
            _ => {}
        }
        Some(ByteSet::NONE.with(first))
    }

    fn one(&mut self) -> Option<Escaped> {
        // These are operations on sets.
        if let [b'&', b'&', ..] | [b'-', b'-', ..] | [b'~', b'~', ..] = self.rest {
            return None;
        }
        let (&byte, tail) = self.rest.split_first()?;
        self.rest = tail;
        match byte {
            b'\\' => self.escape(),
            b'[' | b']' | 0x80.. => None,
            byte => Some(Escaped::Byte(byte)),
        }
    }

    /// `[:alpha:]`
    fn named(&mut self) -> Option<ByteSet> {
        self.rest = self.rest.strip_prefix(b"[:")?;
        let negated = self.take(b'^');
        let length = self.rest.iter().position(|&byte| byte == b':')?;
        let (name, tail) = self.rest.split_at_checked(length)?;
        self.rest = tail.strip_prefix(b":]")?;
        let (_, set) = NAMED.iter().find(|(known, _)| known.as_bytes() == name)?;
        let set = self.cased(*set);
        Some(if negated { set.complement() } else { set })
    }

    /// With the other case of its letters, where case is ignored.
    fn cased(&self, set: ByteSet) -> ByteSet {
        match self.flags.case {
            Case::Matters => set,
            Case::Ignored => set.in_both_cases(),
        }
    }
}

/// The set of a part that is one byte.
fn one_byte(tree: &Tree, place: Place) -> Option<ByteSet> {
    match tree.node(place) {
        Node::Set(set) => Some(set),
        Node::Text(span, case) => match *tree.text(span) {
            [byte] => {
                let set = ByteSet::NONE.with(byte);
                Some(match case {
                    Case::Matters => set,
                    Case::Ignored => set.in_both_cases(),
                })
            }
            _ => None,
        },
        _ => None,
    }
}

const DIGIT: ByteSet = ByteSet::range(b'0', b'9');
const LOWER: ByteSet = ByteSet::range(b'a', b'z');
const WORD: ByteSet = ByteSet::ALPHANUMERIC.with(b'_');
const GRAPH: ByteSet = ByteSet::range(b'!', b'~');
const HEX: ByteSet = ByteSet::range(b'a', b'f').or(ByteSet::range(b'A', b'F'));

const NAMED: &[(&str, ByteSet)] = &[
    ("alnum", ByteSet::ALPHANUMERIC),
    ("alpha", ByteSet::UPPER.or(LOWER)),
    ("ascii", ByteSet::range(0, 0x7f)),
    ("blank", ByteSet::of(b" \t")),
    ("cntrl", ByteSet::range(0, 0x1f).with(0x7f)),
    ("digit", DIGIT),
    ("graph", GRAPH),
    ("lower", LOWER),
    ("print", GRAPH.with(b' ')),
    ("punct", GRAPH.and(ByteSet::ALPHANUMERIC.complement())),
    ("space", ByteSet::SPACE),
    ("upper", ByteSet::UPPER),
    ("word", WORD),
    ("xdigit", DIGIT.or(HEX)),
];
