//! Closures that are called once: in the first run, and after the commit.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::rc::Rc;

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::page_mode::ordinary;
use asc_hardened_tests::random::Random;
use asc_runtime::{after_commit, effect};

use crate::subject::{Place, Subject};

const LENGTH_MAX: usize = 60;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static OF_THE_CLOSURES: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A handler's state, and a world outside that counts what it is asked and keeps what it is told.
pub(crate) struct Effects {
    words: Vec<u64>,
    texts: Vec<String>,
    inner: RefCell<Vec<u64>>,
    world: Rc<World>,
}

#[derive(Default)]
struct World {
    asked: Cell<u64>,
    told: RefCell<Vec<u64>>,
}

impl World {
    fn ask(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }

    fn tell(&self, word: u64) {
        let mut told = self.told.borrow_mut();
        let number = told.len() as u64;
        told.push(word.wrapping_mul(31).wrapping_add(number));
    }
}

impl Subject for Effects {
    const NAME: &'static str = "effects";

    fn new(_place: Place) -> Self {
        Self {
            words: Vec::new(),
            texts: Vec::new(),
            inner: RefCell::default(),
            // Code outside of handlers changes it.
            world: ordinary(Rc::default),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        self.bound();
        match random.below(13) {
            0 => self.ask(word),
            1 => self.ask_for_blocks(word),
            2 => self.world_in_files(word),
            3 => self.change_what_the_handler_changed(word),
            4 => change_locals(word),
            5 => self.tell(word),
            6 => self.tell_what_was_asked(),
            7 => effect(|| effect(|| word ^ 1) ^ effect(|| word)),
            8 => large_answers(word),
            9 => hash_keys(word),
            10 => self.thread_locals(word),
            #[cfg(panic = "unwind")]
            11 => self.panic_in_an_effect(word),
            #[cfg(panic = "unwind")]
            12 => self.panic_after_the_commit(word),
            _ => 0,
        }
    }

    fn digest(&self) -> u64 {
        digest(&(
            &self.words,
            &self.texts,
            &*self.inner.borrow(),
            self.world.asked.get(),
            &*self.world.told.borrow(),
        ))
    }
}

impl Effects {
    fn bound(&mut self) {
        self.words.truncate(LENGTH_MAX);
        self.texts.truncate(LENGTH_MAX);
        self.inner.get_mut().truncate(LENGTH_MAX);
    }

    fn ask(&mut self, word: u64) -> u64 {
        let answer = effect(|| self.world.ask() ^ word);
        self.words.push(answer);
        let other = effect(|| self.world.ask());
        self.words.push(other);
        answer
    }

    /// Blocks of the answer are kept, changed, grown and dropped by the handler.
    fn ask_for_blocks(&mut self, word: u64) -> u64 {
        let mut text = effect(|| format!("the world says {word}"));
        text.push_str(", and the handler something longer than that");
        let dropped: Vec<Vec<u64>> = effect(|| (0..9).map(|length| vec![word; length]).collect());
        let mut kept = effect(|| vec![word; 20]);
        kept.retain(|word| word % 2 == 0);
        self.words.extend(kept);
        self.texts.push(text);
        dropped.iter().map(Vec::len).sum::<usize>() as u64
    }

    fn world_in_files(&mut self, word: u64) -> u64 {
        let bytes = effect(|| {
            let mut bytes = [0xFF_u8; 16];
            let mut zero = File::open("/dev/zero")?;
            zero.read_exact(&mut bytes[..(word % 16) as usize])?;
            let mut null = File::options().write(true).open("/dev/null")?;
            null.write_all(&bytes)?;
            Ok::<_, std::io::Error>(bytes)
        });
        let missing = effect(|| File::open("/dev/null/none").map_err(|error| error.kind()));
        let bytes = bytes.expect("always there");
        self.words.push(u64::from(bytes[3]));
        digest(&(bytes, format!("{:?}", missing.err())))
    }

