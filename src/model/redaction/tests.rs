//! Every form of a secret that a server can send back, and texts that must stay as they are.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const SECRETS: [&str; 6] = ["tok/EN+secret=9\"x&y", "tenant secret/42+", "pässwörd/9\"<é>", "key%2Fsecret 77/a", "back\\slash\\9", "s3cr"];

fn percent(text: &str, all: bool, upper: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() && !all => char::from(byte).to_string(),
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        })
        .collect()
}

fn by_char(text: &str, all: bool, form: impl Fn(char) -> String) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() && !all { c.to_string() } else { form(c) }).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a text");
    quoted[1..quoted.len() - 1].to_owned()
}

fn units(c: char, upper: bool) -> String {
    let mut units = [0; 2];
    let unit = |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    c.encode_utf16(&mut units).iter().map(unit).collect()
}

fn bytewise(text: &str, all: bool, between: &str, form: impl Fn(u8) -> String) -> String {
    let byte = |byte: u8| if byte.is_ascii_alphanumeric() && !all { char::from(byte).to_string() } else { form(byte) };
    text.bytes().map(byte).collect::<Vec<_>>().join(between)
}

fn wrapped(text: &str, width: usize, end: &str) -> String {
    text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join(end)
}

/// As `hexdump -C` and `xxd` print it.
fn dump(text: &str, is_in_words: bool) -> String {
    let lines = text.as_bytes().chunks(16).enumerate().map(|(line, bytes)| {
        let shown: String = bytes.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if is_in_words {
            format!("{:08x}: {}  {shown}", line * 16, hex.chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join(" "))
        } else {
            format!("{:08x}  {}  {}  |{shown}|", line * 16, hex[..hex.len().min(8)].join(" "), hex[hex.len().min(8)..].join(" "))
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
    let digit = |bits: &[u8]| {
        let bits = format!("{:0<5}", String::from_utf8_lossy(bits));
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from_str_radix(&bits, 2).expect("bits")])
    };
    bits.as_bytes().chunks(5).map(digit).collect()
}

fn base85(bytes: &[u8]) -> String {
    let group = |bytes: &[u8]| {
        let mut whole = [0; 4];
        whole[..bytes.len()].copy_from_slice(bytes);
        let whole = u32::from_be_bytes(whole);
        let digits: String = (0..5).rev().map(|place| char::from(b'!' + (whole / 85_u32.pow(place) % 85) as u8)).collect();
        digits[..=bytes.len()].to_owned()
    };
    bytes.chunks(4).map(group).collect()
}

/// One secret in all forms, with their names.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let named = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '/' => "&sol;".to_owned(),
        '+' => "&plus;".to_owned(),
        'ä' => "&auml;".to_owned(),
        'ö' => "&ouml;".to_owned(),
        'é' => "&eacute;".to_owned(),
        c => c.to_string(),
    };
    vec![
        ("as it is", secret.to_owned()),
        ("JSON", json(secret)),
        ("JSON of PHP", json(secret).replace('/', "\\/")),
        ("JSON, lower \\u", by_char(secret, false, |c| units(c, false))),
        ("JSON, upper \\u", by_char(secret, true, |c| units(c, true))),
        ("JSON in JSON", json(&json(secret).replace('/', "\\/"))),
        ("JSON \\u in JSON", json(&by_char(secret, false, |c| units(c, false)))),
        ("JavaScript", by_char(secret, false, |c| format!("\\u{{{:x}}}", u32::from(c)))),
        (
            "bytes of Python",
            secret
                .bytes()
                .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("\\x{byte:02x}") })
                .collect(),
        ),
        ("URL", percent(secret, false, true)),
        ("URL, lower", percent(secret, false, false)),
        ("URL, all", percent(secret, true, true)),
        ("form", percent(secret, false, true).replace("%20", "+")),
        ("URL twice", percent(&percent(secret, false, true), false, true)),
        ("URL in JSON", json(&percent(secret, false, true))),
        ("JSON in URL", percent(&json(secret), false, false)),
        ("URL, read", percent_encoding::percent_decode_str(secret).decode_utf8_lossy().into_owned()),
        ("HTML", by_char(secret, false, named)),
        ("HTML, decimal", by_char(secret, false, |c| format!("&#{};", u32::from(c)))),
        ("HTML, hexadecimal", by_char(secret, true, |c| format!("&#x{:X};", u32::from(c)))),
        ("HTML in JSON", json(&by_char(secret, false, |c| format!("&#{};", u32::from(c)))).replace('/', "\\/")),
        ("JSON in HTML", by_char(&json(secret), false, named)),
        ("base64", STANDARD.encode(secret)),
        ("base64, shifted", STANDARD.encode(format!("x{secret}yz"))),
        ("base64, shifted by two", STANDARD.encode(format!("xy{secret}"))),
        ("base64url", URL_SAFE_NO_PAD.encode(format!("user:{secret}"))),
        ("base64 in JSON of PHP", STANDARD.encode(format!("?{secret}")).replace('/', "\\/")),
        ("base64 in URL", percent(&STANDARD.encode(format!("?{secret}")), false, true)),
        ("JSON in base64", STANDARD.encode(format!("{{\"a\":\"{}\"}}", json(secret).replace('/', "\\/")))),
        ("hexadecimal", secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()),
        ("as Latin-1", secret.bytes().map(char::from).collect()),
        ("as Latin-1 in JSON", by_char(&secret.bytes().map(char::from).collect::<String>(), false, |c| units(c, false))),
        ("URL of 16 bits", by_char(secret, true, |c| units(c, true).replace("\\u", "%u"))),
        ("URL of 16 bits, lower", by_char(secret, false, |c| units(c, false).replace("\\u", "%u"))),
        ("URL three times", percent(&percent(&percent(secret, false, true), false, false), false, true)),
        ("JSON in JSON in JSON", json(&json(&json(secret)))),
        ("JSON \\u in JSON in JSON", json(&json(&by_char(secret, true, |c| units(c, true))))),
        ("HTML without its end", by_char(secret, true, |c| format!("&#{}", u32::from(c)))),
        ("HTML with zeros", by_char(secret, true, |c| format!("&#{:08};", u32::from(c)))),
        ("HTML, hexadecimal with zeros", by_char(secret, false, |c| format!("&#X{:08x};", u32::from(c)))),
        ("HTML in HTML", by_char(secret, false, |c| format!("&amp;#{};", u32::from(c)))),
        ("quoted-printable", bytewise(secret, true, "", |byte| format!("={byte:02X}"))),
        ("quoted-printable, folded", bytewise(secret, true, "=\r\n", |byte| format!("={byte:02X}"))),
        ("octal", bytewise(secret, true, "", |byte| format!("\\{byte:03o}"))),
        ("octal in JSON", json(&bytewise(secret, true, "", |byte| format!("\\{byte:03o}")))),
        ("CSS", by_char(secret, true, |c| format!("\\{:x} ", u32::from(c)))),
        ("CSS, six digits", by_char(secret, false, |c| format!("\\{:06x}", u32::from(c)))),
        ("LDAP", bytewise(secret, true, "", |byte| format!("\\{byte:02x}"))),
        ("eight digits", by_char(secret, true, |c| format!("\\U{:08x}", u32::from(c)))),
        ("hexadecimal, upper", bytewise(secret, true, "", |byte| format!("{byte:02X}"))),
        ("hexadecimal, 0x", format!("0x{}", bytewise(secret, true, "", |byte| format!("{byte:02x}")))),
        ("colons", bytewise(secret, true, ":", |byte| format!("{byte:02x}"))),
        ("blanks", bytewise(secret, true, " ", |byte| format!("{byte:02X}"))),
        ("dashes", bytewise(secret, true, "-", |byte| format!("{byte:02X}"))),
        ("a row of 0x", bytewise(secret, true, ", ", |byte| format!("0x{byte:02x}"))),
        (
            "words of two bytes",
            bytewise(secret, true, "", |byte| format!("{byte:02x}"))
                .as_bytes()
                .chunks(4)
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>()
                .join(" "),
        ),
        (
            "code points",
            if secret.is_ascii() {
                secret.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect::<Vec<_>>().join(" ")
            } else {
                secret.to_owned()
            },
        ),
        ("a list of bytes", format!("[{}]", bytewise(secret, true, ",", |byte| byte.to_string()))),
        ("a list over lines", format!("[\n{}\n]", bytewise(secret, true, ",\n        ", |byte| byte.to_string()))),
        ("a list in JSON", json(&bytewise(secret, true, ",\n        ", |byte| byte.to_string()))),
        ("a list of signed bytes", format!("[{}]", bytewise(secret, true, ", ", |byte| (byte as i8).to_string()))),
        (
            "an array's members",
            format!("{{{}}}", secret.bytes().enumerate().map(|(at, byte)| format!("\"{at}\":{byte}")).collect::<Vec<_>>().join(",")),
        ),
        ("octal numbers", bytewise(secret, true, " ", |byte| format!("{byte:03o}"))),
        ("binary numbers", bytewise(secret, true, " ", |byte| format!("{byte:08b}"))),
        ("binary", bytewise(secret, true, "", |byte| format!("{byte:08b}"))),
        ("a dump", dump(secret, false)),
        ("a dump of words", dump(secret, true)),
        ("a dump in JSON", json(&dump(secret, false))),
        ("base64, not filled", STANDARD.encode(secret).replace('=', "")),
        ("base64 of an account", STANDARD.encode(format!("bob:{secret}"))),
        ("base64 in base64", STANDARD.encode(STANDARD.encode(secret))),
        ("base64 in base64 of more", URL_SAFE_NO_PAD.encode(format!("x={}", STANDARD.encode(format!("user:{secret}"))))),
        ("base64 three times", STANDARD.encode(STANDARD.encode(STANDARD.encode(secret)))),
        ("base64 in lines", wrapped(&STANDARD.encode(secret), 8, "\r\n")),
        ("base64 in lines in JSON", json(&wrapped(&STANDARD.encode(format!("?{secret}")), 7, "\n"))),
        ("base64 of base64 in lines", STANDARD.encode(wrapped(&STANDARD.encode(secret), 8, "\r\n"))),
        ("hexadecimal of base64", STANDARD.encode(secret).bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()),
        (
            "base64 of UTF-16",
            if secret.chars().all(|c| u32::from(c) < 256) {
                STANDARD.encode(secret.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())
            } else {
                secret.to_owned()
            },
        ),
        ("base64 of JSON of JSON", STANDARD.encode(json(&json(&by_char(secret, false, |c| units(c, false)))))),
        ("base32", base32(secret.as_bytes())),
        ("base32, lower, shifted", base32(format!("xyz{secret}").as_bytes()).to_lowercase()),
        ("base32 in lines", wrapped(&base32(secret.as_bytes()), 8, "\n")),
        ("ascii85", format!("<~{}~>", base85(secret.as_bytes()))),
        ("ascii85 in JSON", if secret.len() < 8 { secret.to_owned() } else { json(&base85(format!("ab{secret}").as_bytes())) }),
        (
            "spaced out",
            if secret.len() < ANY_CASE_FROM { secret.to_owned() } else { secret.chars().map(String::from).collect::<Vec<_>>().join(" ") },
        ),
        ("upper case", if secret.len() < ANY_CASE_FROM { secret.to_owned() } else { secret.to_ascii_uppercase() }),
    ]
}

