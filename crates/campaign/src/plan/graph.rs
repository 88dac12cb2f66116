//! The order in which assets depend on each other.

use ledger::Refused;

/// Assets of a cycle that its error names.
const NAMED: usize = 20;

/// How many assets stand before each one, one behind the other; `needs` says of each which
/// others it depends on.
///
/// # Errors
/// Some depend on each other in a circle, which the error names.
pub(super) fn levels(
    needs: &[Vec<u32>],
    name: impl Fn(u32) -> String,
) -> Result<Vec<u32>, Refused> {
    let dependents = turned(needs);
    let mut missing: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut levels = vec![0_u32; needs.len()];
    let mut ready: Vec<u32> = (0..)
        .zip(&missing)
        .filter_map(|(at, missing)| (*missing == 0).then_some(at))
        .collect();
    let mut done = 0;
    while let Some(at) = ready.get(done).copied() {
        done += 1;
        let level = get(&levels, at).copied().unwrap_or(0);
        for next in get(&dependents, at).into_iter().flatten().copied() {
            let place = next as usize;
            if let (Some(own), Some(left)) = (levels.get_mut(place), missing.get_mut(place)) {
                *own = (*own).max(level.saturating_add(1));
                *left -= 1;
                if *left == 0 {
                    ready.push(next);
                }
            }
        }
    }
    if done == needs.len() {
        return Ok(levels);
    }
    let circle = circle(needs, &missing);
    let mut names: Vec<String> = circle.iter().take(NAMED).map(|at| name(*at)).collect();
    match circle.len() > NAMED {
        true => names.push(format!("{} more", circle.len() - NAMED)),
        false => names.extend(circle.first().map(|at| name(*at))),
    }
    Err(Refused::new(format!(
        "assets depend on each other in a circle: {}; no order is right for them, take one dependency out",
        names.join(" → ")
    )))
}

/// What depends on each.
pub(super) fn turned(needs: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut dependents = vec![Vec::new(); needs.len()];
    for (at, needs) in (0_u32..).zip(needs) {
        for need in needs {
            if let Some(list) = dependents.get_mut(*need as usize) {
                list.push(at);
            }
        }
    }
    dependents
}

/// A circle among those that are never ready: each of them depends on another of them, so
/// following that leads into one.
fn circle(needs: &[Vec<u32>], missing: &[usize]) -> Vec<u32> {
    let stuck = |at: &u32| get(missing, *at).is_some_and(|missing| *missing > 0);
    let Some(mut at) = (0..).take(needs.len()).find(stuck) else {
        return Vec::new();
    };
    let mut seen_at = vec![usize::MAX; needs.len()];
    let mut path: Vec<u32> = Vec::new();
    loop {
        match seen_at.get_mut(at as usize) {
            Some(seen) if *seen == usize::MAX => *seen = path.len(),
            Some(seen) => return path.split_off(*seen),
            None => return path,
        }
        path.push(at);
        let next = get(needs, at).and_then(|needs| needs.iter().copied().find(stuck));
        match next {
            Some(next) => at = next,
            None => return path,
        }
    }
}

fn get<T>(list: &[T], at: u32) -> Option<&T> {
    list.get(at as usize)
}
