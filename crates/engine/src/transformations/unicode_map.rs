//! Code points and the bytes that a code page has for them, for `t:urlDecodeUni`.

use hashbrown::HashMap;

/// What `SecUnicodeMapFile` names.
#[derive(Debug, Default)]
pub(crate) struct UnicodeMap {
    bytes: HashMap<u32, u8>,
}

impl UnicodeMap {
    /// Reads one code page of a file: what follows its number at the start of a
    /// line, pairs such as `00a1:21`, until a line begins with another number.
    ///
    /// # Errors
    /// The file has no such page.
    pub(crate) fn read(text: &str, page: u32) -> Result<Self, String> {
        let mut map = Self::default();
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            let first = line.split_ascii_whitespace().next().unwrap_or_default();
            if let Ok(number) = first.parse::<u32>() {
                inside = number == page;
            }
            if inside && !line.starts_with('#') {
                map.bytes
                    .extend(line.split_ascii_whitespace().filter_map(pair));
            }
        }
        if map.bytes.is_empty() {
            return Err(format!("the map has no code page {page}"));
        }
        Ok(map)
    }

    pub(crate) fn get(&self, code: u32) -> Option<u8> {
        self.bytes.get(&code).copied()
    }
}

fn pair(text: &str) -> Option<(u32, u8)> {
    let (code, byte) = text.split_once(':')?;
    Some((
        u32::from_str_radix(code, 16).ok()?,
        u8::from_str_radix(byte, 16).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_its_number() {
        let text = "20127 (US-ASCII)\n00a0:20 00a1:21\n\n1251 (Cyrillic)\n0434:64";
        let map = UnicodeMap::read(text, 1251).unwrap();
        assert_eq!((map.get(0x434), map.get(0xa0)), (Some(b'd'), None));
        assert!(UnicodeMap::read(text, 1252).is_err());
    }
}
