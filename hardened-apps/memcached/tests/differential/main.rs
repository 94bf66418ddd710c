//! The same random commands to this server and to stock memcached 1.6.18: the same replies.
//!
//! 1. Both are started with one thread, so that their unique identifiers are given out in order.
//! 2. A batch of commands, valid and broken, goes to each over a connection of its own, whose
//!    sending side is closed then; all that comes back until the end is the reply.
//! 3. Replies are compared after what must differ is made equal: the version, and times that the
//!    two clocks may see a second apart.
//!
//! `ASC_DIFFERENTIAL_SEED` repeats a run, `ASC_DIFFERENTIAL_COMMANDS` makes it longer. memcached
//! must be installed (Debian's package of that name): without it the test fails.

mod binary;
mod meta;
mod normal;
mod peer;
mod random;
mod text;

use peer::Peer;
use random::Random;

/// Commands in a batch.
const BATCH: usize = 40;
/// Commands of a run that was not asked to be longer.
const COMMANDS: usize = 20_000;

#[test]
fn replies_are_those_of_memcached() {
    let seed = number("ASC_DIFFERENTIAL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let commands = number("ASC_DIFFERENTIAL_COMMANDS").map_or(COMMANDS, |number| number as usize);
    println!("ASC_DIFFERENTIAL_SEED={seed} ASC_DIFFERENTIAL_COMMANDS={commands}");
    let mut random = Random::with_seed(seed);
    let (stock, own) = (Peer::stock(), Peer::own());
    for batch in 0..commands.div_ceil(BATCH) {
        let commands: Vec<Vec<u8>> = match random.below(4) {
            0 => (0..BATCH).map(|_| meta::command(&mut random)).collect(),
            1 => (0..BATCH).map(|_| binary::command(&mut random)).collect(),
            _ => (0..BATCH).map(|_| text::command(&mut random)).collect(),
        };
        let request = commands.concat();
        let replies = [&stock, &own].map(|peer| normal::normalised(&peer.converse(&request)));
        assert!(
            replies[0] == replies[1],
            "batch {batch} of seed {seed}\n{}",
            difference(&commands, &replies)
        );
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text}, not a number")),
    )
}

/// Where the replies part, and the commands.
fn difference(commands: &[Vec<u8>], [stock, own]: &[Vec<u8>; 2]) -> String {
    const SHOWN: usize = 200;
    let same = stock.iter().zip(own).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let start = same.saturating_sub(SHOWN);
        bytes[start..bytes.len().min(same + SHOWN)]
            .escape_ascii()
            .to_string()
    };
    let mut text = format!("memcached: {}\nthis:      {}\n", around(stock), around(own));
    for command in commands {
        let shown = &command[..command.len().min(SHOWN)];
        text += &format!("    {}\n", shown.escape_ascii());
    }
    text
}