    /// The second run finds that changed, though it does not call the closure.
    fn change_what_the_handler_changed(&mut self, word: u64) -> u64 {
        let mut words = self.inner.take();
        words.push(word);
        self.inner.replace(words);
        let before = Box::new(Cell::new(word));
        let answer = effect(|| {
            let mut inner = self.inner.borrow_mut();
            inner.extend([1, 2, 3]);
            inner.shrink_to_fit();
            before.set(before.get() / 3);
            inner.len()
        });
        self.inner.borrow_mut().push(before.get());
        answer as u64
    }

    fn tell(&mut self, word: u64) -> u64 {
        self.words.push(word);
        for number in 0..word % 4 {
            let (world, text) = (Rc::clone(&self.world), format!("{word} {number}"));
            after_commit(move || world.tell(digest(&text)));
        }
        word
    }

    fn tell_what_was_asked(&mut self) -> u64 {
        let answer = effect(|| vec![self.world.ask(); 3]);
        let sum = answer.iter().sum();
        let world = Rc::clone(&self.world);
        after_commit(move || {
            world.tell(answer[2]);
            world.tell(effect(|| world.ask()));
            let inner = Rc::clone(&world);
            after_commit(move || inner.tell(7));
        });
        sum
    }

    /// The thread's own: one word that handler and closure change in turn, and a block that only the
    /// closures know.
    fn thread_locals(&mut self, word: u64) -> u64 {
        COUNT.set(COUNT.get() + word % 1_000);
        let before = COUNT.get();
        let kept = effect(|| {
            COUNT.set(COUNT.get() * 3);
            OF_THE_CLOSURES.with_borrow_mut(|words| {
                words.clear();
                words.extend([word; 5]);
                words.len()
            })
        });
        let tripled = COUNT.get() == before * 3;
        COUNT.set(0);
        kept as u64 ^ u64::from(tripled)
    }

    #[cfg(panic = "unwind")]
    fn panic_in_an_effect(&mut self, word: u64) -> u64 {
        use std::panic::{AssertUnwindSafe, catch_unwind};

        let caught = catch_unwind(AssertUnwindSafe(|| {
            effect(|| {
                let asked = self.world.ask();
                assert!(word.is_multiple_of(5), "the world fails: {asked}");
                asked
            })
        }));
        self.words.push(caught.unwrap_or(1));
        effect(|| {
            assert!(word.is_multiple_of(2), "leaves effect and handler");
            self.world.ask()
        })
    }

    /// The others are still called.
    #[cfg(panic = "unwind")]
    fn panic_after_the_commit(&mut self, word: u64) -> u64 {
        self.words.push(word);
        let world = Rc::clone(&self.world);
        after_commit(move || {
            world.tell(word);
            panic!("after the commit of {word}")
        });
        word
    }
}

fn change_locals(word: u64) -> u64 {
    let (cell, blocks) = (Cell::new(word), RefCell::new(vec![word; 3]));
    let answer = effect(|| {
        cell.set(cell.get() ^ 0xFFFF);
        blocks.borrow_mut().resize(100, 8);
        blocks.borrow().len()
    });
    blocks.borrow_mut().push(1);
    cell.get() ^ (answer + blocks.take().len()) as u64
}

fn large_answers(word: u64) -> u64 {
    let words = effect(|| [word; 700]);
    effect(|| ());
    let nothing: Option<Box<u64>> = effect(|| None);
    let wide = effect(|| u128::from(word) << 60);
    digest(&(words.as_slice(), nothing, wide))
}

/// A map in the effect moves the keys on, from which the handler has already taken.
fn hash_keys(word: u64) -> u64 {
    let mut own: HashMap<u64, u64> = HashMap::new();
    own.insert(word, 1);
    let map = effect(|| HashMap::from([(word, 2), (1, 3)]));
    let mut other: HashMap<u64, u64> = HashMap::new();
    other.extend(&map);
    own.extend(other);
    let mut pairs: Vec<_> = own.into_iter().collect();
    pairs.sort_unstable();
    digest(&pairs)
}
