//! [`Document`] to YAML text that reads as the same document.

use super::Document;

impl Document {
    /// As YAML, with `comments` above it, a line each.
    ///
    /// # Errors
    /// What cannot be written, for people.
    pub fn to_yaml(&self, comments: &[String]) -> Result<String, String> {
        let mut text = String::new();
        for line in comments.iter().flat_map(|comment| comment.lines()) {
            text.push_str("# ");
            // YAML 1.2 section 5.1 allows no control characters, comments included.
            text.extend(line.chars().filter(|letter| !letter.is_control()));
            text.push('\n');
        }
        text.push_str(&serde_saphyr::to_string(self).map_err(|error| error.to_string())?);
        Ok(text)
    }
}