/// What may be left of a secret: nothing that is longer than three of its characters.
fn leaves_nothing(told: &str, form: &str) -> bool {
    let (told, chars) = (told.replace(STRUCK, ""), form.chars().collect::<Vec<char>>());
    // A dump's first address is not part of it.
    let is_address = |part: &[char]| part.iter().all(|c| matches!(c, '0' | ' ' | ':'));
    chars.windows(6.min(chars.len())).filter(|part| !is_address(part)).all(|part| !told.contains(&part.iter().collect::<String>()))
}

#[test]
fn a_secret_is_struck_out_in_every_form_in_which_a_server_repeats_it() {
    let redaction = Redaction::of(SECRETS.map(str::to_owned));
    for secret in SECRETS {
        for (name, form) in forms(secret) {
            for (before, after) in
                [("", ""), ("no job for '", "' here"), ("{\"you\": \"", "\", \"n\": 7}"), ("/jobs/7?key=", "&n=1"), ("ünï ", " ñ")]
            {
                let told = redaction.clean(format!("{before}{form}{after}"));
                assert!(told.contains(STRUCK) && leaves_nothing(&told, &form), "{secret} as {name}: {form}\n{told}");
                assert_eq!(redaction.excerpt(format!("{before}{form}{after}").as_bytes(), 4096), told, "{secret} as {name}");
            }
        }
    }
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    let redaction = Redaction::of(SECRETS.map(str::to_owned));
    for text in [
        "",
        "j-1",
        "6f1de3a1-1c22-4f4e-9d57-a2b7b5e0c9d4",
        "{\"error\": \"no such job\", \"id\": \"j%2F1\", \"key\": \"status\", \"state\": \"running\"}",
        "<html><body>Not &amp; found: /jobs/7?page=2&sort_key=age</body></html>",
        "C:\\users\\x \\u00e4 \\ud83d\\ude00 100 % &c; & +",
        "1.1 varnish, HIT, age 7",
        "see http://10.0.0.1:8080/x@y and mailto:me@example.com, at 12:30",
        "Basic authentication is needed, or a bearer token",
        "aGVsbG8gd29ybGQsIHRoaXMgaXMgbm8gc2VjcmV0IGF0IGFsbA==",
    ] {
        assert_eq!(redaction.clean(text.to_owned()), text);
        assert_eq!(redaction.excerpt(text.as_bytes(), 4096), text);
    }
}

