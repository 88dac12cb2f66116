//! Where addresses are: a database in the MaxMind DB format, version 2.0
//! (`maxmind/MaxMind-DB`, `MaxMind-DB-spec.md`), such as `GeoLite2` City and Country.

use std::net::IpAddr;

use maxminddb::{Reader, geoip2};

/// A database of places.
pub struct Places {
    name: String,
    reader: Reader<Vec<u8>>,
}

/// What `GEO` may hold of a place.
pub(crate) const NAMES: [&str; 8] = [
    "COUNTRY_CODE",
    "COUNTRY_NAME",
    "COUNTRY_CONTINENT",
    "REGION",
    "CITY",
    "POSTAL_CODE",
    "LATITUDE",
    "LONGITUDE",
];

/// What `GEO` holds of a place: names and values.
pub(crate) type Place = Vec<(&'static str, String)>;

impl Places {
    /// The database in a file of this name.
    ///
    /// # Errors
    /// The bytes are no such database; for people.
    pub fn read(name: &str, bytes: Vec<u8>) -> Result<Self, String> {
        let reader = Reader::from_source(bytes).map_err(|why| {
            format!("{name} is no database in the MaxMind DB format (`.mmdb`): {why}")
        })?;
        Ok(Self {
            name: name.to_owned(),
            reader,
        })
    }

    /// As the rules name it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it knows an address's place.
    pub(crate) fn know(&self, address: &[u8]) -> bool {
        let address = parsed(address);
        let found = address.and_then(|address| self.reader.lookup(address).ok());
        found.is_some_and(|found| found.has_data())
    }

    /// What it says of an address's place; a record that cannot be read says nothing.
    pub(crate) fn place(&self, address: &[u8]) -> Place {
        let mut place = Place::new();
        let address = parsed(address);
        let Some(found) = address.and_then(|address| self.reader.lookup(address).ok()) else {
            return place;
        };
        let Ok(Some(city)) = found.decode::<geoip2::City<'_>>() else {
            return place;
        };
        let location = &city.location;
        let region = city.subdivisions.first();
        let number = |number: Option<f64>| number.map(|number| number.to_string());
        let text = |text: Option<&str>| text.map(str::to_owned);
        let values = [
            text(city.country.iso_code),
            text(city.country.names.english),
            text(city.continent.code),
            text(region.and_then(|region| region.iso_code)),
            text(city.city.names.english),
            text(city.postal.code),
            number(location.latitude),
            number(location.longitude),
        ];
        for (name, value) in NAMES.into_iter().zip(values) {
            place.extend(value.map(|value| (name, value)));
        }
        place
    }
}

fn parsed(address: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// Not its megabytes.
impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Places({})", self.name)
    }
}
