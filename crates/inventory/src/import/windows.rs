//! Whether Windows updates itself, as its policy and its service say.

use ledger::AutoUpdate;

/// What sources call the system.
pub(crate) const ID: &str = "windows";
/// The end of the registry's key that holds the policy, in small letters.
pub(super) const POLICY: &str = r"\software\policies\microsoft\windows\windowsupdate\au";
const BY: &str = "windows-update";
/// Updates are installed at set times, or as the local administrator has chosen.
const INSTALLS: [i64; 2] = [4, 5];

/// None: what was told does not say. `values` are those of the policy by their names, in small letters.
pub(super) fn update(
    values: impl Iterator<Item = (String, i64)>,
    is_disabled: Option<bool>,
) -> Option<AutoUpdate> {
    let (mut is_off, mut option) = (None, None);
    for (name, value) in values {
        match name.as_str() {
            "noautoupdate" => is_off = Some(value == 1),
            "auoptions" => option = Some(value),
            _ => {}
        }
    }
    let on = match (is_disabled, is_off, option) {
        (Some(true), ..) | (_, Some(true), _) => false,
        (_, _, Some(option)) => INSTALLS.contains(&option),
        // Not forbidden is on, without other words.
        (_, Some(false), None) => true,
        (_, None, None) => return None,
    };
    Some(AutoUpdate {
        by: BY.to_owned(),
        on,
    })
}
