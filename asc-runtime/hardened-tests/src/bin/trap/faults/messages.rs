//! Requests and replies.

use std::hint::black_box;

use asc_hardened_tests::unseen::{armed, flip, in_second_run, second_run};
use asc_message::Message;
use asc_runtime::{Address, Input, Output, asc_handler};

use super::Fault;

pub(super) const FAULTS: &[Fault] = &[
    ("input_before_first_run", input_before),
    ("input_between_runs", input_between),
    ("input_checksum", input_checksum),
    ("input_after_its_last_use", input_after),
    ("message_at_rest", message_at_rest),
    ("output_byte", output_byte),
    ("output_byte_of_many", output_byte_of_many),
    ("output_longer", output_longer),
    ("output_shorter", output_shorter),
    ("output_missing", output_missing),
    ("output_elsewhere", output_elsewhere),
    ("output_to_another_peer", output_to_another_peer),
    ("output_for_another_request", output_for_another_request),
    ("output_address_damaged", output_address_damaged),
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

/// A request is damaged when neither run will look at it again.
fn input_after() {
    #[asc_handler]
    fn handler(request: &Input<'_>, target: usize, reply: &mut Output) {
        reply.write(request.bytes());
        if second_run() {
            // SAFETY: the address of a live byte.
            unsafe { flip(std::ptr::with_exposed_provenance_mut(target), 1) };
        }
    }
    let mut bytes = *b"get key\r\n";
    let target = (&raw mut bytes[4]).expose_provenance();
    handler(&Input::seal(&bytes), target, &mut Output::new());
}

/// A message is damaged between its arrival and its handler.
fn message_at_rest() {
    let message = Message::seal(Address::new(1, 2), b"set key 0 0 5".to_vec());
    let target = message.input().bytes().as_ptr().cast_mut();
    // SAFETY: a live byte, which the handler reads through the runtime.
    unsafe { flip(target.wrapping_add(7), 0x10) };
    answer(&message.input(), &mut Output::new());
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

/// Long pieces are compared by other code than short ones.
fn output_byte_of_many() {
    #[asc_handler]
    fn handler(value: &[u8; 1081], reply: &mut Output) {
        let mut value = *value;
        value[700] ^= in_second_run(second_run(), 0, 0x20) as u8;
        reply.write(&value);
    }
    handler(&[b'v'; 1081], &mut Output::new());
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

const ADDRESS: Address = Address::new(0x1234_5678_9ABC_DEF0, 3);

/// An output for [`ADDRESS`] with a reply in it.
fn addressed() -> Output {
    let mut reply = Output::new();
    reply.address(ADDRESS);
    answer(&Input::seal(b"a right answer"), &mut reply);
    assert_eq!(reply.bytes_for(ADDRESS), b"a right answer");
    reply
}

/// The number of a connection is damaged: the answer would go to somebody else.
fn output_to_another_peer() {
    let peer = in_second_run(armed(), 3, 2);
    drop(Message::answer(
        &addressed(),
        Address::new(ADDRESS.request, peer),
    ));
}

/// Two answers for one peer change places.
fn output_for_another_request() {
    let request = in_second_run(armed(), ADDRESS.request, ADDRESS.request + 1);
    let reply = addressed();
    black_box(reply.bytes_for(Address::new(request, 3)));
}

/// What the output itself knows about its peer is damaged.
fn output_address_damaged() {
    let reply = addressed();
    // SAFETY: an output is one pointer, to memory of which far more than this is mapped.
    let state = unsafe { (&raw const reply).cast::<*mut u64>().read() };
    let at = (0..64)
        // SAFETY: as above.
        .find(|&index| unsafe { state.wrapping_add(index).read() } == ADDRESS.request)
        .expect("the address is somewhere in there");
    // SAFETY: as above.
    unsafe { flip(state.wrapping_add(at).cast(), 1) };
    drop(Message::answer(&reply, ADDRESS));
}