#[test]
fn a_credential_of_the_targets_own_is_known_by_its_name() {
    let redaction = Redaction::default();
    for text in [
        "{\"error\": \"x\", \"access_token\": \"S9SECRET\"}",
        "{\"error\": \"x\", \"refreshToken\" : \"S9\\\"SECRET\", \"n\": 1}",
        "{\\\"session\\\":\\\"S9SECRET\\\"}",
        "{'client_secret': 'S9SECRET'}",
        "{\"url\":\"https://b.example/o?X-Amz-Expires=60&X-Amz-Signature=S9SECRET&x=1\"}",
        "{\"url\":\"https://b.example/o?x=1\\u0026sig=S9SECRET\"}",
        "<a href=\"/o?x=1&amp;token=S9SECRET\">",
        "moved to https://b.example/o?key=S9SECRET",
        "redirect=https%3A%2F%2Fb.example%2Fo%3Fsig%3DS9SECRET%26x",
        "grant_type=x&access_token=S9SECRET",
        "<AccessToken>S9SECRET</AccessToken>",
        "use Bearer S9SECRETS9SECRET",
        "https://bob:S9SECRET@b.example/o",
        "git+ssh://S9SECRET@b.example/o",
        "Set-Cookie: sid=S9SECRET; Path=/",
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.S9SECRET-x_y",
    ] {
        let told = redaction.clean(text.to_owned());
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn nothing_of_a_secret_is_left_at_an_excerpts_end() {
    let secret = "abcd/fghij".repeat(30);
    let redaction = Redaction::of([secret.clone()]);
    for form in [secret.clone(), secret.replace('/', "\\u002F"), secret.replace('/', "%252F")] {
        for shift in (0..40).step_by(13).chain((40..700).step_by(310)).chain((16_000..16_500).step_by(161)).chain(16_380..16_388) {
            let body = "x".repeat(shift) + &format!("{form} ").repeat(60);
            let kept = redaction.excerpt(body.as_bytes(), 2048);
            assert!(!kept.contains("abc") && !kept.contains("hij"), "{shift}: {kept}");
        }
    }
}

#[test]
fn addresses_are_told_without_passwords() {
    for (given, told) in [
        ("https://bob:hunter2@h/x", "https://bob:***@h/x"),
        ("HTTPS://bob:hunter2@h", "HTTPS://bob:***@h"),
        ("rediss:/u:pw@h", "rediss:/u:***@h"),
        ("redis://:a@b@h/0", "redis://:***@h/0"),
        ("redis:u:pw@h", "redis:***@h"),
        ("bob:hunter2@h", "bob:***@h"),
        ("redis//u:pw@h", "redis//u:***@h"),
        ("redis/u:pw@h/0", "redis/u:***@h/0"),
        ("//u:pw@h", "//u:***@h"),
        ("https://bob:pa/ss@h", "https://bob:***@h"),
        ("https://bob:pa ss@h", "https://bob:***@h"),
        ("https://token@h/x", "https://***@h/x"),
        ("http://h:1/x@y:z", "http://h:1/x@y:z"),
        ("http://h/x@y", "http://h/x@y"),
        ("me@example.com", "me@example.com"),
        ("mailto:me@example.com", "mailto:me@example.com"),
        ("no-address", "no-address"),
    ] {
        assert_eq!(without_password(given), told);
    }
    assert_eq!(without_query("https://u:p@h/x?X-Amz-Signature=1#f"), "https://u:***@h/x?…");
    assert_eq!(without_query("https://h/x"), "https://h/x");
}

#[test]
fn a_quoted_line_keeps_its_columns_and_loses_its_credentials() {
    for (line, told) in [
        ("base_url = \"https://bob:hunter2@h\"", "base_url = \"https://bob:*******@h\""),
        ("headers = { Authorization = 'Bearer s3cret{x}' }", "headers = { Authorization = 'Bearer *********' }"),
        ("headers = { \"X-Api-Key\" = \"s3cret\", Accept = 'a' }", "headers = { \"X-Api-Key\" = \"******\", Accept = 'a' }"),
        ("headers = \"Authorization: Bearer s3cret\"", "headers = \"Authorization: Bearer ******\""),
        ("headers = { Authorization = 'Bearer ${TOKEN}' }", "headers = { Authorization = 'Bearer ${TOKEN}' }"),
        ("headers = { Authorization = 'Bearer ${TOKEN:-s3cret}' }", "headers = { Authorization = 'Bearer ****************' }"),
        ("path = \"/jobs?api_key=s3cret&n={m}\"", "path = \"/jobs?api_key=******&n={m}\""),
        ("password = \"s3cret", "password = \"******"),
        ("user = [\"bob\"]", "user = [\"bob\"]"),
        ("pointer = \"/stats\"", "pointer = \"/stats\""),
    ] {
        assert_eq!(starred(line), told);
    }
}

#[test]
fn a_large_secret_is_struck_out_as_well() {
    assert!(NOTHING.is_match(b"x") && !NOTHING.is_match(b""));
    let large = "s3cret/".repeat(1000);
    assert_eq!(Redaction::of([large.clone()]).clean(format!("<{large}>")), "<[secret]>");
}

#[test]
fn a_short_secret_with_an_umlaut_is_struck_out_of_utf16_in_base64() {
    for secret in ["aAä0  ß0", "ßäöü", "x-ä-ö-ß-"] {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let form = STANDARD.encode(secret.encode_utf16().flat_map(bytes).collect::<Vec<_>>());
            let clean = Redaction::of([secret.to_owned()]).clean(format!("(({form}))"));
            assert!(clean.contains(STRUCK), "{secret}: {clean}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_can_be_read(text in "\\PC{0,200}", bytes in proptest::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\\%&#;ux0123abd{}+/=\"' ".to_vec())], 0..300)) {
        static REDACTION: LazyLock<Redaction> = LazyLock::new(|| Redaction::of(SECRETS.map(str::to_owned)));
        let redaction = &*REDACTION;
        let told = redaction.clean(text.clone());
        prop_assert_eq!(redaction.clean(told.clone()), told, "what is clean stays so");
        let _ = redaction.excerpt(&bytes, 50);
        let _ = (starred(&text), without_password(&text));
    }

    #[test]
    fn any_secret_is_struck_out_in_any_form(secret in "[ -~äöß€😀]{8,24}") {
        prop_assume!(secret.trim().len() == secret.len());
        let redaction = Redaction::of([secret.clone()]);
        // What a server decoded that was never encoded, and is then not text, is no longer the secret: a byte of it is lost.
        for (name, form) in forms(&secret).into_iter().filter(|(_, form)| !form.contains(char::REPLACEMENT_CHARACTER)) {
            let told = redaction.clean(format!("(({form}))"));
            prop_assert!(told.contains(STRUCK), "{} as {}: {} -> {}", secret, name, form, told);
        }
    }
}

