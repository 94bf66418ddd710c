//! Requests and replies.

use asc_hardened_tests::unseen::{flip, in_second_run, second_run};
use asc_runtime::{Input, Output, asc_handler};

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("input_before_first_run", input_before),
    ("input_between_runs", input_between),
    ("input_checksum", input_checksum),
    ("output_byte", output_byte),
    ("output_longer", output_longer),
    ("output_shorter", output_shorter),
    ("output_missing", output_missing),
    ("output_elsewhere", output_elsewhere),
];

#[asc_handler]
fn answer(request: &Input<'_>, reply: &mut Output) {
    reply.write(request.bytes());
}

/// A request is damaged after it was sealed.
fn input_before() {
    let mut bytes = *b"set key 0 0 5\r\nvalue\r\n";
    let target = &raw mut bytes[17];
    let request = Input::seal(&bytes);
    // SAFETY: a live byte; the request is read through assembly-proof references afterwards.
    unsafe { flip(target, 8) };
    answer(&request, &mut Output::new());
}

/// A request is damaged between the runs.
fn input_between() {
    #[asc_handler]
    fn handler(request: &Input<'_>, target: usize, reply: &mut Output) {
        if second_run() {
            // SAFETY: the address of a live byte.
            unsafe { flip(std::ptr::with_exposed_provenance_mut(target), 1) };
        }
        reply.write(request.bytes());
    }
    let mut bytes = *b"get key\r\n";
    let target = (&raw mut bytes[4]).expose_provenance();
    handler(&Input::seal(&bytes), target, &mut Output::new());
}

/// The checksum is damaged instead.
fn input_checksum() {
    let bytes = *b"get key\r\n";
    let mut request = Input::seal(&bytes);
    let end = size_of_val(&request) - size_of::<u64>();
    // SAFETY: inside the request; its checksum is its last field, before padding.
    unsafe { flip((&raw mut request).cast::<u8>().wrapping_add(end), 0x40) };
    answer(&request, &mut Output::new());
}

fn output_byte() {
    #[asc_handler]
    fn handler(reply: &mut Output) {
        let second = second_run();
        reply.write(b"VALUE ");
        reply.write(&in_second_run(second, 7, 7 | 1 << 40).to_le_bytes());
    }
    handler(&mut Output::new());
}

fn output_longer() {
    #[asc_handler]
    fn handler(reply: &mut Output) {
        let second = second_run();
        reply.write(b"STORED\r\n");
        reply.write(&b"STORED\r\n"[..in_second_run(second, 0, 8) as usize]);
    }
    handler(&mut Output::new());
}

fn output_shorter() {
    #[asc_handler]
    fn handler(reply: &mut Output) {
        let second = second_run();
        reply.write(&b"STORED\r\n"[..in_second_run(second, 8, 6) as usize]);
    }
    handler(&mut Output::new());
}

fn output_missing() {
    #[asc_handler]
    fn handler(reply: &mut Output) {
        if !second_run() {
            reply.write(b"STORED\r\n");
        }
    }
    handler(&mut Output::new());
}

fn output_elsewhere() {
    #[asc_handler]
    fn handler(first: &mut Output, second: &mut Output) {
        let reply = if second_run() { second } else { first };
        reply.write(b"STORED\r\n");
    }
    handler(&mut Output::new(), &mut Output::new());
}
