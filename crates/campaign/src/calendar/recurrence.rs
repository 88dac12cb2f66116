//! Days that come again, by the rules of RFC 5545: its `RRULE`, as far as it is about days.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Periods that are looked at for the next day of a rule.
const PERIODS: usize = 5000;

/// `FREQ=MONTHLY;BYDAY=2TU` and the like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    text: String,
    frequency: Frequency,
    interval: i32,
    by_month: Vec<i8>,
    by_month_day: Vec<i8>,
    by_day: Vec<(i8, Weekday)>,
    positions: Vec<i16>,
    count: Option<usize>,
    until: Option<Date>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl From<Recurrence> for String {
    fn from(rule: Recurrence) -> Self {
        rule.text
    }
}

impl TryFrom<String> for Recurrence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: String| format!("`{}` is no recurrence rule: {why}", text.escape_debug());
        let mut rule = Self {
            text: text.clone(),
            frequency: Frequency::Daily,
            interval: 1,
            by_month: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            positions: Vec::new(),
            count: None,
            until: None,
        };
        let mut seen = BTreeSet::new();
        for part in text.trim_start_matches("RRULE:").split(';') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| wrong(format!("`{part}` must be NAME=VALUE")))?;
            if !seen.insert(name) {
                return Err(wrong(format!("{name} is there twice")));
            }
            rule.take(name, value).map_err(wrong)?;
        }
        if !seen.contains("FREQ") {
            return Err(wrong("FREQ is missing, such as FREQ=MONTHLY".to_owned()));
        }
        rule.check().map_err(wrong)?;
        Ok(rule)
    }
}