#[test]
fn what_a_server_cut_off_is_struck_out_as_well() {
    let secret = "tok/EN+secret=9\"x&y";
    let redaction = Redaction::of([secret.to_owned()]);
    for kept in 8..secret.len() {
        let cut = &secret[..kept];
        for form in [cut.to_owned(), json(cut), percent(cut, false, true), by_char(cut, true, |c| units(c, true)), STANDARD.encode(cut)] {
            for text in [format!("no job for {form}"), format!("no job for '{form}...' here"), format!("no job for '{form}…' here")] {
                let told = redaction.clean(text.clone());
                assert!(told.contains(STRUCK) && leaves_nothing(&told, &form), "{text}\n{told}");
            }
        }
    }
    assert_eq!(redaction.clean("the tok/EN+s of it".to_owned()), "the tok/EN+s of it", "not cut off");
}

#[test]
fn most_of_a_secret_is_struck_out_whatever_stands_around_it() {
    let secret = "kQ7-pLx/Zr9w+Ud3mNb2=";
    let redaction = Redaction::of([secret.to_owned()]);
    let most = secret.len() * 6 / 10 + 1;
    for length in most..=secret.len() {
        for start in 0..=secret.len() - length {
            let piece = &secret[start..start + length];
            for form in [piece.to_owned(), json(piece).replace('/', "\\/"), percent(piece, false, true), STANDARD.encode(piece)] {
                for text in [format!("{{\"echo\": \"{form}\", "), format!("no job for {form} here"), form.clone()] {
                    let told = redaction.clean(text.clone());
                    assert!(told.contains(STRUCK) && leaves_nothing(&told, &form), "{text}\n{told}");
                }
            }
        }
    }
    for kept in ["kQ7-pLx/Zr", "w+Ud3mNb2=", "9w+Ud3mN", "mNb2="] {
        let text = format!("the {kept} of it");
        assert_eq!(redaction.clean(text.clone()), text, "too little of it");
    }
    for masked in ["***w+Ud3mNb2=", "...Ud3mNb2=", "kQ7-pLx/***", "xxxxUd3mNb2="] {
        let told = redaction.clean(format!("key '{masked}' is not valid"));
        assert!(told.contains(STRUCK) && !told.contains("Ud3") && !told.contains("kQ7"), "{masked}: {told}");
    }
    let beside = Redaction::of(["Bearer kQ7-pLx/Zr9w+Ud3mNb2=".to_owned()]);
    assert_eq!(beside.clean("no token kQ7-pLx/Zr9w+Ud3mNb2 here".to_owned()), "no token [secret] here");
    let short = Redaction::of(["s3cr+t/9".to_owned()]);
    assert_eq!(short.clean("the s3cr+t/ of it".to_owned()), "the s3cr+t/ of it", "a short one is all or nothing");
}

