//! Small databases of places, written as the MaxMind DB format, version 2.0, says
//! (`maxmind/MaxMind-DB`, `MaxMind-DB-spec.md`).

use std::net::IpAddr;

/// A value of a record.
pub(crate) enum Value {
    Text(&'static str),
    Number(f64),
    Map(Vec<(&'static str, Value)>),
    List(Vec<Value>),
    U16(u16),
    U32(u32),
    U64(u64),
}

use Value::{List, Map, Number, Text, U16, U32, U64};

/// A database of one city: 192.0.2.0/24 and 2001:db8::/32.
pub(crate) fn one_city() -> Vec<u8> {
    let named = |code: &'static str, name: &'static str| {
        Map(vec![
            ("iso_code", Text(code)),
            ("code", Text(code)),
            ("names", Map(vec![("en", Text(name))])),
        ])
    };
    let city = Map(vec![
        ("city", named("", "Lausanne")),
        ("continent", named("EU", "Europe")),
        ("country", named("CH", "Switzerland")),
        ("subdivisions", List(vec![named("VD", "Vaud")])),
        ("postal", Map(vec![("code", Text("1000"))])),
        (
            "location",
            Map(vec![
                ("latitude", Number(46.5)),
                ("longitude", Number(-6.625)),
            ]),
        ),
    ]);
    database(&[("192.0.2.0", 24), ("2001:db8::", 32)], &city)
}

/// A tree of 24-bit records: networks lead to the value, all else nowhere.
fn database(networks: &[(&str, usize)], value: &Value) -> Vec<u8> {
    const FOUND: usize = usize::MAX;
    let mut nodes = vec![[0; 2]];
    for (address, length) in networks {
        // IPv4 addresses are those below ::/96.
        let (bits, length) = match address.parse().unwrap() {
            IpAddr::V4(address) => (u128::from(u32::from(address)), length + 96),
            IpAddr::V6(address) => (u128::from(address), *length),
        };
        let mut at = 0;
        for depth in 0..length {
            let bit = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                nodes[at][bit] = FOUND;
            } else {
                if nodes[at][bit] == 0 {
                    nodes[at][bit] = nodes.len();
                    nodes.push([0; 2]);
                }
                at = nodes[at][bit];
            }
        }
    }
    let mut bytes = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match *record {
            0 => nodes.len(),
            FOUND => nodes.len() + 16,
            at => at,
        };
        bytes.extend(&(number as u32).to_be_bytes()[1..]);
    }
    bytes.extend([0; 16]);
    write(value, &mut bytes);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    write(
        &Map(vec![
            ("binary_format_major_version", U16(2)),
            ("binary_format_minor_version", U16(0)),
            ("build_epoch", U64(1)),
            ("database_type", Text("GeoLite2-City")),
            ("description", Map(vec![])),
            ("ip_version", U16(6)),
            ("languages", List(vec![Text("en")])),
            ("node_count", U32(nodes.len() as u32)),
            ("record_size", U16(24)),
        ]),
        &mut bytes,
    );
    bytes
}

/// A control byte, then the value; types and sizes are small here.
fn write(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Text(text) => {
            bytes.push(2 << 5 | text.len() as u8);
            bytes.extend(text.as_bytes());
        }
        Number(number) => {
            bytes.push(3 << 5 | 8);
            bytes.extend(number.to_be_bytes());
        }
        U16(number) => {
            bytes.push(5 << 5 | 2);
            bytes.extend(number.to_be_bytes());
        }
        U32(number) => {
            bytes.push(6 << 5 | 4);
            bytes.extend(number.to_be_bytes());
        }
        U64(number) => {
            bytes.extend([8, 9 - 7]);
            bytes.extend(number.to_be_bytes());
        }
        Map(fields) => {
            bytes.push(7 << 5 | fields.len() as u8);
            for (name, value) in fields {
                write(&Text(name), bytes);
                write(value, bytes);
            }
        }
        List(items) => {
            bytes.extend([items.len() as u8, 11 - 7]);
            items.iter().for_each(|item| write(item, bytes));
        }
    }
}
