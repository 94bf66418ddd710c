//! A C library that changes protected memory: zstd's compression context lives there, and its code is
//! nobody's but the C compiler's. Each backend runs it twice per message, compares and commits.

mod support;

use std::hint::black_box;

use asc_alloc::AscAlloc;
use asc_alloc::page::{Builder, Session};
use support::{backends, cases};
use zstd_sys as zstd;

#[global_allocator]
static ALLOC: AscAlloc = AscAlloc::new();

const LEVEL: i32 = 3;
const MESSAGES: usize = 40;
const MESSAGE_BYTES: usize = 6_000;
const OUTPUT_BYTES: usize = 1 << 20;

/// A compressor whose context and output are protected memory.
struct Compressor {
    context: *mut zstd::ZSTD_CCtx,
    _workspace: Vec<u64>,
    output: Vec<u8>,
    written: usize,
}

impl Compressor {
    fn new() -> Self {
        // SAFETY: computes a size.
        let bytes = unsafe { zstd::ZSTD_estimateCStreamSize(LEVEL) };
        let mut workspace = vec![0u64; bytes.div_ceil(8)];
        // SAFETY: the workspace is that long, aligned to 8 and lives as long as the context.
        let context = unsafe { zstd::ZSTD_initStaticCStream(workspace.as_mut_ptr().cast(), bytes) };
        assert!(!context.is_null());
        let parameter = zstd::ZSTD_cParameter::ZSTD_c_compressionLevel;
        // SAFETY: the context is live.
        let status = unsafe { zstd::ZSTD_CCtx_setParameter(context, parameter, LEVEL) };
        // SAFETY: looks at a number.
        assert_eq!(unsafe { zstd::ZSTD_isError(status) }, 0);
        Self {
            context,
            _workspace: workspace,
            output: vec![0; OUTPUT_BYTES],
            written: 0,
        }
    }

    /// Compresses a message to the end of the output. Not inlined: a rollback changes the compressor.
    #[inline(never)]
    fn add(&mut self, message: &[u8], directive: zstd::ZSTD_EndDirective) {
        let mut input = zstd::ZSTD_inBuffer {
            src: message.as_ptr().cast(),
            size: message.len(),
            pos: 0,
        };
        let mut output = zstd::ZSTD_outBuffer {
            dst: self.output.as_mut_ptr().cast(),
            size: self.output.len(),
            pos: self.written,
        };
        // SAFETY: context and both buffers are live.
        let left = unsafe {
            zstd::ZSTD_compressStream2(self.context, &raw mut output, &raw mut input, directive)
        };
        assert_eq!((left, input.pos), (0, message.len()));
        self.written = output.pos;
    }
}

/// Text that compresses, different in each message.
fn message(number: usize) -> Vec<u8> {
    let words = [
        "vote", "commit", "quorum", "view", "snapshot", "log", "leader", "term",
    ];
    let mut text = String::new();
    let mut state = number as u64 * 0x9e37_79b9 + 1;
    while text.len() < MESSAGE_BYTES {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(number as u64);
        text.push_str(words[(state >> 61) as usize]);
        text.push(' ');
    }
    text.into_bytes()
}

#[test]
fn a_c_library_runs_twice_on_every_backend() {
    for backend in backends::offered("case_starts") {
        let output = backends::child(backend, "case_compresses");
        let said = cases::text(&output);
        assert!(output.status.success(), "{backend}: {said}");
        assert!(said.contains("pages changed"), "{backend}: {said}");
    }
}

#[test]
fn every_case_is_run() {
    cases::demand_all_are_run(&[include_str!("c_library.rs")]);
}

#[test]
#[ignore = "run as a child per backend"]
fn case_starts() {
    backends::demand(Builder::new().start());
}

#[test]
#[ignore = "run as a child per backend"]
fn case_compresses() {
    backends::demand(Builder::new().start());
    let mut compressor = ALLOC.protected(|| Box::new(Compressor::new()));
    let (mut pages, mut plain) = (0, Vec::new());
    for number in 0..MESSAGES {
        let text = message(number);
        let directive = if number + 1 == MESSAGES {
            zstd::ZSTD_EndDirective::ZSTD_e_end
        } else {
            zstd::ZSTD_EndDirective::ZSTD_e_flush
        };
        if number % 4 == 3 {
            a_flipped_bit_is_found(&mut compressor, &text, directive);
        }
        let before = black_box(&compressor).written;
        let mut session = begin();
        black_box(&mut compressor).add(&text, directive);
        pages += session.dirty_pages().count();
        session.capture();
        session.restore().expect("restored");
        assert_eq!(black_box(&compressor).written, before);
        black_box(&mut compressor).add(&text, directive);
        session.compare().expect("zstd is deterministic");
        session.commit();
        plain.extend(text);
    }
    assert!(pages > 2 * MESSAGES);
    println!("{pages} pages changed in {MESSAGES} messages");
    assert!(decompress(&compressor.output[..compressor.written], plain.len()) == plain);
}

/// A second run from a damaged context is found, and rolled back.
fn a_flipped_bit_is_found(
    compressor: &mut Compressor,
    text: &[u8],
    directive: zstd::ZSTD_EndDirective,
) {
    let before = black_box(&compressor).written;
    let mut session = begin();
    black_box(&mut *compressor).add(text, directive);
    session.capture();
    session.restore().expect("restored");
    black_box(&mut *compressor).add(text, directive);
    black_box(&mut *compressor).output[before + 20] ^= 4;
    let difference = session.compare().expect_err("a bit was flipped");
    assert_eq!(
        difference.address,
        compressor.output[before + 20..].as_ptr().addr()
    );
    assert_eq!(difference.expected ^ difference.found, 4);
    session.roll_back().expect("restored");
    assert_eq!(black_box(&compressor).written, before);
}

fn decompress(compressed: &[u8], bytes: usize) -> Vec<u8> {
    let mut plain = vec![0; bytes];
    // SAFETY: both buffers are live and that long.
    let status = unsafe {
        zstd::ZSTD_decompress(
            plain.as_mut_ptr().cast(),
            plain.len(),
            compressed.as_ptr().cast(),
            compressed.len(),
        )
    };
    assert_eq!(status, bytes);
    plain
}

/// A session; what it restores is looked at through `black_box` only.
fn begin() -> Session {
    // SAFETY: as said above.
    unsafe { Session::begin() }.expect("none is open")
}