#[test]
fn a_large_text_is_read_in_steps_that_grow_with_it() {
    let redaction = Redaction::of(SECRETS.map(str::to_owned));
    let needles = redaction.needles.as_ref().expect("secrets");
    for unit in [
        "\\u0041",
        "\\\\u0041",
        "%2541",
        "%25252541",
        "&#65;",
        "&amp;amp;#65;",
        "=41",
        "\\101",
        "4b ",
        "4b:5a,",
        "[75,101],",
        "QUJD",
        "QUJD\r\n",
        "MFRG",
        "<~87cUR~>",
        "00000010  4b 5a  |KZ|\n",
        "a b ",
        "\\",
        "%",
        "&",
        "=",
        "&#",
        "&#0",
        "[",
        "0",
        "1",
        "tok/EN+",
        "...",
        "s3c",
        "QVFVSkQ",
        "a%2b&amp;\\u0041=41 ",
        "<a href=\"/o?x=1&amp;y=%2F\">see\\n</a>\n",
    ] {
        let text = unit.repeat(8_192 / unit.len());
        let work = Search::through(text.as_bytes(), needles).work;
        assert!(work < 300 * text.len(), "{unit:?}: {} bytes read for each", work / text.len());
        assert_eq!(redaction.clean(text.clone()), text, "{unit:?}");
    }
}
