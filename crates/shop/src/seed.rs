//! What each instance starts with.

use std::fmt::Write as _;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// An account's e-mail address and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The e-mail address, to be sent as `email`.
    pub email: &'static str,
    /// The password in clear, to be sent as `password`.
    pub password: &'static str,
}

/// An ordinary customer.
pub const CUSTOMER: Credentials = Credentials {
    email: "alice@shop.example",
    password: "a mug for every day",
};

/// The shop's administrator.
pub const ADMIN: Credentials = Credentials {
    email: "admin@shop.example",
    password: "correct horse battery",
};

/// A text that stands only in `private/settings.ini`, which must not be served.
pub const SECRET: &str = "payment_key=demo-7f3a-not-for-visitors";

/// What a stored password begins with; nothing else in the shop contains it.
const HASH: &str = "sha256$";

const SCHEMA: &str = "
    CREATE TABLE products (
        id INTEGER PRIMARY KEY, name TEXT, price INTEGER, description TEXT, image TEXT
    );
    CREATE TABLE users (
        id INTEGER PRIMARY KEY, email TEXT, display_name TEXT, password_hash TEXT,
        newsletter INTEGER DEFAULT 0, is_admin INTEGER DEFAULT 0
    );
    CREATE UNIQUE INDEX users_email ON users (email);
    CREATE TABLE sessions (id INTEGER PRIMARY KEY, token TEXT UNIQUE, user_id INTEGER);
    CREATE TABLE carts (
        id INTEGER PRIMARY KEY, user_id INTEGER, product_id INTEGER, quantity INTEGER,
        UNIQUE (user_id, product_id)
    );
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY, user_id INTEGER, total INTEGER, coupon TEXT
    );
";

/// Name, price in pence, description, image.
const PRODUCTS: &[(&str, i64, &str, &str)] = &[
    (
        "Union Jack mug",
        1250,
        "Select a union jack mug from a set of four.",
        "mug.svg",
    ),
    (
        "O'Brien & Sons tea towel",
        895,
        "Irish linen, woven by O'Brien & Sons.",
        "towel.svg",
    ),
    (
        "Select Ceylon tea, 250 g",
        640,
        "Loose leaf from high grown gardens.",
        "tea.svg",
    ),
    (
        "Poster -- the long dash",
        1500,
        "Letterpress; for those who write -- and like it.",
        "poster.svg",
    ),
    (
        "Cotton tote, 100% organic",
        1100,
        "Holds two loaves and/or a laptop.",
        "tote.svg",
    ),
    (
        "Drop-leaf table",
        18900,
        "A table for two or, where 1 = 1 too many, for four.",
        "table.large.svg",
    ),
    (
        "Rock 'n' roll teapot",
        3400,
        "Stoneware; pours without a drip.",
        "teapot.svg",
    ),
    (
        "Yorkshire honey; set",
        1975,
        "Three jars: heather, clover, lime.",
        "honey..set.svg",
    ),
    (
        "Order book, A5",
        780,
        "Group your orders by date; 96 pages.",
        "book.svg",
    ),
    (
        "Cat bed",
        4200,
        "For cats who echo through the house at night.",
        "cat bed.svg",
    ),
];

/// Creates the tables and fills them.
pub(crate) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA)?;
    for (name, price, description, image) in PRODUCTS {
        connection.execute(
            "INSERT INTO products (name, price, description, image) VALUES (?, ?, ?, ?)",
            (name, price, description, image),
        )?;
    }
    let users = [
        ("Shop administrator", ADMIN, true),
        ("Alice", CUSTOMER, false),
    ];
    for (name, account, is_admin) in users {
        connection.execute(
            "INSERT INTO users (email, display_name, password_hash, is_admin)
             VALUES (?, ?, ?, ?)",
            (
                account.email,
                name,
                password_hash(account.password),
                is_admin,
            ),
        )?;
    }
    connection.execute_batch(
        "INSERT INTO orders (id, user_id, total, coupon) VALUES
            (1001, 2, 1250, NULL), (1002, 2, 2690, 'WELCOME10');",
    )
}

/// A password as it is stored.
pub(crate) fn password_hash(password: &str) -> String {
    let mut text = HASH.to_owned();
    for byte in Sha256::digest(password.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The instance's files: path and text.
pub(crate) fn files() -> Vec<(String, String)> {
    let fixed = [
        (
            "private/settings.ini",
            format!("[payments]\n{SECRET}\n[mail]\nhost=mail.internal\n"),
        ),
        ("static/site.v1.2.css", STYLE.to_owned()),
        (
            "static/docs/size guide.txt",
            "Mugs hold 350 ml. Towels are 48 x 74 cm.\n".to_owned(),
        ),
        (
            "static/docs/terms...and-conditions.txt",
            "Returns within 30 days.\n".to_owned(),
        ),
        (
            "static/docs/100% cotton.txt",
            "Wash at 40 degrees.\n".to_owned(),
        ),
    ];
    let fixed = fixed.map(|(path, text)| (path.to_owned(), text));
    let images = PRODUCTS.iter().enumerate().map(|(index, product)| {
        let (name, _, _, file) = product;
        (format!("static/images/{file}"), picture(index, name))
    });
    fixed.into_iter().chain(images).collect()
}

/// A coloured tile with the product's initial.
fn picture(index: usize, name: &str) -> String {
    let hue = index * 36;
    let initial: String = name.chars().take(1).collect();
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120">
<rect width="160" height="120" rx="6" fill="hsl({hue} 45% 88%)"/>
<circle cx="80" cy="60" r="36" fill="hsl({hue} 45% 62%)"/>
<text x="80" y="74" font-family="Georgia" font-size="40" fill="white" text-anchor="middle">{initial}</text>
</svg>
"#
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#222;margin:0}
header,main,footer{max-width:60rem;margin:auto;padding:1rem}
header{display:flex;gap:1.5rem;align-items:center;border-bottom:1px solid #ddd}
header b{font:1.4rem Georgia,serif;flex:1}header form{display:inline}
footer{color:#777;border-top:1px solid #ddd;font-size:.85rem}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1rem}
.card{border:1px solid #e5e5e5;border-radius:8px;padding:1rem}.card img{width:100%}
table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #eee;text-align:left}
pre{background:#f6f6f6;padding:1rem}a{color:#165a8a}
";
