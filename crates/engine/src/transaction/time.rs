//! `TIME_…`: a moment as people read it, in UTC.

use crate::language::variables::Variable;

/// The time variables.
pub(super) const ALL: [Variable; 9] = [
    Variable::Time,
    Variable::TimeEpoch,
    Variable::TimeYear,
    Variable::TimeMon,
    Variable::TimeDay,
    Variable::TimeHour,
    Variable::TimeMin,
    Variable::TimeSec,
    Variable::TimeWday,
];

/// The time variables' values for a moment in seconds since 1970.
pub(super) fn parts(now: u64) -> [(Variable, String); 9] {
    let (day, second) = (now / 86_400, now % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (year, month, day_of_month) = date(day);
    // The first of January 1970 was a Thursday.
    let weekday = (day + 4) % 7;
    [
        (Variable::Time, format!("{hour:02}:{minute:02}:{second:02}")),
        (Variable::TimeEpoch, now.to_string()),
        (Variable::TimeYear, year.to_string()),
        (Variable::TimeMon, month.to_string()),
        (Variable::TimeDay, day_of_month.to_string()),
        (Variable::TimeHour, hour.to_string()),
        (Variable::TimeMin, minute.to_string()),
        (Variable::TimeSec, second.to_string()),
        (Variable::TimeWday, weekday.to_string()),
    ]
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the leap day; 719,468 days before
    // 1970 one of them began an era of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_the_calendar_has_it() {
        for (now, expected) in [
            (0, "1970 1 1 00:00:00 4"),
            (951_782_400, "2000 2 29 00:00:00 2"),
            (1_709_251_199, "2024 2 29 23:59:59 4"),
            (4_102_444_799, "2099 12 31 23:59:59 4"),
        ] {
            let value = |wanted| {
                let parts = parts(now);
                let found = parts.into_iter().find(|(variable, _)| *variable == wanted);
                found.unwrap().1
            };
            let told = [
                value(Variable::TimeYear),
                value(Variable::TimeMon),
                value(Variable::TimeDay),
                value(Variable::Time),
                value(Variable::TimeWday),
            ];
            assert_eq!(told.join(" "), expected);
        }
    }
}
