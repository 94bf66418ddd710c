//! `Rc`, `Weak`, `RefCell`, `Arc`, boxed closures and trait objects.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::{self, Arc};

use asc_hardened_tests::digest::digest;
use asc_hardened_tests::random::Random;

use crate::subject::{Place, Subject};

const NODES_MAX: usize = 40;

/// A tree node that knows its parent.
struct Node {
    value: Cell<u32>,
    children: RefCell<Vec<Rc<Node>>>,
    parent: RefCell<Weak<Node>>,
    label: OnceCell<String>,
}

impl Node {
    fn new(value: u32) -> Rc<Self> {
        Rc::new(Self {
            value: Cell::new(value),
            children: RefCell::default(),
            parent: RefCell::default(),
            label: OnceCell::new(),
        })
    }

    fn sum(&self) -> u64 {
        u64::from(self.value.get())
            + self
                .children
                .borrow()
                .iter()
                .map(|node| node.sum())
                .sum::<u64>()
    }
}

/// Reference-counted structures with shared ownership and cycles broken by weak pointers.
pub(crate) struct Counted {
    root: Rc<Node>,
    loose: Vec<Weak<Node>>,
    shared: Vec<Arc<(u8, String)>>,
    weak: Vec<sync::Weak<(u8, String)>>,
    slice: Rc<[u16]>,
    text: Arc<str>,
}

impl Subject for Counted {
    const NAME: &'static str = "counted";

    fn new(_place: Place) -> Self {
        Self {
            root: Node::new(0),
            loose: Vec::new(),
            shared: Vec::new(),
            weak: Vec::new(),
            slice: Rc::from([1, 2, 3]),
            text: Arc::from("text"),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let byte = random.byte();
        match random.below(10) {
            0 | 1 => self.grow(byte),
            2 => drop(self.root.children.borrow_mut().pop()),
            3 => self.loose.retain(|node| node.upgrade().is_some()),
            4 => self
                .loose
                .iter()
                .filter_map(Weak::upgrade)
                .for_each(|node| {
                    node.value.update(|value| value.wrapping_add(1));
                    node.label.get_or_init(|| format!("label {byte}"));
                }),
            5 => {
                let shared = Arc::new((byte, format!("{byte}")));
                self.weak.push(Arc::downgrade(&shared));
                self.shared.push(shared);
            }
            6 => self
                .shared
                .iter_mut()
                .for_each(|shared| Arc::make_mut(shared).0 ^= 1),
            7 => self.shared.extend_from_within(..self.shared.len().min(2)),
            8 => {
                self.slice = self
                    .slice
                    .iter()
                    .rev()
                    .copied()
                    .chain([byte.into()])
                    .take(50)
                    .collect()
            }
            _ => self.text = Arc::from(format!("{}{byte}", &self.text[..self.text.len().min(9)])),
        }
        if self.shared.len() > NODES_MAX {
            self.shared.clear();
        }
        self.weak.retain(|weak| weak.strong_count() > 0);
        self.root.sum() + self.weak.len() as u64 + Rc::weak_count(&self.root) as u64
    }

    fn digest(&self) -> u64 {
        let labels: Vec<_> = self
            .loose
            .iter()
            .map(|node| {
                node.upgrade()
                    .map(|node| (node.value.get(), node.label.get().cloned()))
            })
            .collect();
        digest(&(
            self.root.sum(),
            labels,
            &self.shared,
            &self.slice,
            &self.text,
        ))
    }
}

impl Counted {
    fn grow(&mut self, byte: u8) {
        let child = Node::new(byte.into());
        *child.parent.borrow_mut() = Rc::downgrade(&self.root);
        self.loose.push(Rc::downgrade(&child));
        let mut children = self.root.children.borrow_mut();
        match children.last() {
            Some(last) if byte.is_multiple_of(3) => last.children.borrow_mut().push(child),
            _ => children.push(child),
        }
        if children.len() > NODES_MAX {
            children.drain(..NODES_MAX / 2);
        }
    }
}

type Function = Box<dyn Fn(u64) -> u64>;

/// Values behind vtables.
pub(crate) struct Closures {
    functions: Vec<Function>,
    counters: Vec<Box<dyn FnMut() -> u64>>,
    shapes: Vec<Box<dyn Shape>>,
}

trait Shape {
    fn area(&self) -> u64;
    fn grow(&mut self, by: u16);
}

struct Square(u16);
struct Rectangle {
    width: u32,
    height: u8,
}

impl Shape for Square {
    fn area(&self) -> u64 {
        u64::from(self.0) * u64::from(self.0)
    }

    fn grow(&mut self, by: u16) {
        self.0 = self.0.wrapping_add(by);
    }
}

impl Shape for Rectangle {
    fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn grow(&mut self, by: u16) {
        self.height = self.height.wrapping_add(by as u8);
        self.width ^= u32::from(by);
    }
}

impl Subject for Closures {
    const NAME: &'static str = "closures";

    fn new(_place: Place) -> Self {
        Self {
            functions: Vec::new(),
            counters: Vec::new(),
            shapes: Vec::new(),
        }
    }

    fn step(&mut self, random: u64) -> u64 {
        let mut random = Random::new(random);
        let word = random.word();
        match random.below(7) {
            0 => self
                .functions
                .push(Box::new(move |input| input.wrapping_mul(word))),
            1 => {
                let text = format!("{word}");
                self.functions
                    .push(Box::new(move |input| input ^ text.len() as u64));
            }
            2 => {
                let mut calls = word;
                self.counters.push(Box::new(move || {
                    calls = calls.wrapping_add(3);
                    calls
                }));
            }
            3 => self.shapes.push(Box::new(Square(word as u16))),
            4 => self.shapes.push(Box::new(Rectangle {
                width: word as u32,
                height: 3,
            })),
            5 => self
                .shapes
                .iter_mut()
                .for_each(|shape| shape.grow(word as u16)),
            _ => drop(self.functions.pop()),
        }
        self.functions.truncate(NODES_MAX);
        self.counters.truncate(NODES_MAX);
        if self.shapes.len() > NODES_MAX {
            self.shapes.clear();
        }
        let counted = self
            .counters
            .iter_mut()
            .fold(0, |sum: u64, next| sum.wrapping_add(next()));
        self.functions
            .iter()
            .fold(counted, |value, function| function(value))
    }

    fn digest(&self) -> u64 {
        let areas: Vec<_> = self.shapes.iter().map(|shape| shape.area()).collect();
        digest(&(
            self.functions
                .iter()
                .fold(1, |value, function| function(value)),
            areas,
        ))
    }
}
