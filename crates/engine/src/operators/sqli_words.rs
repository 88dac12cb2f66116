//! The words that libinjection knows.

use std::sync::LazyLock;

use hashbrown::HashMap;
use libinjectionrs::sqli::TokenType as T;
use libinjectionrs::sqli::sqli_data::{SQL_KEYWORDS, lookup_word};

/// What `lookup_word` says, which makes a string of each word.
pub(super) fn kind_of_word(word: &str) -> T {
    // Fingerprints stand among the words, eight times as many as there are words.
    if word.starts_with('0') {
        return lookup_word(word);
    }
    let mut upper = [0; LONGEST];
    let upper = upper.get_mut(..word.len());
    let (Some(upper), true) = (upper, WORDS.seem_to_hold(word.as_bytes(), word.len())) else {
        return T::Bareword;
    };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    WORDS.kinds.get(&*upper).copied().unwrap_or(T::Bareword)
}

/// Bytes of a word that is known at most; a test holds that.
const LONGEST: usize = 64;

/// Those that are no fingerprints.
static WORDS: LazyLock<Known> = LazyLock::new(|| {
    let mut words = Known::default();
    let is_word = |word: &str| !word.starts_with('0');
    for keyword in SQL_KEYWORDS.iter().filter(|keyword| is_word(keyword.word)) {
        words.note(keyword.word);
        words
            .kinds
            .insert(keyword.word.as_bytes(), lookup_word(keyword.word));
    }
    words
});

/// Those of several words.
pub(super) static PHRASES: LazyLock<Known> = LazyLock::new(|| {
    let mut phrases = Known::default();
    for keyword in SQL_KEYWORDS {
        let kind = lookup_word(keyword.word);
        if keyword.word.contains(' ') && kind != T::Bareword {
            phrases.note(keyword.word);
            phrases.kinds.insert(keyword.word.as_bytes(), kind);
        }
    }
    phrases
});

/// Texts in upper case, and what they are.
pub(super) struct Known {
    pub(super) kinds: HashMap<&'static [u8], T>,
    /// A bit for the first two bytes and the length of each.
    seen: Box<[u64; 512]>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            kinds: HashMap::new(),
            seen: Box::new([0; 512]),
        }
    }
}

impl Known {
    /// The bit of a text that begins so, of this length.
    fn bit(start: &[u8], length: usize) -> usize {
        let bits = |at| usize::from(start.get(at).copied().unwrap_or(0) & 0x1f);
        bits(0) << 10 | bits(1) << 5 | length & 0x1f
    }

    fn note(&mut self, text: &str) {
        let bit = Self::bit(text.as_bytes(), text.len());
        if let Some(bits) = self.seen.get_mut(bit / 64) {
            *bits |= 1 << (bit % 64);
        }
    }

    /// False: none of these begins so and has this length.
    pub(super) fn seem_to_hold(&self, start: &[u8], length: usize) -> bool {
        let bit = Self::bit(start, length);
        let bits = self.seen.get(bit / 64);
        bits.is_some_and(|bits| bits >> (bit % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_of_the_kind_that_the_detector_says() {
        for keyword in SQL_KEYWORDS {
            let (word, lower) = (keyword.word, keyword.word.to_ascii_lowercase());
            assert!(word.len() <= LONGEST, "{word}");
            assert_eq!(kind_of_word(&lower), lookup_word(word), "{word}");
        }
        assert_eq!(kind_of_word("stopgap"), T::Bareword);
    }
}
