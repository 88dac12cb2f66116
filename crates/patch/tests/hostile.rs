//! Bytes that nobody meant as a document or a request.

use patch::{Request, Source};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,400}") {
        let _ = Source::parse("p", &text);
    }

    #[test]
    fn no_change_of_a_document_makes_it_panic(at in 0_usize..1200, with in "[\\PC\n]{0,12}", cut in 0_usize..40) {
        let good = include_str!("../testdata/patches/every-rule.yaml");
        let start = good.floor_char_boundary(at.min(good.len()));
        let end = good.floor_char_boundary((at + cut).min(good.len()));
        let text = format!("{}{with}{}", &good[..start], &good[end..]);
        if let Ok(source) = Source::parse("p", &text) {
            let _ = patch::explain(&source);
        }
    }

    #[test]
    fn no_bytes_make_the_request_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(request) = Request::from_raw(&bytes) {
            let _ = patch::evasions(&request);
        }
    }

    /// What is read is what goes over the wire, chunked or not.
    #[test]
    fn a_request_survives_the_wire(body in proptest::collection::vec(any::<u8>(), 0..50), chunked: bool) {
        let mut request = Request::from_raw(b"POST /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        request.body = body;
        request.chunked = chunked;
        prop_assert_eq!(Request::from_raw(&request.wire()).unwrap(), request);
    }
}