impl Recurrence {
    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "FREQ" => {
                self.frequency = match value {
                    "DAILY" => Frequency::Daily,
                    "WEEKLY" => Frequency::Weekly,
                    "MONTHLY" => Frequency::Monthly,
                    "YEARLY" => Frequency::Yearly,
                    _ => return Err("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY".to_owned()),
                }
            }
            "INTERVAL" => self.interval = number(name, value, 1, 1000)?,
            "COUNT" => {
                let count: i32 = number(name, value, 1, 10_000)?;
                self.count = usize::try_from(count).ok();
            }
            "UNTIL" => {
                let day = value.split('T').next().unwrap_or(value);
                let until = Date::strptime("%Y%m%d", day);
                self.until =
                    Some(until.map_err(|_| format!("UNTIL `{value}` must be like 20271231"))?);
            }
            "BYMONTH" => self.by_month = numbers(name, value, 1, 12)?,
            "BYMONTHDAY" => self.by_month_day = numbers(name, value, -31, 31)?,
            "BYSETPOS" => self.positions = numbers(name, value, -366, 366)?,
            "BYDAY" => {
                let days = value.split(',').map(weekday);
                self.by_day = days.collect::<Result<_, _>>()?;
            }
            "WKST" if value == "MO" => {}
            _ => {
                return Err(format!(
                    "{name}={value} is not understood; FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY and BYSETPOS are, and WKST=MO"
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let ordinals = self.by_day.iter().any(|(nth, _)| *nth != 0);
        let monthly = matches!(self.frequency, Frequency::Monthly | Frequency::Yearly);
        if ordinals && !monthly {
            return Err(
                "BYDAY with a number, such as 2TU, needs FREQ=MONTHLY or YEARLY".to_owned(),
            );
        }
        if self.frequency == Frequency::Weekly && !self.by_month_day.is_empty() {
            return Err("BYMONTHDAY says nothing with FREQ=WEEKLY".to_owned());
        }
        if self.frequency == Frequency::Yearly && self.by_month.is_empty() {
            return Err("FREQ=YEARLY needs BYMONTH".to_owned());
        }
        if self.count.is_some() && self.until.is_some() {
            return Err("COUNT and UNTIL exclude each other".to_owned());
        }
        Ok(())
    }

    /// The rule's days from `first` on, counted from `anchor`: at most `most`, in order.
    pub(super) fn days(&self, anchor: Date, first: Date, most: usize) -> Vec<Date> {
        let mut days = Vec::new();
        let mut counted = 0;
        // Of a rule that counts, each day from the anchor on must be seen.
        let begin = match self.count {
            Some(_) => 0,
            None => self.periods_before(anchor, first),
        };
        for index in (begin..).take(PERIODS) {
            let Some(set) = self.period(anchor, index) else {
                return days;
            };
            for day in set.into_iter().filter(|day| *day >= anchor) {
                counted += 1;
                let ended = self.count.is_some_and(|count| counted > count)
                    || self.until.is_some_and(|until| day > until);
                if ended || days.len() >= most {
                    return days;
                }
                if day >= first {
                    days.push(day);
                }
            }
        }
        days
    }

    /// How many whole periods surely lie before a day.
    fn periods_before(&self, anchor: Date, first: Date) -> i64 {
        let days = (first - anchor).get_days();
        let longest = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        let periods = i64::from(days) / (longest * i64::from(self.interval));
        (periods - 1).max(0)
    }

    /// The days of a period, in order; none: the calendar has ended.
    fn period(&self, anchor: Date, index: i64) -> Option<Vec<Date>> {
        let steps = index.checked_mul(i64::from(self.interval))?;
        let mut days: Vec<Date> = match self.frequency {
            Frequency::Daily => {
                let day = anchor.checked_add(steps.days()).ok()?;
                vec![day]
            }
            Frequency::Weekly => {
                let back = i64::from(anchor.weekday().to_monday_zero_offset());
                let monday = anchor.checked_sub(back.days()).ok()?;
                let monday = monday.checked_add(steps.checked_mul(7)?.days()).ok()?;
                let week = (0..7_i64).map(|day| monday.checked_add(day.days()));
                week.collect::<Result<_, _>>().ok()?
            }
            Frequency::Monthly => {
                let month = anchor.first_of_month();
                month_of(month.checked_add(steps.months()).ok()?)
            }
            Frequency::Yearly => {
                let year = anchor.first_of_year();
                let year = year.checked_add(steps.years()).ok()?;
                let months = self.by_month.iter().copied().collect::<BTreeSet<_>>();
                let months = months.into_iter();
                months
                    .filter_map(|month| Date::new(year.year(), month, 1).ok())
                    .flat_map(month_of)
                    .collect()
            }
        };
        days.retain(|day| self.holds(anchor, *day));
        if self.positions.is_empty() {
            return Some(days);
        }
        let chosen = self.positions.iter().filter_map(|position| {
            let index = match position {
                ..0 => days.len().checked_sub(usize::from(position.unsigned_abs())),
                _ => usize::from(position.unsigned_abs()).checked_sub(1),
            };
            days.get(index?).copied()
        });
        Some(chosen.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn holds(&self, anchor: Date, day: Date) -> bool {
        let month = self.by_month.is_empty() || self.by_month.contains(&day.month());
        let from_end = day.day() - day.days_in_month() - 1;
        let in_month = self.by_month_day.is_empty()
            || self.by_month_day.contains(&day.day())
            || self.by_month_day.contains(&from_end);
        let weekday = self.by_day.is_empty()
            || self.by_day.iter().any(|(nth, weekday)| {
                let rank = (day.day() - 1) / 7 + 1;
                let rank_from_end = -((day.days_in_month() - day.day()) / 7 + 1);
                day.weekday() == *weekday && [0, rank, rank_from_end].contains(nth)
            });
        let plain = self.by_day.is_empty() && self.by_month_day.is_empty();
        let as_anchor = match self.frequency {
            Frequency::Weekly if plain => day.weekday() == anchor.weekday(),
            Frequency::Monthly | Frequency::Yearly if plain => day.day() == anchor.day(),
            _ => true,
        };
        month && in_month && weekday && as_anchor
    }
}

fn month_of(first: Date) -> Vec<Date> {
    let days = (0..i64::from(first.days_in_month())).map(|day| first.checked_add(day.days()));
    days.filter_map(Result::ok).collect()
}

fn number<T>(name: &str, value: &str, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match value.parse::<T>() {
        Ok(number) if (&least..=&most).contains(&&number) => Ok(number),
        _ => Err(format!("{name} `{value}` must be from {least} to {most}")),
    }
}

fn numbers<T>(name: &str, value: &str, least: T, most: T) -> Result<Vec<T>, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy + Default,
{
    value
        .split(',')
        .map(|each| match number(name, each, least, most)? {
            zero if zero == T::default() => Err(format!("{name} must not be 0")),
            number => Ok(number),
        })
        .collect()
}

/// `TU`, `2TU`, `-1FR`; a number of 0 stands for every.
fn weekday(text: &str) -> Result<(i8, Weekday), String> {
    let wrong = || format!("BYDAY `{text}` must be like TU, 2TU or -1FR");
    let split = text.len().checked_sub(2).ok_or_else(wrong)?;
    let (nth, name) = text.split_at_checked(split).ok_or_else(wrong)?;
    let day = match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return Err(wrong()),
    };
    let nth: i8 = match nth {
        "" => return Ok((0, day)),
        nth => nth.parse().map_err(|_| wrong())?,
    };
    match nth {
        -5..=-1 | 1..=5 => Ok((nth, day)),
        _ => Err(wrong()),
    }
}
